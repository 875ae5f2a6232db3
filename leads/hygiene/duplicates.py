"""Who may be known already: by the same mailbox or phone number, or by a name that is alike in the same company.

One statement answers for any number of leads. It reads what shares a key with them (mailbox, phone number, name,
account), at most `MOST` leads of each: its cost follows the leads that are asked about, never the square of all.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from alignment.lib import batch
from alignment.lib.company_names import company_key
from alignment.lib.emails import email_key_or_blank, mailbox_key
from alignment.lib.person_names import person_key
from alignment.lib.phones import phone_key
from alignment.people.models import Company
from leads import lifecycle, matching
from leads.drafts import Draft
from leads.hygiene.evidence import COMPANIES_ALIKE, NAMES_ALIKE, Evidence
from leads.hygiene.marking import undecided
from leads.models import DuplicatePair, Lead

MOST, MOST_OF_ACCOUNT = 50, 200
"""So many leads that share one key are compared; a key of more (an agency's phone number) says little."""

MOST_PAIRS = 10
"""So many pairs of one lead are shown for somebody to decide, the likeliest."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The keys of a lead, stored (`lead_id`) or not yet (0)."""

    no: int
    lead_id: int = 0
    mailbox: str = ""
    phone: str = ""
    person: str = ""
    company: str = ""
    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A lead that may be the one of the probe."""

    no: int
    lead_id: int
    evidence: Evidence


_FIND = f"""
    WITH probe AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%s::json) AS given(
            no int, lead_id bigint, mailbox text, phone text, person text, company text, account_id bigint
        )
    ), found AS (
        SELECT probe.no, same.lead_id FROM probe CROSS JOIN LATERAL (
            SELECT lead_id FROM leads_leadkeys WHERE mailbox = probe.mailbox AND mailbox <> '' LIMIT {MOST}
        ) same
        UNION
        SELECT probe.no, same.lead_id FROM probe CROSS JOIN LATERAL (
            SELECT lead_id FROM leads_leadkeys WHERE phone = probe.phone AND phone <> '' LIMIT {MOST}
        ) same
        UNION
        SELECT probe.no, same.lead_id FROM probe CROSS JOIN LATERAL (
            SELECT lead_id, company FROM leads_leadkeys WHERE person = probe.person AND person <> '' LIMIT {MOST}
        ) same
        WHERE similarity(same.company, probe.company) >= {COMPANIES_ALIKE}
        UNION
        SELECT probe.no, same.lead_id FROM probe CROSS JOIN LATERAL (
            SELECT id AS lead_id FROM leads_lead WHERE account_id = probe.account_id LIMIT {MOST_OF_ACCOUNT}
        ) same JOIN leads_leadkeys keys ON keys.lead_id = same.lead_id
        WHERE probe.person <> '' AND similarity(keys.person, probe.person) >= {NAMES_ALIKE}
    )
    SELECT found.no, found.lead_id,
        probe.mailbox <> '' AND keys.mailbox = probe.mailbox,
        probe.phone <> '' AND keys.phone = probe.phone,
        probe.account_id IS NOT NULL AND coalesce(lead.account_id = probe.account_id, false),
        CASE WHEN probe.person <> '' AND keys.person <> '' THEN similarity(keys.person, probe.person) END,
        CASE WHEN probe.company <> '' AND keys.company <> '' THEN similarity(keys.company, probe.company) END
    FROM found
    JOIN probe ON probe.no = found.no
    JOIN leads_leadkeys keys ON keys.lead_id = found.lead_id
    JOIN leads_lead lead ON lead.id = found.lead_id AND lead.merged_into_id IS NULL AND lead.withdrawn_at IS NULL
    WHERE found.lead_id <> probe.lead_id
"""


def find(probes: Sequence[Probe]) -> list[Found]:
    """Who may be the leads of these probes; one statement."""
    if not probes:
        return []
    rows = [{name: getattr(probe, name) for name in Probe.__slots__} for probe in probes]
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [batch.to_json(rows)])
        found = [Found(no, lead_id, Evidence(*evidence)) for no, lead_id, *evidence in cursor.fetchall()]
    return [each for each in found if each.evidence.is_likely]


def of_draft(draft: Draft) -> list[tuple[Lead, Evidence]]:
    """Who may be the person of a draft, the likeliest first; four queries, and nothing is written."""
    key = email_key_or_blank(draft.email)
    probe = Probe(
        no=0,
        mailbox=mailbox_key(key),
        phone=phone_key(draft.phone, Company.get().phone_region),
        person=person_key(draft.name),
        company=company_key(draft.company_name),
        account_id=matching.known_account(draft, key),
    )
    found = {each.lead_id: each.evidence for each in find([probe])}
    leads = Lead.objects.standing().filter(pk__in=found).select_related("stage", "owner")
    told = [(lead, found[lead.pk]) for lead in leads]
    return sorted(told, key=lambda pair: (_rank(pair[1]), pair[0].pk))


def _rank(evidence: Evidence) -> tuple[bool, float]:
    """The likeliest first."""
    return not evidence.is_exact, -(evidence.names_alike or 0)


# Pairs --------------------------------------------------------------------------------------------------------


def renew(probes: Sequence[Probe]) -> int:
    """Find the pairs of these stored leads again; dismissed ones stay dismissed. Returns how many pairs there are."""
    undecided([probe.lead_id for probe in probes]).delete()
    of = {probe.no: probe.lead_id for probe in probes}
    pairs: dict[tuple[int, int], Evidence] = {}
    shown: Counter[int] = Counter()
    for each in sorted(find(probes), key=lambda found: (_rank(found.evidence), found.lead_id)):
        first, second = sorted((of[each.no], each.lead_id))
        if shown[each.no] < MOST_PAIRS:
            pairs[first, second] = each.evidence
            shown[each.no] += 1
    now = lifecycle.database_now()
    rows = [_row(*pair, evidence) | {"found_at": now} for pair, evidence in sorted(pairs.items())]
    batch.insert(DuplicatePair, rows, conflict="ON CONFLICT (first_id, second_id) DO NOTHING")
    return len(rows)


def _row(first: int, second: int, evidence: Evidence) -> batch.Row:
    return {
        "first_id": first,
        "second_id": second,
        "is_exact": evidence.is_exact,
        "same_mailbox": evidence.same_mailbox,
        "same_phone": evidence.same_phone,
        "same_account": evidence.same_account,
        "names_alike": evidence.names_alike or 0,
        "companies_alike": evidence.companies_alike or 0,
    }


def evidence_of(pair: DuplicatePair) -> Evidence:
    """What a stored pair has in common."""
    return Evidence(
        pair.same_mailbox, pair.same_phone, pair.same_account, pair.names_alike or None, pair.companies_alike or None
    )


def to_decide(*, exact: bool | None = None) -> QuerySet[DuplicatePair]:
    """The pairs that nobody has decided, the newest first; only the exact ones, or only the others."""
    pairs = DuplicatePair.objects.filter(dismissed_at=None).order_by("-id")
    return pairs if exact is None else pairs.filter(is_exact=exact)


def around(lead_id: int) -> list[tuple[Lead, DuplicatePair]]:
    """The leads that may be the same as this one, each with the pair that says so; one query."""
    named = to_decide().filter(Q(first=lead_id) | Q(second=lead_id)).select_related("first__stage", "second__stage")
    pairs = named.order_by("-is_exact", "id")
    return [(pair.second if pair.first_id == lead_id else pair.first, pair) for pair in pairs]


@transaction.atomic
def dismiss(*, pairs: Collection[tuple[int, int]], by_id: int | None) -> int:
    """Say of these pairs of leads that they are two people; it is remembered. Returns how many that is news for."""
    now = lifecycle.database_now()
    rows = [
        _row(min(pair), max(pair), Evidence()) | {"found_at": now, "dismissed_at": now, "dismissed_by_id": by_id}
        for pair in sorted({(min(pair), max(pair)) for pair in pairs})
    ]
    written = batch.insert(
        DuplicatePair,
        rows,
        conflict="ON CONFLICT (first_id, second_id) DO UPDATE SET dismissed_at = excluded.dismissed_at, "
        "dismissed_by_id = excluded.dismissed_by_id WHERE leads_duplicatepair.dismissed_at IS NULL",
        returning=("id",),
    )
    return len(written)


def components(pairs: Collection[tuple[int, int]]) -> list[set[int]]:
    """The leads of these pairs in groups: two that are in a chain of pairs are in one group."""
    group: dict[int, set[int]] = {}
    for one, other in pairs:
        joined = group.get(one, {one}) | group.get(other, {other})
        for lead_id in joined:
            group[lead_id] = joined
    return [set(ids) for ids in sorted({tuple(sorted(ids)) for ids in group.values()})]


Names = Mapping[str, Any]
"""The columns of a lead that make its keys."""


def keys_of(row: Names, region: str) -> dict[str, str]:
    """The keys of a lead with these columns."""
    return {
        "mailbox": mailbox_key(row["email_key"]),
        "phone": phone_key(row["phone"], region) if row["phone"] else "",
        "person": person_key(row["name"]),
        "company": company_key(row["company_name"]),
    }
