"""The list of disputes: open ones, the first due first, or the newest verdicts; its pages and its file."""

from collections.abc import Iterator

from alignment.lib import keysets
from alignment.lib.csv import Cell
from sla.models import Dispute, DisputeKind
from sla.models.dispute import Verdict

PAGE = 100
CHUNK = 500
RELATED = (
    "lead", "transition__reason", "clock__policy", "sourcing__opportunity", "raised_by", "asked", "answered_by",
    "closed_by",
)  # fmt: skip
HEADER = (
    "Number", "About", "Company", "Contested", "By", "On", "Evidence", "Link", "State", "Asked", "Answer due",
    "Answered", "Answered by", "Answer", "To RevOps", "Decided", "Decided by", "Why",
)  # fmt: skip
DECIDED, OPEN = ("-closed_at", "-pk"), ("due_at", "pk")


class DisputeList:
    """The open ones, or those with a verdict; `after` names the place at which the page begins.

    `kind` and `verdict` narrow it, and `days` to those that were contested so many days ago or later; unknown values
    are left out.
    """

    def __init__(
        self, after: str = "", *, is_decided: bool, kind: str = "", verdict: str = "", days: str = ""
    ) -> None:  # fmt: skip
        found = Dispute.objects.select_related(*RELATED).with_due()
        self.is_decided = is_decided
        self.kind = kind if kind in DisputeKind.values else ""
        self.days = int(days) if days.isascii() and days.isdecimal() and len(days) < 5 else None
        if self.kind:
            found = found.filter(kind=self.kind)
        if verdict in Verdict.values:
            found = found.filter(verdict=verdict)
        if self.days:
            found = found.contested_within(self.days)
        self.keyset = keysets.Page(
            found.exclude(verdict="") if is_decided else found.open(), DECIDED if is_decided else OPEN, after,
            size=PAGE, undated_last=not is_decided,
        )  # fmt: skip

    @property
    def rows(self) -> list[Dispute]:
        return self.keyset.rows

    @property
    def next(self) -> str:
        """Where the next page goes on; blank on the last one."""
        return self.keyset.next

    def lines(self) -> Iterator[tuple[Cell, ...]]:
        """All of them, under `HEADER`."""
        order = self.keyset.order
        for each in self.keyset.found.order_by(*order).iterator(CHUNK):
            yield (
                each.pk, each.subject, each.lead.company_name if each.lead else None, each.get_kind_display(),
                str(each.raised_by), each.raised_at, each.evidence, each.evidence_url, each.state,
                _name(each.asked), each.answer_due_at, each.answered_at, _name(each.answered_by), each.answer,
                each.escalated_at, each.closed_at, _name(each.closed_by), each.closed_why,
            )  # fmt: skip


def _name(person: object | None) -> str | None:
    return None if person is None else str(person)
