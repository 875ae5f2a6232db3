"""What must be true of routing at any moment."""

from alignment.lib.invariants import Invariants

INVARIANTS: Invariants = {
    "A routing decision was made by a version that counted, and names one of its rules or none": """
        SELECT decision.id FROM leads_routingdecision decision
        JOIN leads_routingversion version ON version.id = decision.version_id
        WHERE version.published_at IS NULL
            OR decision.rule >= jsonb_array_length(coalesce(version.body -> 'rules', '[]'))
    """,
    "Who got a lead from a pool was in it, and is the one whom the explanation names": """
        SELECT decision.id FROM leads_routingdecision decision
        WHERE decision.how = 'pool' AND NOT (
            EXISTS (
                SELECT FROM leads_poolmember place
                WHERE place.pool_id = decision.pool_id AND place.user_id = decision.user_id
            )
            AND EXISTS (
                SELECT FROM jsonb_array_elements(decision.candidates) AS candidate
                WHERE candidate ->> 0 = decision.user_id::text AND candidate ->> 1 = 'chosen'
            )
        )
    """,
    "A place in a pool has got as many leads as were decided": """
        SELECT place.id FROM leads_poolmember place
        LEFT JOIN leads_routingdecision decision
            ON decision.pool_id = place.pool_id AND decision.user_id = place.user_id AND decision.how = 'pool'
        GROUP BY place.id HAVING place.given <> count(decision.id)
    """,
    "A lead that goes to an open deal goes to a deal of an account": """
        SELECT decision.id FROM leads_routingdecision decision
        JOIN leads_opportunity deal ON deal.id = decision.opportunity_id
        WHERE deal.account_id IS NULL
    """,
}
