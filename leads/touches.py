"""What happened between people and the company: the only writer of touchpoints."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from alignment.lib import batch
from leads import journeys
from leads.causes import Cause
from leads.models import Touchpoint
from leads.models.touchpoint import Direction
from leads.signals import touches_recorded


@dataclass(frozen=True, slots=True)
class Touch:
    """One touch of a lead, ready to be stored."""

    lead_id: int
    at: datetime
    kind: str
    title: str
    direction: str = Direction.INBOUND
    channel_id: int | None = None
    campaign_id: int | None = None
    is_human: bool = True
    is_engaged: bool = True
    is_hand_raise: bool = False
    actor_id: int | None = None
    system: str = ""
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Touched:
    """What was stored, by lead; `stored` counts the new touches, `keys` are the (system, external id) of those
    with one. `worked` are the leads that sales reached out to; `replies` has when a buyer did something last.
    """

    cause: Cause
    lead_ids: tuple[int, ...]
    stored: int = 0
    keys: frozenset[tuple[str, str]] = frozenset()
    worked: tuple[int, ...] = ()
    replies: Mapping[int, datetime] = field(default_factory=dict)


@transaction.atomic
def record(*, touches: Iterable[Touch], cause: Cause) -> Touched:
    """Store touches; the same statements for any number. One that its system sent before is stored once."""
    rows: Sequence[Touch] = list(touches)
    stored = batch.insert(
        Touchpoint,
        [{name: getattr(touch, name) for name in Touch.__slots__} for touch in rows],
        conflict="ON CONFLICT (system, external_id) WHERE NOT (external_id = '') DO NOTHING",
        returning=("lead_id", "direction", "is_human", "is_engaged", "at", "system", "external_id"),
    )
    worked = sorted({lead_id for lead_id, direction, *_ in stored if direction == Direction.OUTBOUND})
    touched = Touched(
        cause,
        lead_ids=tuple(sorted({lead_id for lead_id, *_ in stored})),
        stored=len(stored),
        keys=frozenset((system, external_id) for *_, system, external_id in stored if external_id),
        worked=tuple(worked),
        replies=_replies(stored),
    )
    if worked:
        journeys.refresh(worked)
    if stored:
        touches_recorded.send(sender=record, batch=touched)
    return touched


def _replies(stored: Iterable[tuple[Any, ...]]) -> dict[int, datetime]:
    """The newest engaged touch of each buyer among what was stored."""
    found: dict[int, datetime] = {}
    for lead_id, direction, is_human, is_engaged, at, *_ in stored:
        if direction == Direction.INBOUND and is_human and is_engaged:
            found[lead_id] = max(at, found.get(lead_id, at))
    return found
