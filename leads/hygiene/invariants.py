"""What must be true of the keys of leads, of pairs that may be one person, and of merges at any moment."""

from alignment.lib.invariants import Invariants

_STANDS = "lead.merged_into_id IS NULL AND lead.withdrawn_at IS NULL"

INVARIANTS: Invariants = {
    "A lead has keys as long as it stands": f"""
        SELECT lead.id FROM leads_lead lead LEFT JOIN leads_leadkeys keys ON keys.lead_id = lead.id
        WHERE ({_STANDS}) <> (keys.lead_id IS NOT NULL)
    """,
    "Keys that are up to date are those of the lead's address and account": f"""
        SELECT lead.id FROM leads_lead lead JOIN leads_leadkeys keys ON keys.lead_id = lead.id
        WHERE NOT keys.is_stale AND {_STANDS} AND (
            (keys.mailbox = '') <> (lead.email_key = '')
            OR keys.first_block <> '' AND split_part(keys.first_block, '|', 1) <> coalesce(lead.account_id::text, '')
            OR (keys.first_block = '') <> (keys.last_block = '')
        )
    """,
    "Nobody is asked about a pair of which one lead does not stand": f"""
        SELECT pair.id FROM leads_duplicatepair pair
        JOIN leads_lead lead ON lead.id IN (pair.first_id, pair.second_id)
        WHERE pair.dismissed_at IS NULL AND NOT ({_STANDS})
    """,
    "The move that a merge remembers is a merge of that lead": """
        SELECT part.id FROM leads_mergedlead part JOIN leads_leadtransition move ON move.id = part.move_id
        WHERE move.kind <> 'merge' OR move.lead_id <> part.lead_id
    """,
    "A merge says of whom it made one, and nobody goes into themselves": """
        SELECT merge.id FROM leads_merge merge LEFT JOIN leads_mergedlead part ON part.merge_id = merge.id
        WHERE part.id IS NULL OR part.lead_id = merge.survivor_id
    """,
}
