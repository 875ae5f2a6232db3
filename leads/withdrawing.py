"""Taking back leads that should never have come in: their rows stay, and they leave every list and figure.

A withdrawn lead is a tombstone. Its moves, touches and holders stay as they were; its last move says that it was
taken back, its journeys go, its clocks are cancelled, and its address and external ids are free for another lead.
"""

from collections.abc import Collection

from django.db import connection

_FACTS = (
    "name", "email", "phone", "title", "seniority", "company_name", "product_interest", "consent", "do_not_contact",
    "attributes", "source_id", "campaign_id", "segment_id", "territory_id", "account_id", "owner_id",
)  # fmt: skip


def fingerprints(lead_ids: Collection[int]) -> dict[int, str]:
    """Lead → a digest of its facts and its owner, which differs once somebody has changed one of them. One query."""
    if not lead_ids:
        return {}
    facts = ", ".join(f"lead.{name}" for name in _FACTS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT lead.id, md5(ROW({facts})::text) FROM leads_lead lead WHERE lead.id = ANY(%s)", [list(lead_ids)]
        )
        return dict(cursor.fetchall())
