"""What happened between people and the company: the only writer of touchpoints."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

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
    """What was stored, by lead; `stored` counts the touches that were new."""

    cause: Cause
    lead_ids: tuple[int, ...]
    stored: int = 0


@transaction.atomic
def record(*, touches: Iterable[Touch], cause: Cause) -> Touched:
    """Store touches; the same statements for any number. One that its system sent before is stored once."""
    rows: Sequence[Touch] = list(touches)
    stored = batch.insert(
        Touchpoint,
        [{name: getattr(touch, name) for name in Touch.__slots__} for touch in rows],
        conflict="ON CONFLICT (system, external_id) WHERE NOT (external_id = '') DO NOTHING",
        returning=("lead_id", "direction"),
    )
    lead_ids = tuple(sorted({lead_id for lead_id, _ in stored}))
    worked = sorted({lead_id for lead_id, direction in stored if direction == Direction.OUTBOUND})
    if worked:
        journeys.refresh(worked)
    if lead_ids:
        touches_recorded.send(sender=record, batch=Touched(cause, lead_ids, len(stored)))
    return Touched(cause, lead_ids, len(stored))
