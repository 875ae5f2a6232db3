"""Reading clocks: chainable, named like the questions people ask."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.apps import apps
from django.db import models
from django.db.models import (
    Case,
    Count,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    FilteredRelation,
    Max,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.lookups import LessThanOrEqual

from leads.models import Journey
from leads.querysets import LeadQuerySet
from sla.models.policy import SubjectKind
from sla.subjects.registry import subjects
from sla.verdict import late

if TYPE_CHECKING:
    from sla.models import Clock  # noqa: F401 (named in a string)

LITTLE = timedelta(hours=8)
"""So little time left makes a promise one at risk."""


@dataclass(frozen=True, slots=True)
class Attainment:
    """How many clocks were answered in time, and how many were not (or are overdue now)."""

    met: int = 0
    breached: int = 0

    def __add__(self, other: "Attainment") -> "Attainment":
        return Attainment(self.met + other.met, self.breached + other.breached)

    @property
    def n(self) -> int:
        """The clocks that are judged: the denominator."""
        return self.met + self.breached

    @property
    def share(self) -> float | None:
        """Met ÷ judged, 0 to 1; None where nothing was due."""
        return self.met / self.n if self.n else None


class ClockQuerySet(models.QuerySet["Clock"]):
    """Clocks. `at` is the moment that the question is about, e.g. `leads.lifecycle.database_now()`."""

    def dispositions(self) -> "ClockQuerySet":
        """The clocks of sales' answer to an MQL."""
        return self.filter(subject_kind=SubjectKind.DISPOSITION)

    def of_passes(self) -> "ClockQuerySet":
        """The clocks about passes of leads."""
        return self.filter(subject_kind__in=SubjectKind.values)

    def beside_passes(self) -> "ClockQuerySet":
        """The clocks about anything else."""
        return self.filter(subject_kind__in=[each.kind for each in subjects() if not each.is_pass])

    def of_subjects(self, kind: str, keys: Collection[int]) -> "ClockQuerySet":
        """The clocks of these subjects of a kind."""
        return self.filter(subject_kind=kind, subject_id__any_of=set(keys))

    def running(self) -> "ClockQuerySet":
        """An answer is still owed, overdue or not."""
        return self.filter(stopped_at=None, cancelled_at=None)

    def overdue(self, at: datetime) -> "ClockQuerySet":
        """Still unanswered after the due time."""
        return self.running().filter(due_at__lt=at)

    def due_within(self, span: timedelta, at: datetime) -> "ClockQuerySet":
        """Unanswered, not overdue, and due in the next `span`."""
        return self.running().filter(due_at__gte=at, due_at__lte=at + span)

    def open(self, at: datetime) -> "ClockQuerySet":
        """Still unanswered, not overdue, and not paused."""
        return self.running().filter(due_at__gte=at, paused_until=None)

    def at_risk(self, at: datetime) -> "ClockQuerySet":
        """The open ones with little time left: 8 hours, of a shorter promise a quarter of its time."""
        return self.open(at).filter(little_left(at))

    def paused(self) -> "ClockQuerySet":
        """Still unanswered, and the clock stands still."""
        return self.running().filter(paused_until__isnull=False)

    def due_between(self, start: datetime, end: datetime) -> "ClockQuerySet":
        """Due from `start` (included) to `end` (not included)."""
        return self.filter(due_at__gte=start, due_at__lt=end)

    def judged(self, at: datetime) -> "ClockQuerySet":
        """The clocks that count: answered, or overdue. Cancelled ones and those that may still be met have no verdict,
        and an excused breach counts on neither side.
        """
        return self.filter(has_verdict(at))

    def met(self, at: datetime) -> "ClockQuerySet":
        """Answered in time."""
        return self.judged(at).exclude(late(at))

    def breached(self, at: datetime) -> "ClockQuerySet":
        """Answered late, or overdue now, and not excused."""
        return self.judged(at).filter(late(at))

    def excused(self, at: datetime) -> "ClockQuerySet":
        """Answered late, or overdue now, and let pass by a verdict: no figure counts them."""
        return self.filter(late(at), excused_at__isnull=False, cancelled_at=None)

    def of_teams(self, team_ids: Collection[int]) -> "ClockQuerySet":
        """Those about passes that count for these teams.

        The pass of each clock is looked up by its key: a join by `own_pass` may read all passes of a large team.
        """
        passes = Journey.objects.filter(lead=OuterRef("lead"), pass_no=OuterRef("pass_no"))
        return self.alias(holder=Subquery(passes.values("team"))).filter(holder__in=team_ids)

    def attainment(self, at: datetime) -> Attainment:
        """SLA attainment of these clocks; select the period by `due_between`. One query."""
        return Attainment(
            **self.judged(at).aggregate(
                met=Count("due_at", filter=~late(at)),
                breached=Count("due_at", filter=late(at)),
            )
        )

    def with_current_journey(self) -> "ClockQuerySet":
        """Join as `journey` the one of the pass that the lead of each is in: for clocks `beside_passes`, such as those
        of its deals. Clocks of passes know their `own_pass`.
        """
        current = Q(lead__journeys__pass_no=F("lead__pass_no"))
        return self.annotate(journey=FilteredRelation("lead__journeys", condition=current))


def has_verdict(at: datetime) -> Q:
    """The clocks that `ClockQuerySet.judged` finds."""
    return Q(cancelled_at=None) & (Q(stopped_at__isnull=False) | Q(due_at__lt=at)) & counting(at)


def counting(at: datetime) -> Q:
    """The clocks that are no excused breaches."""
    return Q(excused_at=None) | ~late(at)


def little_left(at: datetime) -> Q:
    """Due within 8 hours, or within a quarter of the time that was promised where that is less."""
    quarter = ExpressionWrapper((F("due_at") - F("started_at")) / 4, output_field=DurationField())
    left = ExpressionWrapper(F("due_at") - Value(at, output_field=DateTimeField()), output_field=DurationField())
    return Q(due_at__lte=at + LITTLE) & Q(LessThanOrEqual(left, quarter))


def with_clock(leads: LeadQuerySet) -> LeadQuerySet:
    """Give each lead the disposition clock of its current pass, in the same query and without repeating a lead.

    `promised_at`, `due_at` and `answered_at` are its start, due time and stop: None without a clock, `answered_at`
    also while it runs. The joined clock is called `clock`.
    """
    current = Q(
        clocks__subject_kind=SubjectKind.DISPOSITION,
        clocks__pass_no=F("pass_no"),
        clocks__cancelled_at=None,
    )
    return leads.annotate(clock=FilteredRelation("clocks", condition=current)).annotate(
        promised_at=F("clock__started_at"), due_at=F("clock__due_at"), answered_at=F("clock__stopped_at")
    )


def due_of_pass(*, running: bool = False) -> Subquery:
    """When the answer to the current pass of a lead is due, as `with_clock` says it; with `running` only while it is
    owed. For the order of many leads, and for whether one of many is late.
    """
    owed = Q(stopped_at=None) if running else Q()
    return _of_answer("pk", F("due_at"), Q(cancelled_at=None) & owed)


def attainment_of(user_id: int, *, start: datetime, end: datetime, at: datetime) -> Attainment:
    """SLA attainment of the answers to the passes that count for this user, due from `start` to `end`. One query."""
    is_late = Case(When(late(at), then=Value(1)), default=Value(0))
    verdict = _of_answer("lead", is_late, has_verdict(at) & Q(due_at__gte=start, due_at__lt=end))
    passes = Journey.objects.filter(owner=user_id).annotate(is_late=verdict).order_by().values("is_late")
    counts = dict(passes.annotate(n=Count("pk")).values_list("is_late", "n"))
    return Attainment(met=counts.get(0, 0), breached=counts.get(1, 0))


def _of_answer(lead: str, told: Case | F, holds: Q) -> Subquery:
    """What the clock of the answer to a row's pass tells, if there is one for which this holds. `lead` is the row's
    column of the lead.

    The clocks of each lead are looked up in the one index that begins with it; what else is asked, is asked of those
    few. So the planner has no other way, whatever it takes the tables for: a join may look at all clocks for each lead.
    """
    of_pass = Q(pass_no=OuterRef("pass_no"), subject_kind=SubjectKind.DISPOSITION)
    clocks = apps.get_model("sla", "Clock")._default_manager.filter(lead=OuterRef(lead)).order_by().values("lead")
    return Subquery(clocks.annotate(told=Max(told, filter=of_pass & holds)).values("told"))
