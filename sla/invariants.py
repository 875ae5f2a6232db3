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
            AND clock.subject_kind = 'disposition'
            AND (journey.id IS NULL OR journey.reached < 2 AND journey.mql_at IS NULL OR {_ANSWERED})
    """,
    "A stopped clock is one of an answered pass, and stopped when the answer was given": f"""
        SELECT clock.id FROM {_CLOCKS}
        WHERE clock.stopped_at IS NOT NULL AND clock.subject_kind = 'disposition'
            AND (
                journey.id IS NULL OR NOT {_ANSWERED} OR clock.stopped_at <> {_ANSWERED_AT}
                OR journey.outcome = 'merged'
                OR journey.outcome = 'attached' AND journey.reached <= 2 AND clock.stopped_at <= clock.due_at
            )
    """,
    "A clock is cancelled only where no answer is owed": f"""
        SELECT clock.id FROM {_CLOCKS}
        WHERE clock.cancelled_at IS NOT NULL AND clock.subject_kind = 'disposition'
            AND clock.cancelled_why IS DISTINCT FROM CASE
            WHEN journey.id IS NULL OR journey.reached < 2 AND journey.mql_at IS NULL THEN 'undone'
            WHEN journey.outcome = 'merged' THEN 'merged'
            WHEN journey.outcome = 'attached' AND journey.reached <= 2 THEN 'attached'
        END
    """,
    "A lead above capacity is owed no answer until its turn comes": """
        SELECT clock.id FROM sla_clock clock
        JOIN sla_abovecapacity above ON above.lead_id = clock.lead_id AND above.pass_no = clock.pass_no
        WHERE clock.subject_kind IN ('disposition', 'first_touch') AND above.begins_at IS NULL
    """,
    "Joining an open deal hides no breach": f"""
        SELECT clock.id FROM {_CLOCKS} WHERE clock.cancelled_why = 'attached' AND journey.closed_at > clock.due_at
    """,
    "A clock starts at the hand-off of its pass, at its turn after it waited above capacity, or at acceptance": f"""
        SELECT clock.id FROM {_CLOCKS}
        WHERE clock.cancelled_at IS NULL AND clock.subject_kind IN ('disposition', 'first_touch', 'worked')
            AND clock.started_at <> CASE clock.subject_kind
            WHEN 'worked' THEN journey.accepted_at
            ELSE greatest(journey.mql_at, (
                SELECT begins_at FROM sla_abovecapacity above
                WHERE above.lead_id = clock.lead_id AND above.pass_no = clock.pass_no
            ))
        END
    """,
    "A human touch that was promised stops its clock": f"""
        SELECT clock.id FROM {_CLOCKS}
        WHERE clock.subject_kind = 'worked' AND clock.cancelled_at IS NULL
            AND clock.stopped_at IS DISTINCT FROM least(
                journey.worked_at, journey.sqo_at, journey.won_at,
                CASE WHEN journey.reached < 4 AND coalesce(journey.worked_at, journey.sqo_at, journey.won_at) IS NULL
                    THEN journey.closed_at END
            )
            AND (journey.reached < 4 OR least(journey.worked_at, journey.sqo_at, journey.won_at) IS NOT NULL)
    """,
    "A clock of elapsed hours that was never paused is due as its policy says": """
        SELECT clock.id FROM sla_clock clock JOIN sla_policy policy ON policy.id = clock.policy_id
        WHERE policy.unit = 'elapsed_hours' AND policy.floor_hours = 0
            AND clock.due_at <> clock.started_at + policy.target * interval '1 hour'
            AND NOT EXISTS (SELECT FROM sla_clockpause pause WHERE pause.clock_id = clock.id)
    """,
    "A paused clock stands still until its pause is over at most": """
        SELECT clock.id FROM sla_clock clock
        WHERE clock.paused_until IS NOT NULL AND clock.paused_until IS DISTINCT FROM (
            SELECT max(pause.ends_at) FROM sla_clockpause pause WHERE pause.clock_id = clock.id
        )
    """,
    "A pass has one clock of a kind, and a subject one that runs": """
        SELECT subject_id FROM sla_clock GROUP BY subject_kind, subject_id, pass_no HAVING count(*) > 1
        UNION ALL
        SELECT subject_id FROM sla_clock
        WHERE stopped_at IS NULL AND cancelled_at IS NULL AND subject_kind IN ('deal_update', 'dispute_answer')
        GROUP BY subject_kind, subject_id HAVING count(*) > 1
    """,
    "A clock is about what its policy is about": """
        SELECT clock.id FROM sla_clock clock JOIN sla_policy policy ON policy.id = clock.policy_id
        WHERE clock.subject_kind <> policy.subject_kind
    """,
    "A deal has to be updated while it is open": """
        SELECT clock.id FROM sla_clock clock JOIN leads_opportunity deal ON deal.id = clock.subject_id
        WHERE clock.subject_kind = 'deal_update' AND clock.stopped_at IS NULL AND clock.cancelled_at IS NULL
            AND (deal.state <> 'open' OR deal.withdrawn_at IS NOT NULL)
    """,
    "An answer to a dispute stops its clock, and nothing but a verdict does besides": """
        SELECT clock.id FROM sla_clock clock JOIN sla_dispute dispute ON dispute.id = clock.subject_id
        WHERE clock.subject_kind = 'dispute_answer' AND clock.cancelled_at IS NULL
            AND clock.stopped_at IS DISTINCT FROM coalesce(dispute.answered_at, dispute.closed_at)
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
    "An excused clock has an upheld dispute, and the other way round": """
        SELECT clock.id FROM sla_clock clock
        LEFT JOIN sla_dispute dispute ON dispute.clock_id = clock.id AND dispute.verdict = 'upheld'
        WHERE (clock.excused_at IS NULL) <> (dispute.id IS NULL)
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
    "A version that counts, or did, has a policy for each of its rules": """
        SELECT version.id FROM sla_policyset version
        WHERE version.state <> 'draft' AND jsonb_array_length(version.body -> 'rules') <> (
            SELECT count(*) FROM sla_policy policy WHERE policy.version_id = version.id
        )
    """,
}
