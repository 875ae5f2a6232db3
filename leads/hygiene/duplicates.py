"""Who may be known already: by the same mailbox or phone number, or by a name that is alike in the same company.

One statement answers for any number of leads. It reads who shares a key with them (mailbox, phone number, name and
company, account and part of the name), at most `MOST` leads of each on either side: its cost follows the leads that are
asked about, never the square of all.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from alignment.lib import batch
from alignment.lib.company_names import companies_alike, company_key, first_word
from alignment.lib.emails import email_key_or_blank, mailbox_key
from alignment.lib.person_names import is_whole, names_alike, person_key
from alignment.lib.phones import phone_key
from alignment.people.models import Company
from leads import lifecycle, matching
from leads.drafts import Draft
from leads.hygiene.evidence import Evidence
from leads.hygiene.marking import undecided
from leads.models import DuplicatePair, Lead

MOST = 25
"""So many leads on each side, by their keys, are compared of those that share one value: a lead never has hundreds of
candidates, and those of a long chain (an agency's phone number) still hang together.
"""

MOST_PAIRS = 10
"""So many pairs of one lead are kept for somebody to decide, the likeliest."""

SHARED_KEYS = ("mailbox", "phone", "name_block", "first_block", "last_block")
"""Columns of `LeadKeys`: who shares none of them is not compared."""

NEW = 2**62
"""The key of a lead that is not stored: it comes after all."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The keys of a lead, stored (`lead_id`) or not yet (`NEW`)."""

    no: int
    lead_id: int = NEW
    mailbox: str = ""
    phone: str = ""
    person: str = ""
    company: str = ""
    name_block: str = ""
    first_block: str = ""
    last_block: str = ""
    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A lead that may be the one of the probe."""

    no: int
    lead_id: int
    evidence: Evidence


def _near(key: str, order: str) -> str:
    """The leads with this key that come next to the probe, read from the index of (key, lead).

    The key is asked for as a range: of `key = …` the planner, where it knows little of the table, reads all leads in
    the order of their primary keys instead.
    """
    beyond, within = (">", "<=") if order == "ASC" else ("<", ">=")
    return (
        f"SELECT probe.no, near.lead_id FROM probe CROSS JOIN LATERAL (SELECT lead_id FROM leads_leadkeys keys "
        f"WHERE (keys.{key}, keys.lead_id) {beyond} (probe.{key}, probe.lead_id) AND keys.{key} {within} probe.{key} "
        f"AND keys.{key} <> '' ORDER BY keys.{key} {order}, keys.lead_id {order} LIMIT {MOST}) near "
        f"WHERE probe.{key} <> ''"
    )


_FIND = f"""
    WITH probe AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%s::json) AS given(
            no int, lead_id bigint, mailbox text, phone text, name_block text, first_block text, last_block text
        )
    ), found AS (
        {" UNION ".join(_near(key, order) for key in SHARED_KEYS for order in ("ASC", "DESC"))}
    )
    SELECT found.no, found.lead_id, keys.mailbox, keys.phone, keys.person, keys.company, lead.account_id
    FROM found
    CROSS JOIN LATERAL (SELECT * FROM leads_leadkeys keys WHERE keys.lead_id = found.lead_id LIMIT 1) keys
    CROSS JOIN LATERAL (
        SELECT account_id FROM leads_lead WHERE id = found.lead_id AND merged_into_id IS NULL AND withdrawn_at IS NULL
        LIMIT 1
    ) lead
"""
# Each lead found is looked up by its key (the limits say so): joined, the planner read all leads for each of them where
# it did not know how many stand.


def find(probes: Sequence[Probe]) -> list[Found]:
    """Who may be the leads of these probes; one statement."""
    if not probes:
        return []
    asked = ("no", "lead_id", *SHARED_KEYS)
    rows = [{name: getattr(probe, name) for name in asked} for probe in probes]
    of = {probe.no: probe for probe in probes}
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [batch.to_json(rows)])
        found = [Found(no, lead_id, _compared(of[no], *keys)) for no, lead_id, *keys in cursor.fetchall()]
    return [each for each in found if each.evidence.is_likely]


def _compared(probe: Probe, mailbox: str, phone: str, person: str, company: str, account_id: int | None) -> Evidence:
    return Evidence(
        same_mailbox=bool(mailbox) and mailbox == probe.mailbox,
        same_phone=bool(phone) and phone == probe.phone,
        same_account=account_id is not None and account_id == probe.account_id,
        names_alike=names_alike(probe.person, person),
        companies_alike=companies_alike(probe.company, company),
    )


def of_draft(draft: Draft) -> list[tuple[Lead, Evidence]]:
    """Who may be the person of a draft, the likeliest first; four queries, and nothing is written."""
    key = email_key_or_blank(draft.email)
    account_id = matching.known_account(draft, key)
    names = {
        "email_key": key, "phone": draft.phone, "name": draft.name, "company_name": draft.company_name,
        "account_id": account_id,
    }  # fmt: skip
    probe = Probe(0, NEW, account_id=account_id, **keys_of(names, Company.get().phone_region))
    found = {each.lead_id: each.evidence for each in find([probe])}
    leads = Lead.objects.standing().filter(pk__in=found).select_related("stage", "owner")
    told = [(lead, found[lead.pk]) for lead in leads]
    return sorted(told, key=lambda pair: (_rank(pair[1]), pair[0].pk))


def _rank(evidence: Evidence) -> tuple[bool, int]:
    """The likeliest first."""
    return not evidence.is_exact, -evidence.score


# Pairs --------------------------------------------------------------------------------------------------------


def renew(probes: Sequence[Probe]) -> int:
    """Find the pairs of these stored leads again; dismissed ones stay dismissed. Returns how many pairs there are."""
    undecided([probe.lead_id for probe in probes]).delete()
    of = {probe.no: probe.lead_id for probe in probes}
    pairs: dict[tuple[int, int], Evidence] = {}
    shown: Counter[int] = Counter()
    for each in sorted(find(probes), key=lambda found: (_rank(found.evidence), abs(found.lead_id - of[found.no]))):
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


BLOCK_LETTERS = 4
"""People of one account are compared where the first or the last part of their names begins alike."""

Names = Mapping[str, Any]
"""The columns of a lead that make its keys."""


def keys_of(row: Names, region: str) -> dict[str, str]:
    """The keys of a lead with these columns, by column of `LeadKeys`."""
    person, company = person_key(row["name"]), company_key(row["company_name"])
    parts = person.split() if is_whole(person) else []
    account, word = row["account_id"], first_word(company)
    return {
        "mailbox": mailbox_key(row["email_key"]),
        "phone": phone_key(row["phone"], region) if row["phone"] else "",
        "person": person,
        "company": company,
        "name_block": f"{person}|{word}" if parts and word else "",
        "first_block": f"{account}|{parts[0][:BLOCK_LETTERS]}" if parts and account else "",
        "last_block": f"{account}|{parts[-1][:BLOCK_LETTERS]}" if parts and account else "",
    }
