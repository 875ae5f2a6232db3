"""What must be true of scores at any moment."""

from alignment.lib.invariants import Invariants

INVARIANTS: Invariants = {
    "A score is of a version that counts or did, with a sum for each of its groups": """
        SELECT score.lead_id FROM leads_score score JOIN leads_scoringversion version ON version.id = score.version_id
        WHERE version.published_at IS NULL
            OR cardinality(score.sums) <> jsonb_array_length(coalesce(version.body -> 'groups', '[]'))
    """,
    "A lead that crossed the threshold was made an MQL for its score in that pass": """
        SELECT crossing.id FROM leads_thresholdcrossing crossing
        WHERE NOT EXISTS (
            SELECT FROM leads_leadtransition move
            WHERE move.lead_id = crossing.lead_id AND move.pass_no = crossing.pass_no AND move.qualified_by = 'score'
        )
    """,
    "A lead crosses the threshold once in a pass, unless that was undone": """
        SELECT crossing.lead_id FROM leads_thresholdcrossing crossing
        WHERE NOT EXISTS (
            SELECT FROM leads_leadtransition undo
            WHERE undo.lead_id = crossing.lead_id AND undo.kind = 'undo'
        )
        GROUP BY crossing.lead_id, crossing.pass_no HAVING count(*) > 1
    """,
}
