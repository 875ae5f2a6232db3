"""The search box: leads by name, e-mail and company."""

from collections.abc import Collection, Iterable

from django.db import connection

from alignment.lib import batch
from leads.models import LeadSearch

# A search reads so many matches and no more; a word that fits more of them is not yet a question.
CANDIDATES = 2000
MOST_WORDS = 8


def candidates(words: str) -> list[int]:
    """Keys of leads that have all of these words somewhere; one query."""
    matches = LeadSearch.objects.all()
    for word in words.split()[:MOST_WORDS]:
        matches = matches.filter(text__icontains=word)
    return list(matches.values_list("pk", flat=True)[:CANDIDATES])


def add_to_index(rows: Iterable[batch.Row]) -> None:
    """Let the search box find new leads; one statement."""
    batch.insert(
        LeadSearch,
        [
            {"lead_id": row["id"], "text": " ".join(filter(None, (row["name"], row["email"], row["company_name"])))}
            for row in rows
        ],
    )


_REINDEX = """
    INSERT INTO leads_leadsearch (lead_id, text)
    SELECT lead.id, concat_ws(
        ' ', nullif(lead.name, ''), nullif(lead.email, ''), nullif(lead.company_name, ''),
        (
            SELECT string_agg(concat_ws(' ', nullif(gone.name, ''), nullif(gone.email, '')), ' ' ORDER BY gone.id)
            FROM leads_lead gone WHERE gone.merged_into_id = lead.id
        )
    )
    FROM leads_lead lead WHERE lead.id = ANY(%s)
    ON CONFLICT (lead_id) DO UPDATE SET text = excluded.text
"""


def reindex(lead_ids: Collection[int]) -> None:
    """Let the search box find these leads as they are stored, also by names and addresses of leads that were merged
    into them; one statement.
    """
    if lead_ids:
        with connection.cursor() as cursor:
            cursor.execute(_REINDEX, [list(lead_ids)])
