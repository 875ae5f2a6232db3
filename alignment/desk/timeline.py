"""Everything that happened to a lead, newest first: touches, moves, merges, holders, feedback, and the promise's story.

Whatever the length of a lead's history, a page of it is one query: the six tables together, with the moment, the
source and the key of each row as its place (keyset). Leads that were merged into this one tell their part too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, DateTimeField, Exists, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, JSONObject
from django.utils.dateparse import parse_datetime

from leads.milestones import Kind
from leads.models import Feedback, HolderInterval, Lead, LeadTransition, Merge, MergedLead, Touchpoint
from leads.models.touchpoint import Direction
from sla.models import ClockEvent, EventKind, SubjectKind

PAGE = 30
MOST = 500


class Source(StrEnum):
    """Where an event comes from; also what the page filters by."""

    TOUCH = "touch"
    HOLDER = "holder"
    CLOCK = "clock"
    MOVE = "move"
    MERGE = "merge"
    FEEDBACK = "feedback"


# Of several events of one moment the later one in this order stands on top.
RANKS = {Source.TOUCH: 0, Source.HOLDER: 1, Source.CLOCK: 2, Source.MOVE: 3, Source.MERGE: 4, Source.FEEDBACK: 5}


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an event among all of its lead's; `at` None (undated history) comes after everything dated."""

    at: datetime | None
    rank: int
    pk: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read `2026-05-28T10:21:00+00:00~3~17`; None for anything else."""
        try:
            at, rank, pk = text.split("~")
            moment = parse_datetime(at) if at else None
            if at and (moment is None or moment.tzinfo is None):
                return None
            return cls(moment, int(rank), int(pk))
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.at.isoformat() if self.at else ''}~{self.rank}~{self.pk}"

    def older(self, rank: int) -> Q:
        """The rows of the source with this rank that come after this place."""
        same = Q(moment=self.at) if self.at else Q(moment=None)
        tied = Q() if rank < self.rank else Q(key__lt=self.pk) if rank == self.rank else Q(pk__in=[])
        return Q(moment__lt=self.at) | Q(moment=None) | (same & tied) if self.at else same & tied

    def down_to(self, rank: int) -> Q:
        """The rows of that source that come before this place or stand at it."""
        same = Q(moment=self.at) if self.at else Q(moment=None)
        tied = Q() if rank > self.rank else Q(key__gte=self.pk) if rank == self.rank else Q(pk__in=[])
        return (Q(moment__gt=self.at) if self.at else Q(moment__isnull=False)) | (same & tied)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a timeline; what it `told` depends on the source."""

    source: Source
    place: Place
    told: Mapping[str, Any]

    @property
    def at(self) -> datetime | None:
        """When it happened; None where nobody knows."""
        return self.place.at

    @property
    def pk(self) -> int:
        """The key of the row behind it."""
        return self.place.pk

    @property
    def lead_id(self) -> int:
        """The lead that it happened to: the timeline's, or one that was merged into it."""
        return int(self.told["lead"])

    @property
    def is_correctable(self) -> bool:
        """Whether it is a move that counts."""
        is_move = self.source == Source.MOVE and self.told["kind"] not in (Kind.UNDO, Kind.CORRECT)
        return is_move and not self.told["is_undone"]


@dataclass(frozen=True, slots=True)
class Page:
    """Some events, and the place to go on from (None at the end)."""

    events: list[Event]
    more: Place | None

    @property
    def last(self) -> Place | None:
        """The place of the oldest event shown."""
        return self.events[-1].place if self.events else None


def read(
    lead_ids: Sequence[int],
    *,
    only: Source | None = None,
    older_than: Place | None = None,
    down_to: Place | None = None,
) -> Page:
    """A page of the events of a lead and of those merged into it, or with `down_to` all from the newest down to that
    place; one query.
    """
    size = MOST if down_to else PAGE
    parts = []
    for source in [only] if only else Source:
        rows = BRANCHES[source](lead_ids).annotate(rank=Value(RANKS[source], IntegerField()), key=F("pk"))
        if older_than:
            rows = rows.filter(older_than.older(RANKS[source]))
        if down_to:
            rows = rows.filter(down_to.down_to(RANKS[source]))
        parts.append(rows.order_by().values_list("moment", "rank", "key", "told"))
    first, *others = parts
    together = first.union(*others, all=True) if others else first
    found = list(together.order_by(F("moment").desc(nulls_last=True), "-rank", "-key")[: size + 1])
    sources = {rank: source for source, rank in RANKS.items()}
    events = [Event(sources[rank], Place(at, rank, pk), told) for at, rank, pk, told in found[:size]]
    return Page(events, events[-1].place if len(found) > size else None)


# The six tables, each as (moment, told) ----------------------------------------------------------------------


def _touches(lead_ids: Sequence[int]) -> QuerySet[Any]:
    return Touchpoint.objects.filter(lead__in=lead_ids).annotate(
        moment=F("at"),
        told=JSONObject(
            lead="lead_id",
            kind="kind", title="title", direction="direction", actor="actor__name", channel="channel__name",
            campaign="campaign__name", engaged="is_engaged", raised_hand="is_hand_raise",
        ),
    )  # fmt: skip


def _moves(lead_ids: Sequence[int]) -> QuerySet[Any]:
    reverted = LeadTransition.objects.filter(reverts=OuterRef("pk"))
    # The end of a merged lead's pass is told by the merge itself.
    shown = LeadTransition.objects.filter(lead__in=lead_ids).exclude(kind=Kind.MERGE, lead__in=lead_ids[1:])
    return shown.annotate(
        moment=F("at"),
        told=JSONObject(
            lead="lead_id",
            kind="kind", source="source", actor="actor__name", reason="reason__label", note="note__text",
            before="from_stage__name", before_side="from_stage__owning_side", before_milestone="from_stage__milestone",
            after="to_stage__name", after_side="to_stage__owning_side", after_milestone="to_stage__milestone",
            qualified_by="qualified_by", track="track__name", revisit_on="revisit_on", deal="opportunity__name",
            is_override="is_override", is_undone=Exists(reverted), undone="reverts__kind",
            corrected="corrects__kind",
        ),
    )  # fmt: skip


def _holders(lead_ids: Sequence[int]) -> QuerySet[Any]:
    began = Func(F("held"), function="lower", output_field=DateTimeField())
    return HolderInterval.objects.filter(lead__in=lead_ids).annotate(
        moment=began,
        told=JSONObject(
            lead="lead_id", holder="user__name", side="user__team__side", actor="actor__name", why="why",
        )
    )  # fmt: skip


def _clock_events(lead_ids: Sequence[int]) -> QuerySet[Any]:
    # What was set aside after an error is for RevOps; handovers stand in the story already.
    shown = ClockEvent.objects.filter(clock__lead__in=lead_ids, clock__subject_kind__in=SubjectKind.values).exclude(
        kind__in=[EventKind.PARKED, EventKind.REASSIGNED]
    )
    return shown.annotate(
        moment=F("at"),
        told=JSONObject(
            lead="clock__lead_id",
            kind="kind", target="clock__policy__target", unit="clock__policy__unit",
            subject="clock__subject_kind", due_at="clock__due_at", started_at="clock__started_at",
            stopped_at="clock__stopped_at", actor="actor__name", detail="detail",
        ),
    )  # fmt: skip


def _merges(lead_ids: Sequence[int]) -> QuerySet[Any]:
    parts = MergedLead.objects.filter(merge=OuterRef("pk"), was_in=None).order_by("lead")
    return Merge.objects.filter(survivor__in=lead_ids).annotate(
        moment=F("at"),
        told=JSONObject(
            lead="survivor_id", actor="actor__name", source="source", note="note",
            leads=ArraySubquery(parts.values("lead")), is_undone=Q(undone_at__isnull=False),
        ),
    )  # fmt: skip


def _feedback(lead_ids: Sequence[int]) -> QuerySet[Any]:
    return Feedback.objects.filter(lead__in=lead_ids).annotate(
        moment=F("at"),
        told=JSONObject(
            lead="lead_id", author="author__name", author_id="author_id", side="side", text="text",
            edited_at="edited_at",
        ),
    )  # fmt: skip


BRANCHES = {
    Source.TOUCH: _touches,
    Source.HOLDER: _holders,
    Source.CLOCK: _clock_events,
    Source.MOVE: _moves,
    Source.MERGE: _merges,
    Source.FEEDBACK: _feedback,
}


# How many there are ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counts:
    """The events of a lead by source, and how many of the touches were made by sales."""

    touch: int
    holder: int
    clock: int
    move: int
    merge: int
    feedback: int
    by_sales: int

    @property
    def all(self) -> int:
        return self.touch + self.holder + self.clock + self.move + self.merge + self.feedback


def count(lead_ids: Sequence[int]) -> Counts:
    """Count the events of a lead and of those merged into it; one query."""
    counted = {str(source): _count(branch(lead_ids)) for source, branch in BRANCHES.items()}
    counted["by_sales"] = _count(_touches(lead_ids).filter(direction=Direction.OUTBOUND))
    [row] = Lead.objects.filter(pk=lead_ids[0]).values_list(*(counted[field.name] for field in fields(Counts)))
    return Counts(*row)


def _count(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().annotate(one=Value(1)).values("one").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def undoable(lead_id: int) -> LeadTransition | None:
    """The move that an undo would take back, whoever may and however old it is; None for a lead's first. One query."""
    moves = LeadTransition.objects.filter(lead=lead_id, reverted_by=None).exclude(kind=Kind.UNDO)
    newest = moves.order_by("-seq").first()
    return newest if newest and newest.seq > 1 else None
