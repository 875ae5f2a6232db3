"""What must be true of leads, moves, journeys, holders and deals at any moment."""

from alignment.lib.invariants import Invariants
from leads.journeys import DERIVED

_UNDONE = "SELECT reverts_id FROM leads_leadtransition WHERE reverts_id IS NOT NULL"
_NAMED = "SELECT FROM leads_externalreference named WHERE named.lead_id = lead.id AND named.released_at IS NULL"

INVARIANTS: Invariants = {
    "A lead stands where its newest journey stands": """
        SELECT lead.id FROM leads_lead lead
        LEFT JOIN leads_journey journey ON journey.lead_id = lead.id AND journey.pass_no = lead.pass_no
        WHERE lead.withdrawn_at IS NULL AND (
            journey.id IS NULL
            OR (journey.stage_id, journey.reached, journey.outcome) <> (lead.stage_id, lead.milestone, lead.outcome)
        )
    """,
    "The passes of a lead are numbered from 1, and the last of them is its newest": """
        SELECT lead.id FROM leads_lead lead
        LEFT JOIN leads_journey journey ON journey.lead_id = lead.id
        WHERE lead.withdrawn_at IS NULL
        GROUP BY lead.id HAVING count(journey.id) <> lead.pass_no OR max(journey.pass_no) <> lead.pass_no
    """,
    "The moves of a lead are numbered from 1, without a gap, up to its last": """
        SELECT lead.id FROM leads_lead lead
        LEFT JOIN leads_leadtransition move ON move.lead_id = lead.id
        GROUP BY lead.id HAVING count(move.id) <> lead.last_seq OR max(move.seq) <> lead.last_seq
    """,
    "Only the newest pass of a lead is open": """
        SELECT journey.id FROM leads_journey journey JOIN leads_lead lead ON lead.id = journey.lead_id
        WHERE journey.outcome = '' AND journey.pass_no < lead.pass_no
    """,
    "A lead was last moved when its newest move was recorded, or is stored with it": """
        SELECT lead.id FROM leads_lead lead
        JOIN leads_leadtransition move ON move.lead_id = lead.id AND move.seq = lead.last_seq
        WHERE lead.moved_at > move.recorded_at
    """,
    "An undo takes back an earlier row of the same lead, which is no undo": """
        SELECT move.id FROM leads_leadtransition move JOIN leads_leadtransition undone ON undone.id = move.reverts_id
        WHERE undone.lead_id <> move.lead_id OR undone.seq >= move.seq OR undone.kind = 'undo'
    """,
    "A correction is about an earlier row of the same lead, which is no undo and no correction": """
        SELECT move.id FROM leads_leadtransition move JOIN leads_leadtransition wrong ON wrong.id = move.corrects_id
        WHERE wrong.lead_id <> move.lead_id OR wrong.seq >= move.seq OR wrong.kind IN ('undo', 'correct')
    """,
    "Every date of a journey is the date of a row that counts": f"""
        SELECT journey.id FROM leads_journey journey
        CROSS JOIN LATERAL unnest(
            ARRAY[mgl_at, mql_at, accepted_at, sql_at, sqo_at, won_at, closed_at]
        ) AS known(at)
        WHERE known.at IS NOT NULL AND NOT EXISTS (
            SELECT FROM leads_leadtransition move
            WHERE move.lead_id = journey.lead_id AND move.at = known.at AND move.id NOT IN ({_UNDONE})
        )
    """,
    "The row that opens a pass, and no other, says what the pass froze": """
        SELECT id FROM leads_leadtransition WHERE (entry IS NOT NULL) <> (seq = 1 OR kind = 'requalify')
    """,
    "A rejection, a recycling, a won and a lost deal have a reason of their own list": """
        SELECT move.id FROM leads_leadtransition move JOIN leads_reason reason ON reason.id = move.reason_id
        WHERE move.kind IN ('reject', 'recycle', 'win', 'lose') AND reason.kind <> move.kind
    """,
    "An override and a correction say why": """
        SELECT move.id FROM leads_leadtransition move
        LEFT JOIN leads_transitionnote note ON note.transition_id = move.id
        WHERE (move.is_override OR move.kind = 'correct') AND note.transition_id IS NULL
    """,
    "The stages in use stand in the order of their milestones": """
        SELECT earlier.id FROM leads_stage earlier JOIN leads_stage later ON later.milestone > earlier.milestone
        WHERE earlier.position >= later.position AND earlier.retired_at IS NULL AND later.retired_at IS NULL
    """,
    "Every milestone has a stage in use": """
        SELECT fixed.milestone FROM generate_series(1, 5) AS fixed(milestone)
        WHERE NOT EXISTS (SELECT FROM leads_stage stage WHERE stage.milestone = fixed.milestone AND retired_at IS NULL)
    """,
    "The owner and the team of a lead are those who hold it now": """
        SELECT lead.id FROM leads_lead lead
        LEFT JOIN leads_holderinterval holder ON holder.lead_id = lead.id AND upper_inf(holder.held)
        WHERE (lead.owner_id, lead.team_id) IS DISTINCT FROM (holder.user_id, holder.team_id)
    """,
    "Owner, team, first work and primacy of a journey are what holders, touches and deals say": f"""
        SELECT journey.id FROM leads_journey journey JOIN ({DERIVED}) derived ON derived.id = journey.id
        WHERE (journey.owner_id, journey.team_id, journey.worked_at, journey.is_primary)
            IS DISTINCT FROM (derived.owner_id, derived.team_id, derived.worked_at, derived.is_primary)
    """,
    "A merged lead has no open pass, and went into a lead that stands": """
        SELECT lead.id FROM leads_lead lead JOIN leads_lead survivor ON survivor.id = lead.merged_into_id
        WHERE lead.outcome = '' OR survivor.merged_into_id IS NOT NULL OR survivor.withdrawn_at IS NOT NULL
    """,
    "A lead is merged into the lead that its newest merge kept, and into none without a merge": """
        SELECT lead.id FROM leads_lead lead
        LEFT JOIN LATERAL (
            SELECT merge.survivor_id FROM leads_mergedlead part JOIN leads_merge merge ON merge.id = part.merge_id
            WHERE part.lead_id = lead.id AND merge.undone_at IS NULL ORDER BY merge.id DESC LIMIT 1
        ) newest ON true
        WHERE lead.merged_into_id IS DISTINCT FROM newest.survivor_id
    """,
    "A lead that was taken back has no journey, its newest move says so, and no system names it": f"""
        SELECT lead.id FROM leads_lead lead
        LEFT JOIN leads_leadtransition move ON move.lead_id = lead.id AND move.seq = lead.last_seq
        WHERE (lead.withdrawn_at IS NOT NULL) <> (move.kind = 'withdraw')
            OR lead.withdrawn_at IS NOT NULL AND (
                EXISTS (SELECT FROM leads_journey journey WHERE journey.lead_id = lead.id)
                OR EXISTS ({_NAMED})
            )
    """,
    "Who brought a deal is what was said last": """
        SELECT deal.id FROM leads_opportunity deal
        LEFT JOIN LATERAL (
            SELECT sourced_by FROM leads_sourcing WHERE opportunity_id = deal.id ORDER BY id DESC LIMIT 1
        ) said ON true
        WHERE deal.sourced_by <> coalesce(said.sourced_by, '')
    """,
    "A stage is what its published version says": """
        SELECT stage.id FROM leads_stage stage
        JOIN leads_stageversion version ON version.scope = stage.key AND version.state = 'published'
        WHERE (stage.name, stage.definition, stage.owning_side, stage.criteria) IS DISTINCT FROM (
            version.body->>'name', version.body->>'definition', version.body->>'owning_side', version.body->'criteria'
        )
    """,
    "No journey carries a deal that was taken back": """
        SELECT journey.id FROM leads_journey journey JOIN leads_opportunity deal ON deal.id = journey.opportunity_id
        WHERE deal.withdrawn_at IS NOT NULL
    """,
    "A deal is as won, lost or open as its newest primary journey": """
        SELECT deal.id FROM leads_opportunity deal
        JOIN LATERAL (
            SELECT outcome, closed_at FROM leads_journey journey
            WHERE journey.opportunity_id = deal.id AND journey.is_primary ORDER BY journey.pass_no DESC LIMIT 1
        ) primary_journey ON true
        WHERE (deal.state, deal.closed_at) IS DISTINCT FROM (
            CASE WHEN outcome IN ('won', 'lost') THEN outcome ELSE 'open' END,
            CASE WHEN outcome IN ('won', 'lost') THEN primary_journey.closed_at END
        )
    """,
}
