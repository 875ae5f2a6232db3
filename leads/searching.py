"""The search box: leads by name, e-mail and company."""

from collections.abc import Collection, Iterable

from django.db import connection
from django.db.models import Q

from alignment.lib import arrays, batch
from leads.finding import LARGEST_ID, MOST_WORDS, find_leads, is_enough
from leads.models import LeadSearch

# A search reads so many matches and no more; a word that fits more of them is not yet a question.
CANDIDATES = 2000
# So many near misses are a list of people to look through, more are noise.
MOST_ALIKE = 50


def candidates(words: str) -> list[int]:
    """Keys of leads that have all of these words somewhere, or the number; one query. What is too short finds none."""
    number = words.strip().lstrip("#")
    wanted = Q(pk=int(number)) if number.isdecimal() and int(number) <= LARGEST_ID else Q(pk__in=[])
    if is_enough(words.strip()):
        has_all = Q()
        for word in words.split()[:MOST_WORDS]:
            has_all &= Q(text__icontains=word)
        wanted |= has_all
    return list(LeadSearch.objects.filter(wanted).values_list("pk", flat=True)[:CANDIDATES])


def spelled_alike(words: str) -> list[int]:
    """Keys of leads that have something like these words, the best first; to be asked where `candidates` has none."""
    return [one.pk for one in find_leads(words, limit=MOST_ALIKE) if one.is_near]


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
    FROM leads_lead lead WHERE lead.id = ANY(%s::bigint[])
    ON CONFLICT (lead_id) DO UPDATE SET text = excluded.text
"""


def reindex(lead_ids: Collection[int]) -> None:
    """Let the search box find these leads as they are stored, also by names and addresses of leads that were merged
    into them; one statement.
    """
    if lead_ids:
        with connection.cursor() as cursor:
            cursor.execute(_REINDEX, [arrays.literal(lead_ids)])
