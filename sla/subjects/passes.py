"""Passes of leads as subjects: what each kind of promise reads of a pass, and which moves begin it.

All kinds are read by one query, whatever their number.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db.models import DateTimeField, Exists, Func, Min, OuterRef, Subquery
from django.db.models.functions import Least
from django.urls import reverse_lazy

from alignment.people.models import Team, User
from leads.lifecycle import Taken
from leads.milestones import Kind, Milestone, Outcome
from leads.models import HolderInterval, Journey, Lead, Touchpoint
from leads.models.lead import display_name
from leads.models.touchpoint import Direction
from sla.models.capacity import AboveCapacity
from sla.models.clock import CancelReason
from sla.models.policy import SubjectKind
from sla.settlement import Owed
from sla.subjects.registry import Holding, Standing, SubjectKey, Whose


class Passed(NamedTuple):
    """What promises read of a pass. `answered_at` is the earliest date of what sales did with it, `went_on_at` the
    earliest of a deal; `touched_at` is the first human outbound touch since the hand-off, `worked_at` since acceptance.
    `turn_at` is when an answer began to be owed to what had come above capacity.
    """

    lead_id: int
    pass_no: int
    reached: int
    outcome: str
    mql_at: datetime | None
    accepted_at: datetime | None
    worked_at: datetime | None
    closed_at: datetime | None
    answered_at: datetime | None = None
    went_on_at: datetime | None = None
    touched_at: datetime | None = None
    turn_at: datetime | None = None

    @property
    def owed_since(self) -> datetime | None:
        """Since when sales owes an answer and a touch: the hand-off, or its turn."""
        return max(self.mql_at, self.turn_at) if self.mql_at and self.turn_at else self.mql_at


def read(lead_ids: Collection[int]) -> list[Passed]:
    """The passes of these leads; one query."""
    touches = Touchpoint.objects.filter(
        lead=OuterRef("lead"), direction=Direction.OUTBOUND, is_human=True, at__gte=OuterRef("mql_at")
    )
    first = touches.order_by().values("lead").annotate(first=Min("at")).values("first")
    turns = AboveCapacity.objects.filter(lead=OuterRef("lead"), pass_no=OuterRef("pass_no")).values("begins_at")
    rows = Journey.objects.filter(lead_id__any_of=lead_ids).values_list(
        "lead_id", "pass_no", "reached", "outcome", "mql_at", "accepted_at", "worked_at", "closed_at",
        Least("accepted_at", "sql_at", "sqo_at", "won_at", "closed_at"), Least("sqo_at", "won_at"), Subquery(first),
        Subquery(turns),
    )  # fmt: skip
    return [Passed(*row) for row in rows]


def disposition(passed: Passed) -> Owed:
    """An answer, from the hand-off: whatever sales does with the lead is one, but to let it join a deal."""
    void = _void(passed, passed.mql_at, Milestone.MQL)
    if _has_joined(passed, Milestone.MQL):
        return _queued(passed, Owed(passed.owed_since, False, None, void, passed.answered_at, CancelReason.ATTACHED))
    is_answered = passed.reached > Milestone.MQL or passed.answered_at is not None or bool(passed.outcome)
    return _queued(passed, Owed(passed.owed_since, is_answered, passed.answered_at, void))


def first_touch(passed: Passed) -> Owed:
    """A human touch, from the hand-off, unless the lead is closed before."""
    return _queued(passed, _touch(passed, passed.owed_since, Milestone.MQL, passed.touched_at))


def worked(passed: Passed) -> Owed:
    """A human touch, from acceptance, unless the lead is closed before."""
    return _touch(passed, passed.accepted_at, Milestone.SQL, passed.worked_at)


def _touch(passed: Passed, since: datetime | None, milestone: Milestone, touched_at: datetime | None) -> Owed:
    """A deal is evidence of a talk that nobody logged."""
    void = _void(passed, since, milestone)
    dates = [date for date in (touched_at, passed.went_on_at) if date]
    went_on = passed.reached >= Milestone.SQO
    ended_at = passed.closed_at if passed.outcome and not (dates or went_on) else None
    if passed.outcome and not (dates or went_on) and ended_at is None:
        void = void or CancelReason.CLOSED
    why = CancelReason.ATTACHED if _has_joined(passed, milestone) else CancelReason.CLOSED
    return Owed(since, bool(dates) or went_on, min(dates, default=None), void, ended_at, why)


def _queued(passed: Passed, owed: Owed) -> Owed:
    return owed._replace(queued_since=passed.mql_at) if passed.turn_at else owed


def _void(passed: Passed, since: datetime | None, milestone: Milestone) -> CancelReason | None:
    if since is None and passed.reached < milestone:
        return CancelReason.UNDONE
    if passed.outcome == Outcome.MERGED:
        return CancelReason.MERGED
    if _has_joined(passed, milestone) and passed.answered_at is None:
        return CancelReason.ATTACHED
    return None


def _has_joined(passed: Passed, milestone: Milestone) -> bool:
    """Whether it joined an open deal instead of being answered: nothing is owed from then on, but what was overdue by
    then was broken.
    """
    return passed.outcome == Outcome.ATTACHED and passed.reached <= milestone


READ: Mapping[str, Callable[[Passed], Owed]] = {
    SubjectKind.DISPOSITION: disposition,
    SubjectKind.FIRST_TOUCH: first_touch,
    SubjectKind.WORKED: worked,
}


def owed(keys: Collection[SubjectKey]) -> dict[SubjectKey, Owed]:
    """What is owed to, or was given for, these; none where the pass does not exist. One query."""
    passes = {(each.lead_id, each.pass_no): each for each in read({key.subject_id for key in keys})}
    return {key: READ[key.kind](passes[key[1:]]) for key in keys if key[1:] in passes}


def begun(taken: Iterable[Taken], *, is_history: bool) -> list[SubjectKey]:
    """What these moves begin, in the order of their leads. History has answers, but not every touch: it times those
    alone.
    """
    keys = set()
    for each in taken:
        if _came_to(each, Milestone.MQL) or each.kind == Kind.REQUALIFY:
            keys.add(SubjectKey(SubjectKind.DISPOSITION.value, each.lead_id, each.pass_no))
            if not is_history:
                keys.add(SubjectKey(SubjectKind.FIRST_TOUCH.value, each.lead_id, each.pass_no))
        if not is_history and (each.kind == Kind.ACCEPT or _came_to(each, Milestone.SQL)):
            keys.add(SubjectKey(SubjectKind.WORKED.value, each.lead_id, each.pass_no))
    return sorted(keys)


def _came_to(taken: Taken, milestone: Milestone) -> bool:
    return taken.after[0] >= milestone and (taken.before is None or taken.before[0] < milestone)


def of_leads(lead_ids: Collection[int]) -> dict[int, Whose]:
    """A pass is its lead's, in whose hands the lead is; no query."""
    return {pk: Whose(pk) for pk in lead_ids}


BEGINS = {SubjectKind.WORKED.value: "accepted_at"}
"""What dates a subject, where it is not the hand-off."""


def since(kind: str, start: datetime, end: datetime, most: int) -> dict[SubjectKey, Owed]:
    """What began to be owed in [start, end), the newest first, `most` at most; not what waits above capacity. Two
    queries.
    """
    column = BEGINS.get(kind, "mql_at")
    rows = Journey.objects.filter(**{f"{column}__gte": start, f"{column}__lt": end}).order_by(f"-{column}")
    if kind not in BEGINS:
        above = AboveCapacity.objects.filter(lead=OuterRef("lead"), pass_no=OuterRef("pass_no"), begins_at=None)
        rows = rows.exclude(Exists(above))
    keys = [SubjectKey(kind, *row) for row in rows.values_list("lead_id", "pass_no")[:most]]
    known = owed(keys)
    return {key: known[key] for key in keys if not known[key].void}


def holdings(lead_ids: Collection[int]) -> dict[int, list[Holding]]:
    """In whose hands these leads were, in order of time; one query."""
    rows = HolderInterval.objects.filter(lead__any_of=set(lead_ids)).select_related("user__team", "team__manager")
    found: dict[int, list[Holding]] = {}
    for each in rows.order_by(Func("held", function="lower", output_field=DateTimeField())):
        assert each.held.lower is not None  # everybody began to hold a lead at some time
        found.setdefault(each.lead_id, []).append(Holding(each.user, each.team, each.held.lower, each.held.upper))
    return found


def standing(lead: Lead) -> Standing:
    """Where a lead stands; its owner and team are read along."""
    return _standing(lead.pk, lead.display_name, lead.owner, lead.team)


def standings(lead_ids: Collection[int]) -> dict[int, Standing]:
    """Where these leads stand; three queries. Of many at once no row is made a lead of: that would take most of it."""
    leads = Lead.objects.filter(pk__any_of=set(lead_ids))
    rows = list(leads.values_list("pk", "name", "email", "owner_id", "team_id"))
    people = User.objects.only("name", "calendar_id")
    holder_of = people.in_bulk({owner_id for *_, owner_id, _ in rows if owner_id})
    teams = Team.objects.select_related("manager").only("manager__is_active")
    team_of = teams.in_bulk({team_id for *_, team_id in rows if team_id})
    return {
        pk: _standing(pk, display_name(pk, name, email), holder_of.get(owner_id or 0), team_of.get(team_id or 0))
        for pk, name, email, owner_id, team_id in rows
    }


def _standing(pk: int, title: str, holder: User | None, team: Team | None) -> Standing:
    """Its pages are looked up if somebody is told of them: a sweep tells of few of many."""
    return Standing(
        title=title, url=reverse_lazy("lead", args=[pk]), holder=holder, team=team, table="lead", key=pk,
        hand_over=reverse_lazy("lead_assign", args=[pk]),
    )  # fmt: skip
