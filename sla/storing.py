"""How changes of clocks are stored: their columns, and the events that tell of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from alignment.lib import batch
from sla.models import ClockEvent
from sla.settlement import Happening, Times

TIMES = Times._fields
KEPT = ("next_at", "paused_until", "parked_at", "parked_why")
"""What else a change of a clock writes."""


class Change(NamedTuple):
    """What a clock becomes, as columns, and the events that say so."""

    row: dict[str, Any]
    events: list[Happening]


def columns(times: Times) -> dict[str, Any]:
    """The dates of a clock as columns."""
    return times._asdict()


def schedule(look: datetime | None) -> dict[str, Any]:
    """The sweep looks at a clock then (None: never), whatever had set it aside."""
    return {"next_at": look, "parked_at": None, "parked_why": ""}


def record(events: Mapping[int, Sequence[Happening]], *, now: datetime, actor_id: int | None) -> None:
    """Store what happened to clocks, by their keys; one statement. A breach is stored once in the life of a clock."""
    batch.insert(
        ClockEvent,
        [
            {
                "clock_id": pk, "kind": event.kind.value, "at": event.at, "recorded_at": now, "actor_id": actor_id,
                "rung": 0, "detail": event.detail,
            }
            for pk, happened in events.items()
            for event in happened
        ],
        conflict="ON CONFLICT (clock_id) WHERE kind = 'breached' DO NOTHING",
    )  # fmt: skip
