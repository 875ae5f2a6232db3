"""Disputes that wait for an answer: the other side's manager owes one."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from alignment.people.models import Side
from sla.models import Clock, Dispute
from sla.models.dispute import ANSWER
from sla.querysets import ClockQuerySet
from sla.settlement import Owed
from sla.subjects.registry import Holding, Standing, SubjectKey, Whose

KIND = ANSWER
ONLY = 1
"""A dispute is answered once, so that it has one clock."""

SUBJECT = ("lead", "clock__policy", "sourcing__opportunity")


class Disputes:
    """Reads disputes for their clocks."""

    def owed(self, kind: str, keys: Collection[int]) -> Mapping[SubjectKey, Owed]:
        """From when it was raised, or when its clock began; closed without an answer, it was never given. Two
        queries.
        """
        begun = dict(_clocks(keys).values_list("subject_id", "started_at"))
        rows = Dispute.objects.filter(pk__any_of=set(keys)).values_list("pk", "raised_at", "answered_at", "closed_at")
        return {
            SubjectKey(kind, pk, ONLY): _owed(begun.get(pk, raised_at), answered_at, closed_at)
            for pk, raised_at, answered_at, closed_at in rows
        }

    def whose(self, keys: Collection[int]) -> Mapping[int, Whose]:
        """Its lead, if it has one, and who is asked; one query."""
        rows = Dispute.objects.filter(pk__any_of=set(keys)).values_list("pk", "lead_id", "asked_id")
        return {pk: Whose(lead_id, asked_id) for pk, lead_id, asked_id in rows}

    def standings(self, keys: Collection[int]) -> Mapping[int, Standing]:
        """One query."""
        rows = Dispute.objects.filter(pk__any_of=set(keys)).select_related("asked__team", *SUBJECT)
        return {
            each.pk: Standing(
                title=f"{each.get_kind_display().lower()}, {each.subject}", url=reverse("dispute", args=[each.pk]),
                holder=each.asked, team=None, table="dispute", key=each.pk, side=Side(each.side),
            )
            for each in rows
        }  # fmt: skip

    def holdings(self, keys: Collection[int]) -> Mapping[int, Sequence[Holding]]:
        """Who is asked has it from the beginning; one query."""
        rows = Dispute.objects.filter(pk__any_of=set(keys), asked__isnull=False).select_related("asked__team__manager")
        return {
            each.pk: [Holding(each.asked, each.asked.team, each.raised_at, None)] for each in rows if each.asked
        }  # fmt: skip

    def awaited(self) -> Mapping[int, int]:
        """Unanswered ones without a clock; one query."""
        clocks = Clock.objects.filter(subject_kind=KIND).values("subject_id")
        rows = Dispute.objects.unanswered().filter(answered_at=None).exclude(pk__in=clocks).order_by("pk")
        return dict.fromkeys(rows.values_list("pk", flat=True), ONLY)

    def owed_by(self, side: Side) -> QuerySet[Dispute, Any]:
        """Those that ask this side."""
        return Dispute.objects.filter(side=side)

    def since(self, kind: str, start: datetime, end: datetime, most: int) -> Mapping[SubjectKey, Owed]:
        """Those that were raised in that time; one query."""
        rows = Dispute.objects.filter(raised_at__gte=start, raised_at__lt=end).order_by("-raised_at")
        found = rows.values_list("pk", "raised_at", "answered_at", "closed_at")[:most]
        return {
            SubjectKey(kind, pk, ONLY): _owed(raised_at, answered_at, closed_at)
            for pk, raised_at, answered_at, closed_at in found
        }


def _owed(since: datetime, answered_at: datetime | None, closed_at: datetime | None) -> Owed:
    return Owed(since, answered_at is not None, answered_at, ended_at=None if answered_at else closed_at)


def _clocks(keys: Collection[int]) -> ClockQuerySet:
    return Clock.objects.filter(subject_kind=KIND, subject_id__any_of=set(keys))
