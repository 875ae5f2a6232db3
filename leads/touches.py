"""What happened between people and the company: the only writer of touchpoints."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from alignment.lib import batch
from leads import journeys
from leads.causes import Cause
from leads.models import Lead, Touchpoint
from leads.models.touchpoint import Direction
from leads.signals import touches_recorded


class Touch(NamedTuple):
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
    """What was stored, or taken back. `leads` has the lead of each of these touches, `keys` the (system, external id)
    of those with one. `worked` are the leads that sales reached out to; `replies` has when a buyer did something last.
    """

    cause: Cause
    lead_ids: tuple[int, ...]
    leads: Mapping[int, int] = field(default_factory=dict)
    keys: frozenset[tuple[str, str]] = frozenset()
    worked: tuple[int, ...] = ()
    replies: Mapping[int, datetime] = field(default_factory=dict)

    @property
    def stored(self) -> int:
        """How many touches."""
        return len(self.leads)


@transaction.atomic
def record(*, touches: Iterable[Touch], cause: Cause) -> Touched:
    """Store touches; the same statements for any number. One that its system sent before is stored once."""
    stored = batch.insert(
        Touchpoint,
        [touch._asdict() for touch in touches],
        conflict="ON CONFLICT (system, external_id) WHERE NOT (external_id = '') DO NOTHING",
        returning=("id", "lead_id", "direction", "is_human", "is_engaged", "at", "system", "external_id"),
    )
    touched = _touched(stored, cause, replies=_replies(stored))
    _told(touched, record)
    return touched


# One that says who brought a deal is evidence: its row is named.
_WITHDRAW = """
    WITH gone AS (
        DELETE FROM leads_touchpoint touch
        WHERE {which} = ANY(%(ids)s) AND NOT EXISTS (SELECT FROM leads_sourcing said WHERE said.touch_id = touch.id)
        RETURNING touch.*
    ), kept AS (
        INSERT INTO leads_withdrawntouch (lead_id, touch, actor_id, withdrawn_at)
        SELECT lead_id, to_jsonb(gone), %(actor)s, clock_timestamp() FROM gone
    )
    SELECT id, lead_id, direction, is_human, is_engaged, at, system, external_id FROM gone
"""


@transaction.atomic
def withdraw(*, touch_ids: Collection[int], cause: Cause) -> Touched:
    """Take touches back that should never have been recorded; the same statements for any number. Returns what was
    taken back: one that says who brought a deal stays. The leads are scored, and their clocks settled, without them.
    """
    named = Touchpoint.objects.filter(pk__any_of=touch_ids).values("lead")
    list(Lead.objects.filter(pk__in=named).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    gone = _touched(_gone("id", touch_ids, cause), cause, replies={})
    _told(gone, withdraw)
    return gone


def withdraw_with(*, lead_ids: Collection[int], cause: Cause) -> None:
    """Take the touches of leads back that are themselves taken back, in the transaction that does so; one statement.

    Nothing follows from it, and their names in other systems are free.
    """
    _gone("lead_id", lead_ids, cause)


def _gone(which: str, ids: Collection[int], cause: Cause) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_WITHDRAW.format(which=which), {"ids": list(ids), "actor": cause.actor_id})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _touched(rows: Sequence[tuple[Any, ...]], cause: Cause, *, replies: Mapping[int, datetime]) -> Touched:
    return Touched(
        cause,
        lead_ids=tuple(sorted({lead_id for _, lead_id, *_ in rows})),
        leads={pk: lead_id for pk, lead_id, *_ in rows},
        keys=frozenset((system, external_id) for *_, system, external_id in rows if external_id),
        worked=tuple(sorted({lead_id for _, lead_id, direction, *_ in rows if direction == Direction.OUTBOUND})),
        replies=replies,
    )


def _told(touched: Touched, sender: Any) -> None:
    if touched.worked:
        journeys.refresh(touched.worked)
    if touched.lead_ids:
        touches_recorded.send(sender=sender, batch=touched)


def _replies(stored: Iterable[tuple[Any, ...]]) -> dict[int, datetime]:
    """The newest engaged touch of each buyer among what was stored."""
    found: dict[int, datetime] = {}
    for _, lead_id, direction, is_human, is_engaged, at, *_ in stored:
        if direction == Direction.INBOUND and is_human and is_engaged:
            found[lead_id] = max(at, found.get(lead_id, at))
    return found
