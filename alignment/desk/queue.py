"""What waits for sales: whose leads somebody sees, in which order, and how well the promise is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from urllib.parse import urlencode

from django.db.models import Case, CharField, F, FilteredRelation, OuterRef, Q, Subquery, Value, When
from django.db.models.expressions import OrderBy
from django.urls import reverse

from alignment.desk import lead_fits
from alignment.desk.queue_groups import GROUPS, TAB_NAMES, WAITING, Tab, is_awake, rank_of, state_of
from alignment.lib.counting import counts_up_to
from alignment.people.models import Role, Side, Team, User
from dashboards.keeping import Keeper
from leads import states
from leads.milestones import QualifiedBy
from leads.models import Lead, Segment, Touchpoint
from leads.models.touchpoint import Direction
from leads.querysets import LeadQuerySet
from leads.scoring.reading import points_of_leads
from sla.capacity import is_above
from sla.models import Clock, Policy, Promise
from sla.querysets import Attainment, attainment_of, due_of_pass, with_clock

PAGE = 50
MOST = 500
COUNT_CAP = 1000
JUDGED_DAYS = 28


class Sort(StrEnum):
    """By time left, or who raised a hand first."""

    DUE = "due"
    NEXT = "next"


QUALIFIED = {
    QualifiedBy.SCORE: "Reached the score",
    QualifiedBy.HAND_RAISE: "Raised a hand",
    QualifiedBy.MANUAL: "Handed over",
    QualifiedBy.IMPORT: "Imported",
}
"""How it became an MQL, in the words of a row."""


@dataclass(frozen=True, slots=True)
class Group:
    """Leads under one heading. Each carries what `Queue` annotated."""

    state: str
    name: str
    leads: list[Lead]


@dataclass(frozen=True, slots=True)
class TabLink:
    """`count` is capped: 1,001 means more than a thousand."""

    tab: Tab
    name: str
    count: int

    @property
    def shown(self) -> str:
        return f"{COUNT_CAP:,}+" if self.count > COUNT_CAP else str(self.count)


@dataclass(frozen=True, slots=True)
class Kept:
    """How many answers were in time (`share`, 0 to 1, of `n` that were due), and what was promised (percent)."""

    share: float
    n: int
    promised: int
    hours: int


_attained: Keeper[Attainment] = Keeper(stays=timedelta(minutes=1), most=500)
"""How the promise was kept lately: four weeks change little in a minute."""


class Queue:
    """One visitor's queue as the address asks for it. What it knows it reads once, when it is asked."""

    def __init__(self, user: User, asked: Mapping[str, str], *, at: datetime) -> None:
        self.user, self.at = user, at
        self.is_own = user.role == Role.REP and user.side == Side.SALES
        tab = asked.get("view", "")
        self.tab = Tab(tab) if tab in self.tab_names else Tab.NEEDS_ANSWER
        self.sort = Sort(asked["sort"]) if asked.get("sort") in set(Sort) else Sort.DUE
        self.segment = asked.get("segment", "")
        self.target = asked["target"] if asked.get("target") in lead_fits.TARGETS else ""
        rows = asked.get("rows", "")
        self.most = min(max(int(rows) if rows.isdecimal() else PAGE, PAGE), MOST)

    # Whose leads

    @property
    def leads_team(self) -> bool:
        """Whether the visitor sees the leads of a sales team that they manage."""
        return self.user.role == Role.MANAGER and self.user.side == Side.SALES

    @property
    def title(self) -> str:
        if self.is_own:
            return "My queue"
        return "Team queue" if self.leads_team else "Sales queue"

    @property
    def tab_names(self) -> Mapping[Tab, str]:
        """A team of its own has no tab for whom the whole queue is the team's."""
        return TAB_NAMES if self.is_own else {tab: name for tab, name in TAB_NAMES.items() if tab != Tab.TEAM}

    @cached_property
    def _teams(self) -> list[int]:
        managed = Team.objects.filter(manager=self.user).values_list("pk", flat=True) if self.leads_team else ()
        return [*managed, *filter(None, [self.user.team_id])]

    def _held(self, tab: Tab) -> Q:
        """Whose leads a tab shows. What nobody holds waits for everyone in sales."""
        if self.is_own and tab != Tab.TEAM:
            return Q(owner=self.user)
        if not self.is_own and not self.leads_team:
            return Q()
        held = Q(team__in=self._teams)
        return held | Q(owner=None) if tab in WAITING else held

    def _leads(self, tab: Tab) -> LeadQuerySet:
        standing = {
            Tab.NEEDS_ANSWER: Lead.objects.awaiting_answer,
            Tab.UNTOUCHED: lambda: Lead.objects.standing().filter(states.UNTOUCHED),
            Tab.ACCEPTED: Lead.objects.in_sales,
            Tab.RECYCLED: Lead.objects.in_nurture,
            Tab.TEAM: Lead.objects.awaiting_answer,
        }
        return standing[tab]().filter(self._held(tab))

    # What the page shows

    @property
    def waits(self) -> bool:
        """Whether the tab holds leads that wait for an answer."""
        return self.tab in WAITING

    @cached_property
    def address(self) -> str:
        """This list, without what stands beside it."""
        asked = {"view": self.tab, "segment": self.segment, "target": self.target, "sort": self.sort, "rows": self.most}
        usual = {"view": Tab.NEEDS_ANSWER, "segment": "", "target": "", "sort": Sort.DUE, "rows": PAGE}
        query = urlencode({name: value for name, value in asked.items() if value != usual[name]})
        return reverse("queue") + (f"?{query}" if query else "")

    @cached_property
    def tabs(self) -> list[TabLink]:
        """The tabs with their counts; one query."""
        counts = counts_up_to(COUNT_CAP + 1, [self._leads(tab) for tab in self.tab_names])
        return [TabLink(tab, name, count) for (tab, name), count in zip(self.tab_names.items(), counts, strict=True)]

    @cached_property
    def segments(self) -> list[Segment]:
        """The segments to choose from."""
        return list(Segment.objects.filter(Q(retired_at=None) | Q(key=self.segment)))

    @property
    def targets(self) -> list[tuple[str, str]]:
        """Whose accounts to choose from."""
        return list(lead_fits.TARGETS.items())

    @cached_property
    def groups(self) -> list[Group]:
        """The rows under their headings, at most `most`; one query."""
        named = dict(GROUPS[self.tab])
        grouped = groupby(self._rows[: self.most], key=attrgetter("state"))
        return [Group(state, named[state], list(leads)) for state, leads in grouped]

    @property
    def first(self) -> Lead | None:
        """The lead at the top."""
        return self._rows[0] if self._rows else None

    @property
    def shown(self) -> int:
        return min(len(self._rows), self.most)

    @property
    def has_more(self) -> bool:
        return len(self._rows) > self.most

    @property
    def next_most(self) -> int | None:
        """How many rows "show more" asks for; None where the page would get too long."""
        return self.most + PAGE if self.most < MOST else None

    @cached_property
    def _rows(self) -> list[Lead]:
        """The leads in their order, and one more than `most` where there are more; two queries, three where they wait.

        Which ones they are is asked first: whoever has thousands waits for what a row shows of some, not of all.
        """
        leads = self._leads(self.tab)
        if self.segment:
            leads = leads.filter(segment__key=self.segment)
        if self.target:
            leads = leads.filter(lead_fits.at_targets(self.target))
        if self.waits:
            leads = leads.annotate(due_at=due_of_pass())
        first = list(self._placed(leads).values_list("pk", flat=True)[: self.most + 1])
        if not first:
            return []
        described = _described(self._placed(with_clock(Lead.objects.filter(pk__in=first))))
        if self.waits:
            described = described.annotate(points=points_of_leads(self.at), grade=F("score__grade"))
        return list(described)

    def _placed(self, leads: LeadQuerySet) -> LeadQuerySet:
        """The leads with the state of their group, group by group, in the order of the tab. Where it waits for an
        answer, they know when that is due.
        """
        placed = leads.annotate(
            journey=FilteredRelation("journeys", condition=Q(journeys__pass_no=F("pass_no"))),
            plan=FilteredRelation("follow_up", condition=Q(follow_up__pass_no=F("pass_no"))),
        )
        placed = placed.annotate(
            accepted_at=F("journey__accepted_at"), worked_at=F("journey__worked_at"),
            revisit_on=F("journey__revisit_on"), next_on=F("plan__next_on"), wakes_on=F("plan__wakes_on"),
            is_above=is_above("pk"),
        )  # fmt: skip
        return placed.annotate(state=state_of(self.tab, self.at)).order_by(*self._order())

    def _order(self) -> list[str | Case | OrderBy]:
        rank = rank_of(self.tab, self.at)
        if self.tab == Tab.ACCEPTED:
            return [rank, F("next_on").asc(nulls_last=True), F("accepted_at").asc(nulls_first=True), "pk"]
        if self.tab == Tab.UNTOUCHED:
            return [rank, F("accepted_at").asc(nulls_first=True), "pk"]
        if self.tab == Tab.RECYCLED:
            return [rank, F("revisit_on").asc(nulls_last=True), "pk"]
        by_due = F("due_at").asc(nulls_last=True)
        if self.sort == Sort.NEXT:
            return [rank, _first(Q(journey__qualified_by=QualifiedBy.HAND_RAISE)), by_due, "pk"]
        # The same groups in the same order, by one look at when each lead is due.
        awake = is_awake(self.at)
        return [_first(awake), by_due, _first(awake & Q(is_above=True)), "pk"]

    # The promise

    @cached_property
    def kept(self) -> Kept | None:
        """How the promise was kept in the last 28 days by whose leads these are; None where nothing was due."""
        hours = Policy.objects.hours_to_answer().values("target")
        promises = Promise.objects.filter(key="answered").annotate(hours=Subquery(hours))
        promise = promises.order_by("-version").first()
        whose = self.user.pk if self.is_own else tuple(self._teams) if self.leads_team else None
        attained = _attained.get((self.is_own, whose), self.at, self._attainment)
        if promise is None or promise.hours is None or attained.share is None:
            return None
        return Kept(attained.share, attained.n, round(promise.target), promise.hours)

    def _attainment(self, at: datetime) -> Attainment:
        since = at - timedelta(days=JUDGED_DAYS)
        if self.is_own:
            return attainment_of(self.user.pk, start=since, end=at, at=at)
        clocks = Clock.objects.dispositions().due_between(since, at)
        return (clocks.of_teams(self._teams) if self.leads_team else clocks).attainment(at)


def _first(holds: Q) -> Case:
    """Those for which this holds, before the others."""
    return Case(When(holds, then=Value(0)), default=Value(1))


def _described(placed: LeadQuerySet) -> LeadQuerySet:
    """With what a row says of its lead."""
    return placed.annotate(
        track_name=F("journey__track__name"), reason_label=F("journey__reason__label"), qualified=_qualified(),
        newest_touch=_newest_touch(), next_step=F("plan__next_step"),
        raised_hand=Q(journey__qualified_by=QualifiedBy.HAND_RAISE),
    ).select_related("stage", "owner", "source", "segment")  # fmt: skip


def _qualified() -> Case:
    whens = (When(journey__qualified_by=how, then=Value(said)) for how, said in QUALIFIED.items())
    return Case(*whens, default=Value(QUALIFIED[QualifiedBy.MANUAL]), output_field=CharField())


def _newest_touch() -> Subquery:
    """What the buyer did last: an engaged touch, not a send or an open."""
    touches = Touchpoint.objects.filter(lead=OuterRef("pk"), is_engaged=True).exclude(direction=Direction.OUTBOUND)
    return Subquery(touches.order_by("-at").values("title")[:1])
