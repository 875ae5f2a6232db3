"""Who brought a deal: decided by rule when it becomes an opportunity, kept with its evidence, and corrected by hand
until the books of its month are closed.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from alignment.ops import audit
from alignment.people.models import Company, User
from leads import lifecycle
from leads.causes import Cause
from leads.deals.changes import tell
from leads.models import DealRules, Opportunity, Source, Sourcing
from leads.models.sourcing import SourcingRule


class SourcingError(Exception):
    """Who sourced a deal cannot be corrected; the message is a sentence."""


# One statement for any number of deals: what decides is looked for in the order of `SourcingRule`.
_DECIDE = """
    WITH wanted AS (
        SELECT deal.id, deal.kind, deal.account_id, coalesce(journey.sqo_at, deal.opened_at) AS sqo_at,
            rules.lookback_days, company.time_zone,
            coalesce(journey.sqo_at, deal.opened_at) - rules.lookback_days * interval '1 day' AS since
        FROM leads_opportunity deal
        CROSS JOIN leads_dealrules rules
        CROSS JOIN people_company company
        LEFT JOIN LATERAL (
            SELECT sqo_at FROM leads_journey
            WHERE opportunity_id = deal.id AND is_primary ORDER BY pass_no DESC LIMIT 1
        ) journey ON true
        WHERE deal.id = ANY(%(deals)s) AND deal.sourced_by = '' AND deal.withdrawn_at IS NULL
    ), judged AS (
        SELECT wanted.*, touch.id AS touch_id, touch.at AS touched_at, touch.direction,
            coalesce(touch.lead_id, entry.lead_id) AS lead_id,
            coalesce(touch.channel_id, entry.source_id) AS channel_id,
            CASE
                WHEN wanted.kind <> 'new' THEN 'kind'
                WHEN EXISTS (
                    SELECT FROM leads_customerperiod period
                    WHERE period.account_id = wanted.account_id
                        AND (period.began_on IS NULL
                            OR period.began_on < (wanted.sqo_at AT TIME ZONE wanted.time_zone)::date)
                        AND (period.ended_on IS NULL
                            OR period.ended_on >= (wanted.sqo_at AT TIME ZONE wanted.time_zone)::date)
                        AND period.opportunity_id IS DISTINCT FROM wanted.id
                ) THEN 'customer'
                WHEN touch.id IS NOT NULL THEN 'touch'
                WHEN entry.lead_id IS NOT NULL THEN 'entry'
                ELSE 'nothing'
            END AS rule
        FROM wanted
        LEFT JOIN LATERAL (
            SELECT touch.*
            FROM (
                SELECT lead_id FROM leads_opportunitycontact WHERE opportunity_id = wanted.id OFFSET 0
            ) contact
            CROSS JOIN LATERAL (
                SELECT contact.lead_id AS id
                UNION ALL SELECT merged.id FROM leads_lead merged WHERE merged.merged_into_id = contact.lead_id
            ) known
            -- The first of each lead, by its index: a planner without statistics (a first import) would look for the
            -- touches of one deal among those of everybody. The contacts above and the journeys below are fenced for
            -- the same reason.
            CROSS JOIN LATERAL (
                SELECT id, lead_id, at, direction, channel_id FROM leads_touchpoint
                WHERE lead_id = known.id AND is_engaged AND at BETWEEN wanted.since AND wanted.sqo_at
                ORDER BY at, id LIMIT 1
            ) touch
            ORDER BY touch.at, touch.id LIMIT 1
        ) touch ON true
        LEFT JOIN LATERAL (
            SELECT lead_id, source_id FROM (
                SELECT * FROM leads_journey WHERE opportunity_id = wanted.id OFFSET 0
            ) journey
            WHERE is_primary AND source_id IS NOT NULL AND entered_at BETWEEN wanted.since AND wanted.sqo_at
            ORDER BY pass_no DESC LIMIT 1
        ) entry ON true
        WHERE wanted.sqo_at IS NOT NULL
    ), said AS (
        INSERT INTO leads_sourcing (
            opportunity_id, sourced_by, rule, sqo_at, days, touch_id, lead_id, touched_at, channel_id, why, actor_id,
            recorded_at
        )
        SELECT id,
            CASE
                WHEN rule IN ('kind', 'customer') THEN 'customer'
                WHEN rule = 'nothing' THEN 'sales'
                WHEN channel_id IN (SELECT source_id FROM leads_dealrules_partner_sources) THEN 'partner'
                WHEN channel_id IN (SELECT source_id FROM leads_dealrules_sales_sources) THEN 'sales'
                WHEN rule = 'touch' AND direction = 'outbound' THEN 'sales'
                ELSE 'marketing'
            END,
            rule, sqo_at, lookback_days,
            CASE WHEN rule = 'touch' THEN touch_id END,
            CASE WHEN rule IN ('touch', 'entry') THEN lead_id END,
            CASE WHEN rule = 'touch' THEN touched_at END,
            CASE WHEN rule IN ('touch', 'entry') THEN channel_id END,
            '', %(actor)s, %(now)s
        FROM judged ORDER BY id
        RETURNING opportunity_id, sourced_by
    )
    UPDATE leads_opportunity deal SET sourced_by = said.sourced_by FROM said WHERE deal.id = said.opportunity_id
"""


def decide(*, opportunity_ids: Collection[int], cause: Cause, now: datetime) -> int:
    """Say of those of these deals that nobody has said it of yet who brought them; returns how many. Of a deal without
    a date nobody can say. One statement.
    """
    if not opportunity_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_DECIDE, {"deals": list(opportunity_ids), "actor": cause.actor_id, "now": now})
        decided: int = cursor.rowcount
        return decided


def books_close_at(sqo_at: datetime, *, zone: ZoneInfo, closing_day: int) -> datetime:
    """The midnight in the company's zone after which the month of `sqo_at` is closed."""
    month = sqo_at.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    following = (month + timedelta(days=32)).replace(day=1)
    return following + timedelta(days=closing_day)


def closes_at(standing: Sourcing) -> datetime:
    """When the books of the deal's month close, after which nobody says otherwise who brought it. Two queries."""
    zone, rules = ZoneInfo(Company.get().time_zone), DealRules.objects.get()
    return books_close_at(standing.sqo_at, zone=zone, closing_day=rules.closing_day)


def closed_since(closes_at: datetime) -> str:
    """What is said of books that are closed."""
    return f"The books of its month closed on {closes_at - timedelta(days=1):%-d %B %Y}."


@transaction.atomic
def change_rules(
    *,
    lookback_days: int,
    closing_day: int,
    partner_sources: Collection[Source],
    sales_sources: Collection[Source],
    by: User,
) -> DealRules:
    """Agree on other rules, for deals that become opportunities from now on; the audit log says which."""
    rules = DealRules.objects.select_for_update(no_key=True).get()
    rules.lookback_days, rules.closing_day = lookback_days, closing_day
    rules.save()
    rules.partner_sources.set(partner_sources)
    rules.sales_sources.set(sales_sources)
    told = {"partner_sources": partner_sources, "sales_sources": sales_sources}
    audit.record(
        action="deal_rules_changed", actor=by,
        detail={
            "lookback_days": lookback_days, "closing_day": closing_day,
            **{name: [source.key for source in sources] for name, sources in told.items()},
        },
    )  # fmt: skip
    return rules


@transaction.atomic
def correct(
    *, opportunity_id: int, sourced_by: str, why: str, cause: Cause, asked_at: datetime | None = None
) -> Sourcing:
    """Say that somebody else brought a deal, and why. Raises SourcingError if the books of its month were closed when
    that was asked for (`asked_at`; None: now).
    """
    deal = Opportunity.objects.select_for_update(no_key=True).get(pk=opportunity_id)
    standing = Sourcing.objects.filter(opportunity=deal).order_by("-id").first()
    if standing is None:
        raise SourcingError("It is not known when this deal became an opportunity, so nothing can be said about it.")
    if standing.sourced_by == sourced_by:
        raise SourcingError(f"This deal is sourced by {deal.get_sourced_by_display().lower()} already.")
    now, closing_at = lifecycle.database_now(), closes_at(standing)
    if (asked_at or now) >= closing_at:
        raise SourcingError(closed_since(closing_at))
    row = Sourcing.objects.create(
        opportunity=deal, sourced_by=sourced_by, rule=SourcingRule.CORRECTION, sqo_at=standing.sqo_at,
        days=standing.days, why=why, actor_id=cause.actor_id, recorded_at=now,
    )  # fmt: skip
    before, deal.sourced_by = deal.sourced_by, sourced_by
    deal.save(update_fields=["sourced_by"])
    tell([deal.pk], cause)
    audit.record(
        action="sourcing_corrected", actor_id=cause.actor_id, subject_kind="opportunity", subject_ids=[deal.pk],
        detail={"before": before, "after": sourced_by, "why": why},
    )  # fmt: skip
    return row
