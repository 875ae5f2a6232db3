"""The list of deals as an address asks for it: filters, search, keyset pages, a sum, and a file."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from alignment.desk import lead_fits
from alignment.desk.lead_list import CHUNK, Filter
from alignment.desk.queue import COUNT_CAP
from alignment.lib import keysets
from alignment.lib.csv import Cell
from alignment.people.models import Company, User
from leads.deals.likeness import Likeness, look
from leads.finding import find_named, is_enough
from leads.milestones import Milestone
from leads.models import Account, Opportunity, Stage
from leads.models.opportunity import DealKind, DealState, SourcedBy

PAGE = 50
ORDER = ("-id",)
MOST_ACCOUNTS = 50

HEADER = (
    "Id", "Name", "Account", "Kind", "State", "Stage", "Amount", "Currency", "Rate", "Base amount", "Probability",
    "Expected close", "Owner", "Sourced by", "Reason", "Opened", "Closed",
)  # fmt: skip

CLOSES: Mapping[str, str] = {
    "overdue": "Past its date",
    "month": "This month",
    "quarter": "This quarter",
    "later": "Later",
    "unknown": "Without a date",
}
"""When an open deal is expected to close."""


class DealList:
    """Deals, the newest first. What an address asks for and nobody knows is left out of account."""

    def __init__(self, user: User, asked: Mapping[str, str], *, today: date) -> None:
        self.user, self.asked, self.today = user, asked, today
        self.words = " ".join(asked.get("q", "").replace("\0", " ").split())[:200]

    # What can be asked

    @cached_property
    def company(self) -> Company:
        return Company.get()

    @cached_property
    def stages(self) -> dict[str, Stage]:
        return {each.key: each for each in Stage.objects.filter(milestone__gte=Milestone.SQO).order_by("position")}

    @cached_property
    def owners(self) -> dict[str, str]:
        """Who holds a deal; `me` is whoever looks."""
        holders = User.objects.filter(Exists(Opportunity.objects.filter(owner=OuterRef("pk"))))
        others = {str(pk): name for pk, name in holders.order_by("name", "pk").values_list("pk", "name")}
        return {"me": "Me", "none": "Nobody"} | others

    @cached_property
    def account(self) -> Account | None:
        """The account whose deals are asked for."""
        pk = self.asked.get("account", "")
        return Account.objects.filter(pk=pk).first() if pk.isascii() and pk.isdecimal() and len(pk) < 19 else None

    @cached_property
    def filters(self) -> list[Filter]:
        """The selects of the filter bar."""
        offered = {
            "state": ("State", dict(DealState.choices)),
            "stage": ("Stage", {key: stage.name for key, stage in self.stages.items()}),
            "kind": ("Kind", dict(DealKind.choices)),
            "close": ("Closes", dict(CLOSES)),
            "owner": ("Owner", self.owners),
            "sourced_by": ("Sourced by", dict(SourcedBy.choices)),
            "target": ("Accounts", lead_fits.TARGETS),
        }
        return [
            Filter(name, label, list(choices.items()), self._chosen(name, choices))
            for name, (label, choices) in offered.items()
        ]

    def _chosen(self, name: str, choices: Mapping[str, str]) -> str:
        value = self.asked.get(name, "")
        return value if value in choices else ""

    @cached_property
    def chosen(self) -> dict[str, str]:
        """What the address asks for, by filter."""
        return {each.name: each.chosen for each in self.filters if each.chosen}

    @property
    def is_filtered(self) -> bool:
        return bool(self.words or self.chosen or self.account)

    # What is found

    @cached_property
    def found(self) -> "QuerySet[Opportunity]":
        """The deals that the address means, in no order."""
        deals = Opportunity.objects.filter(withdrawn_at=None)
        columns = {"state": "state", "kind": "kind", "sourced_by": "sourced_by"}
        deals = deals.filter(**{columns[name]: value for name, value in self.chosen.items() if name in columns})
        if stage := self.stages.get(self.chosen.get("stage", "")):
            deals = deals.filter(stage=stage)
        if owner := self.chosen.get("owner"):
            deals = deals.filter(owner={"me": self.user.pk, "none": None}.get(owner, owner))
        if close := self.chosen.get("close"):
            deals = deals.filter(self._closing(close), state=DealState.OPEN)
        if target := self.chosen.get("target"):
            deals = deals.filter(lead_fits.at_targets(target))
        if self.account:
            deals = deals.filter(account=self.account)
        return deals.filter(self._named) if self.words else deals

    def _closing(self, when: str) -> Q:
        month = self.today.replace(day=1)
        after_month = (month + timedelta(days=32)).replace(day=1)
        quarter = month.replace(month=3 * ((month.month - 1) // 3) + 1)
        after_quarter = (quarter + timedelta(days=95)).replace(day=1)
        return {
            "overdue": Q(expected_close_on__lt=self.today),
            "month": Q(expected_close_on__gte=month, expected_close_on__lt=after_month),
            "quarter": Q(expected_close_on__gte=quarter, expected_close_on__lt=after_quarter),
            "later": Q(expected_close_on__gte=after_quarter),
            "unknown": Q(expected_close_on=None),
        }[when]

    @cached_property
    def _named(self) -> Q:
        """The words are in the deal's name, or name its account."""
        inside = Q()
        for word in self.words.split()[:8]:
            inside &= Q(name__icontains=word)
        if not is_enough(self.words):
            return inside
        accounts = [int(one.key) for one in find_named(self.words, limit=MOST_ACCOUNTS) if one.kind == "account"]
        return inside | Q(account__in=accounts)

    @cached_property
    def _size(self) -> tuple[int, Decimal | None]:
        capped = self.found.order_by().values("base_amount")[: COUNT_CAP + 1]
        total = capped.aggregate(sum=Sum("base_amount"))["sum"]
        return capped.count(), total

    @property
    def count(self) -> str:
        """How many were found, up to a thousand: `847`, `1,000+`."""
        count, _ = self._size
        return f"{COUNT_CAP:,}+" if count > COUNT_CAP else f"{count:,}"

    @property
    def total(self) -> Decimal | None:
        """What they are worth in the company's currency; None where more were found than are counted."""
        count, total = self._size
        return total if count <= COUNT_CAP else None

    @cached_property
    def keyset(self) -> keysets.Page[Opportunity]:
        deals = self.found.select_related("account", "owner", "stage")
        return keysets.Page(deals, ORDER, self.asked.get("after", ""), size=PAGE)

    @property
    def page(self) -> list[Opportunity]:
        """The rows of this page."""
        return self.keyset.rows

    @property
    def next(self) -> str:
        """The place of the next page, blank on the last one."""
        return self.keyset.next

    @cached_property
    def likely(self) -> dict[int, list[Likeness]]:
        """The deals of this page that may be there twice."""
        return look([deal.pk for deal in self.page if deal.state == DealState.OPEN])

    # The file

    def lines(self) -> Iterator[tuple[Cell, ...]]:
        """All that was found, as rows under `HEADER`; read in chunks."""
        related = ("account", "owner", "stage", "reason")
        for deal in self.found.order_by(*ORDER).select_related(*related).iterator(CHUNK):
            yield (
                deal.pk, deal.name, *(str(each) if each else None for each in (deal.account,)),
                deal.get_kind_display(), deal.get_state_display(), str(deal.stage or ""), deal.amount, deal.currency,
                deal.rate, deal.base_amount, deal.probability, deal.expected_close_on, str(deal.owner or ""),
                deal.get_sourced_by_display(), str(deal.reason or ""), deal.opened_at, deal.closed_at,
            )  # fmt: skip
