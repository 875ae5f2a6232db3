"""Working the nurture tracks: the only writer of tracks, and the verbs that move leads between them.

Where a lead is in nurture is one of its moves (`lifecycle.nurture`): its timeline tells it, and it can be undone.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from alignment.ops import audit
from alignment.people.models import Company, User
from leads import lifecycle
from leads.causes import Cause
from leads.decisions import Step
from leads.milestones import CauseSource, Kind, Milestone, Outcome, QualifiedBy
from leads.models import Journey, NurtureTrack
from leads.stages.stages import Stages

SLICE = 1_000


# Leads --------------------------------------------------------------------------------------------------------


def postpone(*, lead_ids: Iterable[int], revisit_on: date, cause: Cause) -> lifecycle.Moved:
    """Look at these again on that day; each stays on its track."""
    places = _places(lead_ids)
    steps = [Step(pk, Kind.NURTURE, track_id=track, revisit_on=revisit_on) for pk, (track, _) in places.items()]
    return lifecycle.move(steps=steps, cause=cause)


def change_track(*, lead_ids: Iterable[int], track_id: int, cause: Cause) -> lifecycle.Moved:
    """Move these to another track; each keeps its day, one without a day gets the track's."""
    track = NurtureTrack.objects.get(pk=track_id)
    usual = _today() + timedelta(days=track.revisit_after_days)
    steps = [
        Step(pk, Kind.NURTURE, track_id=track_id, revisit_on=day or usual) for pk, (_, day) in _places(lead_ids).items()
    ]
    return lifecycle.move(steps=steps, cause=cause)


def bring_back(*, lead_ids: Iterable[int], cause: Cause) -> lifecycle.Moved:
    """Hand these to sales: a recycled lead begins its next pass, one that was never qualified becomes an MQL."""
    mql = Stages.load().first(Milestone.MQL).pk
    passes = Journey.objects.in_nurture().filter(lead__any_of=set(lead_ids)).order_by("lead")
    steps = [
        Step(pk, Kind.REQUALIFY, qualified_by=QualifiedBy.MANUAL)
        if outcome == Outcome.RECYCLED
        else Step(pk, Kind.ADVANCE, stage_id=mql, qualified_by=QualifiedBy.MANUAL)
        for pk, outcome in passes.values_list("lead_id", "outcome")
    ]
    return lifecycle.move(steps=steps, cause=cause)


def collect(*, within: timedelta = timedelta(seconds=60)) -> int:
    """Put leads that are no MQL for too long onto the track that takes them; returns how many.

    In slices, each a transaction of its own, beginning none after `within`.
    """
    stop_at = time.monotonic() + within.total_seconds()
    placed = 0
    while time.monotonic() < stop_at and (found := _collect_some()):
        placed += found
    return placed


@transaction.atomic
def _collect_some() -> int:
    track = NurtureTrack.objects.filter(takes_unqualified=True).first()
    if track is None:
        return 0
    since = lifecycle.database_now() - timedelta(days=track.takes_after_days)
    unplaced = Journey.objects.newest().filter(
        outcome="", reached=Milestone.MGL, track=None, revisit_on=None, entered_at__lt=since
    )
    lead_ids = list(unplaced.order_by("entered_at").values_list("lead_id", flat=True)[:SLICE])
    day = _today() + timedelta(days=track.revisit_after_days)
    cause = Cause(CauseSource.RULE)
    return len(lifecycle.nurture(lead_ids=lead_ids, track_id=track.pk, revisit_on=day, cause=cause).taken)


def _places(lead_ids: Iterable[int]) -> Mapping[int, tuple[int | None, date | None]]:
    """Lead → its track and day; those that are in nurture."""
    passes = Journey.objects.in_nurture().filter(lead__any_of=set(lead_ids)).order_by("lead")
    return {pk: (track, day) for pk, track, day in passes.values_list("lead_id", "track_id", "revisit_on")}


def _today() -> date:
    return lifecycle.database_now().astimezone(ZoneInfo(Company.get().time_zone)).date()


# Tracks -------------------------------------------------------------------------------------------------------


@transaction.atomic
def add_track(*, facts: Mapping[str, Any], by: User) -> NurtureTrack:
    """A new track. Raises ValidationError where another one of this name stands, or takes the unqualified."""
    _check(facts, None)
    track = NurtureTrack.objects.create(key=_free_key(facts["name"]), **facts)
    audit.record(action="track_added", actor=by, subject_kind="nurture_track", subject_ids=[track.pk])
    return track


@transaction.atomic
def change_track_facts(*, track_id: int, facts: Mapping[str, Any], by: User) -> NurtureTrack:
    """Set fields by name; the days that leads have stay. Raises ValidationError as `add_track` does."""
    track = NurtureTrack.objects.select_for_update(no_key=True).get(pk=track_id)
    _check(facts, track)
    changed = {name: [getattr(track, name), value] for name, value in facts.items() if getattr(track, name) != value}
    for name, (_, value) in changed.items():
        setattr(track, name, value)
    track.save(update_fields=list(changed))
    if changed:
        audit.record(
            action="track_changed", actor=by, subject_kind="nurture_track", subject_ids=[track_id], detail=changed
        )
    return track


@transaction.atomic
def retire_track(*, track_id: int, into_id: int | None, by: User) -> int:
    """Retire a track; its leads go to `into_id` and keep their days. Returns how many.

    Raises ValidationError where leads are on it and no other track is named.
    """
    track = NurtureTrack.objects.select_for_update(no_key=True).get(pk=track_id)
    lead_ids = list(Journey.objects.in_nurture().filter(track=track).values_list("lead_id", flat=True))
    if lead_ids and into_id is None:
        raise ValidationError({"into": f"{len(lead_ids):,} leads are on this track: say where they go."})
    track.retired_at, track.takes_unqualified = lifecycle.database_now(), False
    track.save(update_fields=["retired_at", "takes_unqualified"])
    if lead_ids and into_id is not None:
        change_track(lead_ids=lead_ids, track_id=into_id, cause=Cause(CauseSource.PAGE, actor_id=by.pk))
    detail = {"into": into_id, "leads": len(lead_ids)}
    audit.record(action="track_retired", actor=by, subject_kind="nurture_track", subject_ids=[track_id], detail=detail)
    return len(lead_ids)


@transaction.atomic
def take_up_track(*, track_id: int, by: User) -> None:
    """Use a retired track again."""
    NurtureTrack.objects.filter(pk=track_id).update(retired_at=None)
    audit.record(action="track_taken_up", actor=by, subject_kind="nurture_track", subject_ids=[track_id])


def _check(facts: Mapping[str, Any], track: NurtureTrack | None) -> None:
    others = NurtureTrack.objects.all() if track is None else NurtureTrack.objects.exclude(pk=track.pk)
    if others.filter(name__iexact=facts["name"]).exists():
        raise ValidationError({"name": "A track of this name exists."})
    if facts["takes_unqualified"] and (taking := others.filter(takes_unqualified=True).first()):
        raise ValidationError({"takes_unqualified": f"{taking} takes them: only one track can."})


def _free_key(name: str) -> str:
    base = slugify(name).replace("-", "_")[:34] or "track"
    taken = set(NurtureTrack.objects.filter(key__startswith=base).values_list("key", flat=True))
    return next(key for number in range(len(taken) + 1) if (key := f"{base}_{number}" if number else base) not in taken)
