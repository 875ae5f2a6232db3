"""Deals follow their journeys: buying groups grow, and what a primary journey says of stage, state and reason holds."""

from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction

from alignment.lib import arrays
from leads import lifecycle
from leads.causes import Cause
from leads.deals import customers, sourcing
from leads.deals.changes import Change, record

_CONCERNED = """
    SELECT DISTINCT opportunity_id FROM leads_journey WHERE lead_id = ANY(%s::bigint[]) AND opportunity_id IS NOT NULL
"""

# Whoever joins a deal, or is moved on with one, belongs to its buying group.
_JOIN = """
    INSERT INTO leads_opportunitycontact (opportunity_id, lead_id, role, is_primary)
    SELECT DISTINCT journey.opportunity_id, journey.lead_id, '', false
    FROM leads_journey journey
    WHERE journey.lead_id = ANY(%s::bigint[]) AND journey.opportunity_id IS NOT NULL
    ON CONFLICT (opportunity_id, lead_id) DO NOTHING
"""

# What primary journeys, the newest of each deal, say: won and lost close it, anything else leaves it open. A deal that
# its lead has not reached yet keeps the stage that it has.
_FOLLOW = """
    UPDATE leads_opportunity deal
    SET state = verdict.state, closed_at = verdict.closed_at, stage_id = verdict.stage_id, reason_id = verdict.reason_id
    FROM (
        SELECT DISTINCT ON (journey.opportunity_id) journey.opportunity_id, journey.lead_id,
            CASE WHEN journey.outcome IN ('won', 'lost') THEN journey.outcome ELSE 'open' END AS state,
            CASE WHEN journey.outcome IN ('won', 'lost') THEN journey.closed_at END AS closed_at,
            CASE WHEN journey.outcome IN ('won', 'lost') THEN journey.reason_id END AS reason_id,
            CASE WHEN journey.reached >= 4 THEN journey.stage_id ELSE before.stage_id END AS stage_id,
            before.state AS state_before, before.stage_id AS stage_before, before.reason_id AS reason_before
        FROM leads_journey journey
        JOIN leads_opportunity before ON before.id = journey.opportunity_id
        WHERE journey.lead_id = ANY(%s::bigint[]) AND journey.is_primary
        ORDER BY journey.opportunity_id, journey.pass_no DESC
    ) verdict
    WHERE deal.id = verdict.opportunity_id
        AND (deal.state, deal.closed_at, deal.stage_id, deal.reason_id)
            IS DISTINCT FROM (verdict.state, verdict.closed_at, verdict.stage_id, verdict.reason_id)
    RETURNING deal.id AS id, deal.closed_at AS closed_at, deal.currency AS currency, deal.rate AS rate,
        deal.base_amount AS base_amount,
        verdict.state_before AS state_before, deal.state AS state,
        verdict.stage_before AS stage_id_before, deal.stage_id AS stage_id,
        verdict.reason_before AS reason_id_before, deal.reason_id AS reason_id,
        (
            SELECT max(move.at) FROM leads_leadtransition move
            WHERE move.lead_id = verdict.lead_id AND move.to_stage_id = deal.stage_id
        ) AS staged_at
"""


@transaction.atomic
def follow(*, lead_ids: Iterable[int], cause: Cause) -> None:
    """Bring deals in line with the journeys of these leads: buying groups grow, the deals whose primary journeys were
    moved on, won, lost, undone or reopened stand there too, and each new opportunity is sourced. One statement where no
    deal is concerned.
    """
    moved = arrays.literal(lead_ids)
    with connection.cursor() as cursor:
        cursor.execute(_CONCERNED, [moved])
        concerned = [pk for (pk,) in cursor.fetchall()]
        if not concerned:
            return
        cursor.execute(_JOIN, [moved])
        cursor.execute(_FOLLOW, [moved])
        names = [column.name for column in cursor.description]
        followed = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    now = lifecycle.database_now()
    record((change for deal in followed for change in _changes(deal)), cause, now)
    turned = [deal["id"] for deal in followed if deal["state"] != deal["state_before"]]
    if turned:
        customers.follow(opportunity_ids=turned, cause=cause, now=now)
    sourcing.decide(opportunity_ids=concerned, cause=cause, now=now)


def _changes(deal: dict[str, Any]) -> Iterable[Change]:
    dates = {"stage_id": deal["staged_at"], "state": deal["closed_at"], "reason_id": deal["closed_at"]}
    for field, at in dates.items():
        old, new = deal[f"{field}_before"], deal[field]
        if old != new:
            base = deal["base_amount"]
            yield Change(deal["id"], at, field, old, new, deal["currency"], deal["rate"], base, base)
