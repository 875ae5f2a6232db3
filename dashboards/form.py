"""The filter bar: what can be chosen, and what is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from alignment.people.figures import FiguresOfRep
from alignment.people.models import User
from alignment.people.permissions import can
from dashboards.filters import Accounts, Anchor, Basis, Compare, Deals, Filters, Passes, Span
from dashboards.options import FACETS, Choice, Facet, Options

SPANS = {
    Span.YEAR: "Last 12 months",
    Span.NINETY_DAYS: "Last 90 days",
    Span.QUARTER: "This quarter",
    Span.LAST_QUARTER: "Last quarter",
    Span.ALL: "All time",
    Span.DATES: "Dates",
}
BASES = {Basis.COHORT: "Cohort: who entered", Basis.PERIOD: "Period: what happened"}
ANCHORS = {each: "First milestone" if each == Anchor.FIRST else each.name for each in Anchor}
PASSES = {Passes.ALL: "All passes", Passes.FIRST: "First passes", Passes.RETURNING: "Returning leads"}
ACCOUNTS = {
    Accounts.ALL: "All accounts",
    Accounts.TARGET: "Target accounts",
    Accounts.OTHERS: "No target accounts",
}
COMPARED = {
    Compare.BEFORE: "The period before",
    Compare.YEAR: "52 weeks before",
    Compare.NONE: "Nothing",
}
DEALS = {Deals.NEW: "New business", Deals.ALL: "All deals"}
Key = TypeVar("Key", bound=StrEnum)

MORE = ("basis", "anchor", "passes", "deals", "accounts", "by", "compare")
OF_COHORTS = {"basis", "anchor", "by"}
"""What only the funnel asks for: promises go by their own dates, and are told apart by everything at once."""
OF_PROMISES = {"compare"}
"""What only the page of promises asks for: the funnel stands beside the period before, always."""
IN_THE_BAR = (Facet.SEGMENT, Facet.SOURCE, Facet.OWNER)


@dataclass(frozen=True, slots=True)
class Select:
    """One choice: (key, name) of each, and the chosen key."""

    name: str
    label: str
    choices: Sequence[tuple[str, str]]
    chosen: str


class FilterForm:
    """Read by the template of the filter bar of the page `route`. Offers what `user` may see."""

    id = "filters"

    def __init__(self, user: User, options: Options, filters: Filters, route: str = "funnel") -> None:
        self.user, self.options, self.filters, self.route = user, options, filters, route

    @property
    def span(self) -> Select:
        return _select("period", "Period", SPANS, self.filters.span)

    @property
    def bar(self) -> list[Select]:
        """What stands in the bar itself."""
        return [self._facet(facet) for facet in IN_THE_BAR if self._choices(facet)]

    @property
    def more(self) -> list[Select]:
        """What stands behind “More”: how a cohort is made only where the page is about cohorts."""
        compared = [facet for facet in FACETS if facet != Facet.OWNER or can(self.user, "funnel.of_reps")]
        selects = [
            _select("basis", "Count", BASES, self.filters.basis),
            _select("anchor", "A lead enters at", ANCHORS, self.filters.anchor),
            _select("passes", "Passes", PASSES, self.filters.passes),
            _select("deals", "Deals", DEALS, self.filters.deals),
            _select("accounts", "Accounts", ACCOUNTS, self.filters.accounts),
            *(self._facet(facet) for facet in FACETS if facet not in IN_THE_BAR and self._choices(facet)),
            _select("compare", "Compare with", COMPARED, self.filters.compare),
            _select("by", "Compare by", {facet: facet.capitalize() for facet in compared}, self.filters.by),
        ]
        return [select for select in selects if select.name in FACETS or select.name in self._more]

    @property
    def more_chosen(self) -> int:
        """How many of those differ from the usual."""
        usual = Filters()
        hidden = [facet for facet in self.filters.facets if facet not in IN_THE_BAR]
        return len(hidden) + sum(getattr(self.filters, name) != getattr(usual, name) for name in self._more)

    @property
    def _more(self) -> Sequence[str]:
        others = OF_PROMISES if self.route == "funnel" else OF_COHORTS
        return [name for name in MORE if name not in others]

    def _facet(self, facet: Facet) -> Select:
        chosen = self.filters.facets.get(facet)
        return Select(facet, facet.capitalize(), [("", "all"), *self._choices(facet)], chosen.key if chosen else "")

    def _choices(self, facet: Facet) -> list[tuple[str, str]]:
        choices = self.options.by_facet[facet].values()
        return [(one.key, one.name) for one in choices if facet != Facet.OWNER or self._may_see(one)]

    def _may_see(self, owner: Choice) -> bool:
        return can(self.user, "funnel.of_rep", FiguresOfRep.of(owner))


def _select(name: str, label: str, choices: Mapping[Key, str], chosen: Key) -> Select:
    return Select(name, label, [(str(key), text) for key, text in choices.items()], chosen)
