"""Writing what moves lead to: the journey rows and the state on the lead. Only `leads` itself calls this."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from alignment.lib import arrays, batch
from leads.models import Journey, Lead
from leads.passes import Move, Pass

FROZEN = ("source_id", "campaign_id", "segment_id", "territory_id")
"""What a journey keeps from the moment its pass was opened."""

HELD = ("owner_id", "team_id")
"""Who holds a lead, or held it."""


class Held(NamedTuple):
    """A lead and who holds it; no user where nobody does."""

    lead_id: int
    user_id: int | None
    team_id: int | None


def as_row(lead_id: int, each: Pass, frozen: Mapping[str, Any]) -> batch.Row:
    """The columns of a journey that its moves decide, and what was frozen at its entry."""
    return {
        "lead_id": lead_id,
        "pass_no": each.no,
        "reached": each.reached,
        "stage_id": each.stage.stage_id,
        "outcome": each.outcome,
        "reason_id": each.reason_id,
        "mgl_at": each.mgl_at,
        "mql_at": each.mql_at,
        "accepted_at": each.accepted_at,
        "sql_at": each.sql_at,
        "sqo_at": each.sqo_at,
        "won_at": each.won_at,
        "closed_at": each.closed_at,
        "ended_at": each.ended_at,
        "qualified_by": each.qualified_by,
        "track_id": each.track_id,
        "revisit_on": each.revisit_on,
        "opportunity_id": each.opportunity_id,
        **{name: frozen.get(name) for name in FROZEN},
    }


def write(rows: Sequence[batch.Row], holders: Mapping[int, Mapping[str, int | None]]) -> None:
    """Store journeys, as `as_row` tells them; one statement for any number.

    `holders` has owner and team of the leads whose journeys may be new; `refresh` keeps those of the others.
    """
    if not rows:
        return
    changes = ", ".join(f"{name} = excluded.{name}" for name in rows[0] if name not in ("lead_id", "pass_no"))
    batch.insert(
        Journey,
        [{**row, "is_primary": True, **holders.get(row["lead_id"], dict.fromkeys(HELD))} for row in rows],
        conflict=f"ON CONFLICT (lead_id, pass_no) DO UPDATE SET {changes}",
    )


# Who holds the lead, or held it when its pass closed, else when that was recorded; sales' first human touch since
# acceptance, while the pass lasted; and whether the journey carries its deal.
DERIVED = """
    SELECT journey.id,
        CASE WHEN journey.outcome = '' THEN today.user_id ELSE holder.user_id END AS owner_id,
        CASE WHEN journey.outcome = '' THEN today.team_id ELSE holder.team_id END AS team_id,
        (
            SELECT min(touch.at) FROM leads_touchpoint touch
            WHERE touch.lead_id = journey.lead_id AND touch.direction = 'outbound' AND touch.is_human
                AND touch.at >= journey.accepted_at
                AND (journey.closed_at IS NULL OR touch.at <= journey.closed_at)
        ) AS worked_at,
        journey.outcome <> 'attached' AND (
            journey.opportunity_id IS NULL OR EXISTS (
                SELECT 1 FROM leads_opportunitycontact contact
                WHERE contact.opportunity_id = journey.opportunity_id
                    AND contact.lead_id = journey.lead_id AND contact.is_primary
            )
        ) AS is_primary
    FROM leads_journey journey
    LEFT JOIN leads_holderinterval today
        ON today.lead_id = journey.lead_id AND upper_inf(today.held) AND journey.outcome = ''
    LEFT JOIN LATERAL (
        SELECT user_id, team_id FROM leads_holderinterval interval
        WHERE journey.outcome <> '' AND interval.lead_id = journey.lead_id
            AND (interval.held @> journey.closed_at OR interval.held @> journey.ended_at)
        ORDER BY interval.held @> journey.closed_at DESC NULLS LAST
        LIMIT 1
    ) holder ON true
"""

_STALE = f"""
    ({DERIVED} WHERE journey.lead_id = ANY(%s::bigint[])) derived
    WHERE target.id = derived.id
        AND (target.owner_id, target.team_id, target.worked_at, target.is_primary)
        IS DISTINCT FROM (derived.owner_id, derived.team_id, derived.worked_at, derived.is_primary)
"""


def refresh(lead_ids: Sequence[int]) -> None:
    """Bring owner, team, `worked_at` and `is_primary` of these leads' journeys up to date; writes what differs."""
    if not lead_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE leads_journey target SET owner_id = derived.owner_id, team_id = derived.team_id, "
            f"worked_at = derived.worked_at, is_primary = derived.is_primary FROM {_STALE}",
            [arrays.literal(lead_ids)],
        )


def hand_over(held: Sequence[Held]) -> None:
    """Write who holds these leads now to their open journeys; one statement, none for no lead.

    Enough for leads without a closed pass: nothing else of a journey depends on who holds its lead.
    """
    if not held:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE leads_journey target SET owner_id = given.user_id, team_id = given.team_id "
            "FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS given(lead_id, user_id, team_id) "
            "WHERE target.lead_id = given.lead_id AND target.outcome = '' "
            "AND (target.owner_id, target.team_id) IS DISTINCT FROM (given.user_id, given.team_id)",
            [arrays.literal(column) for column in zip(*held, strict=True)],
        )


def stale(lead_ids: Sequence[int]) -> set[int]:
    """Those of these leads that have a journey which `refresh` would change."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT target.lead_id FROM leads_journey target, {_STALE}", [arrays.literal(lead_ids)])
        return {row[0] for row in cursor.fetchall()}


def forget_passes(counts: Mapping[int, int]) -> None:
    """Drop the journeys beyond each lead's number of passes: their opening move was undone."""
    if not counts:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM leads_journey journey USING unnest(%s::bigint[], %s::int[]) AS kept(lead_id, passes) "
            "WHERE journey.lead_id = kept.lead_id AND journey.pass_no > kept.passes",
            [arrays.literal(counts), arrays.literal(counts.values())],
        )


STATE = ("stage_id", "milestone", "outcome", "pass_no", "last_seq", "withdrawn_at")
"""Where a lead stands."""


def as_state(lead_id: int, current: Pass, last: Move, withdrawn_at: datetime | None) -> batch.Row:
    """The columns of a lead that its moves decide; `last` is its newest row."""
    return {
        "id": lead_id,
        "stage_id": current.stage.stage_id,
        "milestone": current.reached,
        "outcome": current.outcome,
        "pass_no": current.no,
        "last_seq": last.seq,
        "withdrawn_at": withdrawn_at,
        "moved_at": last.recorded_at,
    }


def write_state(states: Sequence[batch.Row]) -> None:
    """Store where leads stand, as `as_state` tells it.

    A new lead that was inserted where it stands is not written a second time.
    """
    batch.update(Lead, states, where_differs=STATE)
