"""Journeys and states made again from the moves, and compared with what stands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from alignment.lib import batch
from leads import journeys
from leads.models import Journey, Lead
from leads.passes import replay, withdrawn_at
from leads.stages.stages import Stages
from leads.standing import histories

SLICE = 1_000
"""Leads that are locked and held in memory at a time."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many leads were replayed, and how many of them stood otherwise than their moves say."""

    leads: int
    differing: int


@dataclass(frozen=True, slots=True)
class _Replayed:
    """What the moves of one lead make: its journeys and its state."""

    rows: list[batch.Row]
    state: batch.Row


def rebuild(*, dry_run: bool) -> Rebuilt:
    """Replay all leads, in slices, and write what differs; with `dry_run` only count it. A lead without moves is
    left to the invariants.
    """
    stages = Stages.load()
    leads = differing = 0
    last = 0
    while True:
        with transaction.atomic():
            slice_ids = _lock_after(last)
            if not slice_ids:
                return Rebuilt(leads, differing)
            differing += _rebuild(slice_ids, stages, dry_run=dry_run)
        leads, last = leads + len(slice_ids), slice_ids[-1]


def _lock_after(last: int) -> list[int]:
    # Locked, since moves and journeys are read one after the other.
    rows = Lead.objects.filter(pk__gt=last).order_by("pk").select_for_update(no_key=True)
    return list(rows.values_list("pk", flat=True)[:SLICE])


def _rebuild(lead_ids: Sequence[int], stages: Stages, *, dry_run: bool) -> int:
    replayed = dict(_replay(lead_ids, stages))
    changed = _otherwise(replayed)
    if changed and not dry_run:
        _write([replayed[pk] for pk in changed])
    stale = journeys.stale(lead_ids)
    if stale and not dry_run:
        journeys.refresh(sorted(stale))
    return len(stale | changed)


def _replay(lead_ids: Sequence[int], stages: Stages) -> Iterator[tuple[int, _Replayed]]:
    for pk, (moves, entries) in histories(lead_ids, stages).items():
        passes, withdrawn = replay(moves), withdrawn_at(moves)
        counted = passes if withdrawn is None else []
        yield (
            pk,
            _Replayed(
                rows=[journeys.as_row(pk, each, entries.get(each.no, {})) for each in counted],
                state=journeys.as_state(pk, passes[-1], moves[-1], withdrawn),
            ),
        )


def _otherwise(replayed: dict[int, _Replayed]) -> set[int]:
    """The leads whose stored journeys or state are not what was replayed."""
    stored: dict[int, list[dict[str, Any]]] = {pk: [] for pk in replayed}
    columns = next((each.rows[0] for each in replayed.values() if each.rows), {"lead_id": None})
    for row in Journey.objects.filter(lead_id__any_of=replayed).order_by("lead_id", "pass_no").values(*columns):
        stored[row["lead_id"]].append(row)
    states = {row["id"]: row for row in Lead.objects.filter(pk__any_of=replayed).values("id", *journeys.STATE)}
    return {
        pk
        for pk, each in replayed.items()
        if each.rows != stored[pk] or any(each.state[name] != states[pk][name] for name in journeys.STATE)
    }


def _write(changed: Sequence[_Replayed]) -> None:
    journeys.forget_passes({each.state["id"]: len(each.rows) for each in changed})
    journeys.write([row for each in changed for row in each.rows], holders={})
    journeys.write_state([each.state for each in changed])
