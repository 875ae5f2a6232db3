"""What must be true of deals, their changes and their people at any moment."""

from alignment.lib.invariants import Invariants

INVARIANTS: Invariants = {
    "The changes of a deal end at its amount": """
        SELECT deal.id FROM leads_opportunity deal
        JOIN LATERAL (
            SELECT base_after FROM leads_opportunitychange change
            WHERE change.opportunity_id = deal.id AND (base_before IS NOT NULL OR base_after IS NOT NULL)
            ORDER BY change.id DESC LIMIT 1
        ) newest ON true
        WHERE newest.base_after IS DISTINCT FROM deal.base_amount
    """,
    "A journey that carries a deal, or joined it, belongs to its buying group": """
        SELECT journey.id FROM leads_journey journey
        WHERE journey.opportunity_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM leads_opportunitycontact contact
            WHERE contact.opportunity_id = journey.opportunity_id AND contact.lead_id = journey.lead_id
        )
    """,
    "One lead carries a deal": """
        SELECT opportunity_id FROM leads_journey WHERE opportunity_id IS NOT NULL AND is_primary
        GROUP BY opportunity_id HAVING count(DISTINCT lead_id) > 1
    """,
    "A deal is closed when it was won or lost, and a won one stands with the customers": """
        SELECT deal.id FROM leads_opportunity deal LEFT JOIN leads_stage stage ON stage.id = deal.stage_id
        WHERE deal.state = 'won' AND stage.milestone <> 5
            OR deal.state = 'open' AND stage.milestone = 5 AND deal.withdrawn_at IS NULL
    """,
    "A customer by a deal is the account of that deal": """
        SELECT period.id FROM leads_customerperiod period
        JOIN leads_opportunity deal ON deal.id = period.opportunity_id
        WHERE deal.account_id IS DISTINCT FROM period.account_id
    """,
}
