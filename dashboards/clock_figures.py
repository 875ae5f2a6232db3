"""Every figure of a promise opens: its numbers by name, each with the clocks that make it.

A page links a number as `?figure=breached&promise=3` beside its own filters; without a promise it is about all of
them, with `kind` about those of one kind, with `owed_by=holder` without what others owe about the same leads. The rows
of the list are counted by the same conditions as the number.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Self
from urllib.parse import urlencode

from django.urls import reverse

from alignment.people.models import Side
from dashboards import report
from dashboards.figures import FigureError
from dashboards.filters import Filters
from dashboards.metrics import answered, attainment
from dashboards.metrics.answered import Judged
from dashboards.metrics.attainment import Promised
from sla.models import Policy, SubjectKind
from sla.querysets import ClockQuerySet
from sla.subjects import subjects

DEFAULT = "breached"
HOLDER = "holder"
"""Whoever holds the lead; what both sides promise, such as the answer to a dispute, is owed by others."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number: how a list of it is called, and its rows of some clocks at a moment. One `of_period` goes by due time,
    and `counts` says which judged clocks it is about; the others are about this moment.
    """

    title: str
    rows: Callable[[ClockQuerySet, datetime], ClockQuerySet]
    counts: Callable[[Judged], bool] | None = None

    @property
    def of_period(self) -> bool:
        return self.counts is not None


FIGURES: Mapping[str, Figure] = {
    "judged": Figure("Were due", lambda clocks, at: clocks.judged(at), lambda each: each.is_counted),
    "met": Figure("Kept", lambda clocks, at: clocks.met(at), lambda each: each.is_counted and not each.is_late),
    DEFAULT: Figure(
        "Broken: late, or not yet and overdue",
        lambda clocks, at: clocks.breached(at),
        lambda each: each.is_counted and each.is_late,
    ),
    "excused": Figure("Excused by a verdict", lambda clocks, at: clocks.excused(at), lambda each: not each.is_counted),
    "open": Figure("Open now", lambda clocks, at: clocks.open(at)),
    "at_risk": Figure("At risk now: little time left", lambda clocks, at: clocks.at_risk(at)),
    "paused": Figure("Paused now", lambda clocks, at: clocks.paused()),
    "overdue": Figure("Overdue now", lambda clocks, at: clocks.overdue(at)),
}

SHORT: Mapping[str, str] = {
    SubjectKind.DISPOSITION: "Answer",
    SubjectKind.FIRST_TOUCH: "First touch",
    SubjectKind.WORKED: "Touch once accepted",
    "deal_update": "Deal update",
    "dispute_answer": "Dispute answer",
}


def short(kind: str) -> str:
    """A kind of promise in a word or two, for a column."""
    return SHORT.get(kind) or kind.replace("_", " ").capitalize()


@dataclass(frozen=True)
class OpenedClocks:
    """A figure as an address asked for it. `promise` None: of all promises, or of those of one `kind`. What both sides
    promise by the same rules is that of the `side` that is asked for; without any, of sales. `by_holder`: without what
    both sides promise.
    """

    name: str
    figure: Figure
    promise: Promised | None = None
    kind: str = ""
    by_holder: bool = False

    @classmethod
    def find(cls, given: Mapping[str, str], promises: list[Promised]) -> Self:
        """What the address asks for; without any, the breaches. Raises FigureError."""
        name, kind, key = given.get("figure") or DEFAULT, given.get("kind", ""), given.get("promise", "")
        side, owed_by = given.get("side") or Side.SALES, given.get("owed_by", "")
        if name not in FIGURES:
            raise FigureError(f"There is no figure “{name}”.")
        if kind and kind not in {each.kind for each in promises}:
            raise FigureError(f"There is no kind of promise “{kind}”.")
        if owed_by not in ("", HOLDER):
            raise FigureError(f"Nothing is owed by “{owed_by}”.")
        own = [each for each in promises if key.isdecimal() and int(key) in each.policy_ids]
        promise = next((each for each in own if not each.is_of_both or each.side == side), None)
        if key and promise is None:
            raise FigureError(f"There is no promise “{key}”.")
        return cls(name, FIGURES[name], promise, kind, by_holder=owed_by == HOLDER)

    @property
    def about(self) -> str:
        """Which promises it is about."""
        return f"{self._promises} that the holder of the lead owes" if self.by_holder else self._promises

    @property
    def _promises(self) -> str:
        if self.promise:
            whose = f", by {self.promise.side.label.lower()}" if self.promise.is_of_both else ""
            return f"{self.promise.name}{whose}"
        return short(self.kind) if self.kind else "All promises"

    def rows(self, filters: Filters, at: datetime) -> ClockQuerySet:
        """The clocks that make the number."""
        return self._of(attainment.clocks(filters), filters, at)

    def _of(self, clocks: ClockQuerySet, filters: Filters, at: datetime) -> ClockQuerySet:
        if self.figure.of_period:
            clocks = attainment.due(filters, clocks)
        if self.promise:
            clocks = attainment.of_promise(clocks, self.promise)
        if self.kind:
            clocks = clocks.filter(subject_kind=self.kind)
        if self.by_holder:
            clocks = clocks.exclude(subject_kind__in=[each.kind for each in subjects() if each.is_of_both])
        return self.figure.rows(clocks, at)

    def count(self, filters: Filters, at: datetime) -> int:
        """How many there are: of the period by what is kept of everybody's answers, where that tells."""
        look, counts = report.look_at_usual(answered.broad(filters)), self.figure.counts
        if counts is None or not look.keeps:
            return sum(self._of(part, filters, at).count() for part in attainment.apart(filters))
        return sum(each.n for each in attainment.judged(filters, at, look) if counts(each) and self._is_about(each))

    def _is_about(self, judged: Judged) -> bool:
        if self.promise and not self.promise.has(judged.policy_id, judged.side):
            return False
        if self.by_holder and judged.side:
            return False
        return not self.kind or judged.policy_id in self._policies_of_kind

    @cached_property
    def _policies_of_kind(self) -> set[int]:
        return set(Policy.objects.filter(subject_kind=self.kind).values_list("pk", flat=True))

    def address(self, filters: Filters) -> str:
        """Where it opens for these filters."""
        return address(filters, self.name, promise=self.promise, kind=self.kind, by_holder=self.by_holder)


def address(
    filters: Filters, name: str, *, promise: Promised | None = None, kind: str = "", by_holder: bool = False
) -> str:
    """Where the number `name` opens. Raises KeyError for a name that does not exist."""
    FIGURES[name]
    asked: dict[str, object] = {"figure": name}
    if promise:
        asked |= {"promise": promise.pk} | ({"side": promise.side.value} if promise.is_of_both else {})
    if kind:
        asked["kind"] = kind
    if by_holder:
        asked["owed_by"] = HOLDER
    return "&".join(filter(None, (f"{reverse('promise_clocks')}?{urlencode(asked)}", filters.query)))
