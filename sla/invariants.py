"""What must be true of clocks and their events at any moment."""

from alignment.lib.invariants import Invariants

# Each clock beside the pass that it is about; a pass that was undone has no journey.
_CLOCKS = """
    sla_clock clock
    JOIN sla_policy policy ON policy.id = clock.policy_id
    LEFT JOIN leads_journey journey ON journey.lead_id = clock.lead_id AND journey.pass_no = clock.pass_no
"""
_ANSWERED_AT = "least(journey.accepted_at, journey.sql_at, journey.sqo_at, journey.won_at, journey.closed_at)"
_ANSWERED = f"(journey.reached > 2 OR journey.outcome <> '' OR {_ANSWERED_AT} IS NOT NULL)"
_BREACH = "SELECT FROM sla_clockevent event WHERE event.clock_id = clock.id AND event.kind = 'breached'"

INVARIANTS: Invariants = {
    "A running clock waits for the answer to a pass that is an MQL": f"""
        SELECT clock.id FROM {_CLOCKS}
        WHERE clock.stopped_at IS NULL AND clock.cancelled_at IS NULL
            AND (journey.id IS NULL OR journey.reached < 2 AND journey.mql_at IS NULL OR {_ANSWERED})
    """,
    "A stopped clock is one of an answered pass, and stopped when the answer was given": f"""
        SELECT clock.id FROM {_CLOCKS}
        WHERE clock.stopped_at IS NOT NULL
            AND (
                journey.id IS NULL OR NOT {_ANSWERED} OR clock.stopped_at <> {_ANSWERED_AT}
                OR journey.outcome = 'merged' OR journey.outcome = 'attached' AND journey.reached <= 2
            )
    """,
    "A clock is cancelled only where no answer is owed": f"""
        SELECT clock.id FROM {_CLOCKS}
        WHERE clock.cancelled_at IS NOT NULL AND clock.cancelled_why IS DISTINCT FROM CASE
            WHEN journey.id IS NULL OR journey.reached < 2 AND journey.mql_at IS NULL THEN 'undone'
            WHEN journey.outcome = 'merged' THEN 'merged'
            WHEN journey.outcome = 'attached' AND journey.reached <= 2 THEN 'attached'
        END
    """,
    "A clock starts at the hand-off of its pass and is due as its policy says": f"""
        SELECT clock.id FROM {_CLOCKS}
        WHERE clock.cancelled_at IS NULL AND clock.started_at <> journey.mql_at
            OR clock.due_at <> clock.started_at + policy.target_hours * interval '1 hour'
    """,
    "A pass has one clock of a kind": """
        SELECT lead_id FROM sla_clock GROUP BY subject_kind, lead_id, pass_no HAVING count(*) > 1
    """,
    "A running clock is looked at again, unless its breach is recorded": f"""
        SELECT clock.id FROM sla_clock clock
        WHERE clock.stopped_at IS NULL AND clock.cancelled_at IS NULL AND clock.next_at IS NULL
            AND NOT EXISTS ({_BREACH})
    """,
    "Nothing has been due for more than five minutes, unless it was set aside": """
        SELECT id FROM sla_clock WHERE next_at < now() - interval '5 minutes' AND parked_at IS NULL
    """,
    "A late answer has its breach": f"""
        SELECT clock.id FROM sla_clock clock WHERE clock.stopped_at > clock.due_at AND NOT EXISTS ({_BREACH})
    """,
    "A clock has one breach": """
        SELECT clock_id FROM sla_clockevent WHERE kind = 'breached' GROUP BY clock_id HAVING count(*) > 1
    """,
    "The story of a clock begins with its start": """
        SELECT clock.id FROM sla_clock clock
        LEFT JOIN LATERAL (
            SELECT kind FROM sla_clockevent event WHERE event.clock_id = clock.id ORDER BY event.id LIMIT 1
        ) first ON true
        WHERE first.kind IS DISTINCT FROM 'started'
    """,
    "At most one version of a policy is in force for a kind of subject": """
        SELECT subject_kind FROM sla_policy WHERE retired_at IS NULL GROUP BY subject_kind HAVING count(*) > 1
    """,
}
