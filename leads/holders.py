"""Who holds a lead: the only writer of holder intervals and of a lead's owner and team."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from alignment.lib import batch
from leads import journeys
from leads.causes import Cause
from leads.models import HolderInterval, Lead
from leads.signals import holders_changed


class Assignment(NamedTuple):
    """A lead and who holds it from `at` on (None: the cause's date, else now). No user puts it in no one's hands."""

    lead_id: int
    user_id: int | None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Handover:
    """What a call changed: only leads whose holder differs from before; `changes` has the holders (before, after)."""

    cause: Cause
    lead_ids: tuple[int, ...]
    changes: Mapping[int, tuple[int | None, int | None]] = field(default_factory=dict)


@transaction.atomic
def hold(*, assignments: Sequence[Assignment], cause: Cause, why: str = "") -> Handover:
    """Hand leads over; the same statements for one and for many. A lead that its user already holds is left alone.

    A date before the lead's last handover is moved up to it: intervals never overlap.
    """
    wanted = {each.lead_id: each for each in assignments}
    leads = (
        Lead.objects.filter(pk__any_of=wanted)
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk", flat=True)
    )
    locked = list(leads)
    holding = HolderInterval.objects.filter(lead_id__any_of=set(locked), held__upper_inf=True)
    held = dict(holding.values_list("lead_id", "user_id"))
    changing = [pk for pk in locked if held.get(pk) != wanted[pk].user_id]
    if changing:
        _hand_over([wanted[pk] for pk in changing], cause, why)
        journeys.refresh(changing)
    handover = Handover(cause, tuple(changing), {pk: (held.get(pk), wanted[pk].user_id) for pk in changing})
    if changing:
        holders_changed.send(sender=hold, batch=handover)
    return handover


def begin(*, assignments: Sequence[Assignment], teams: Mapping[int, int | None], cause: Cause) -> None:
    """Record the first holders of leads that this transaction inserted as theirs; one statement.

    Nobody held such a lead, so there is nothing to read, to lock or to end. `teams` is the team of each user; every
    assignment has a date.
    """
    if not assignments:
        return
    _insert(((each.lead_id, each.user_id, teams[each.user_id or 0], each.at) for each in assignments), cause)
    holders_changed.send(sender=begin, batch=Handover(cause, tuple(sorted(each.lead_id for each in assignments))))


# The moment of each handover: not before the end of what the lead's holders already have.
_MOMENTS = """
    SELECT given.lead_id, given.user_id, holder.team_id,
        greatest(
            coalesce(given.at, clock_timestamp()),
            (
                SELECT max(coalesce(upper(held), lower(held) + interval '1 microsecond'))
                FROM leads_holderinterval earlier WHERE earlier.lead_id = given.lead_id
            )
        ) AS at
    FROM json_to_recordset(%s::json) AS given(lead_id bigint, user_id int, at timestamptz)
    LEFT JOIN people_user holder ON holder.id = given.user_id
"""


def _hand_over(assignments: Sequence[Assignment], cause: Cause, why: str) -> None:
    given = ({"lead_id": each.lead_id, "user_id": each.user_id, "at": each.at or cause.at} for each in assignments)
    with connection.cursor() as cursor:
        cursor.execute(_MOMENTS, [batch.to_json(given)])
        moments = cursor.fetchall()
        cursor.execute(
            "UPDATE leads_holderinterval held SET held = tstzrange(lower(held.held), moment.at) "
            "FROM unnest(%s::bigint[], %s::timestamptz[]) AS moment(lead_id, at) "
            "WHERE held.lead_id = moment.lead_id AND upper_inf(held.held)",
            [[row[0] for row in moments], [row[3] for row in moments]],
        )
    _insert((row for row in moments if row[1] is not None), cause, why)
    batch.update(
        Lead,
        [{"id": row[0], "owner_id": row[1], "team_id": row[2]} for row in moments],
        where_differs=("owner_id", "team_id"),
    )


def _insert(rows: Iterable[tuple[Any, ...]], cause: Cause, why: str = "") -> None:
    """Intervals that go on, of (lead, user, team, from when)."""
    batch.insert(
        HolderInterval,
        [
            {
                "lead_id": lead_id, "user_id": user_id, "team_id": team_id, "held": f"[{at.isoformat()},)",
                "actor_id": cause.actor_id, "why": why,
            }
            for lead_id, user_id, team_id, at in rows
        ],
    )  # fmt: skip
