"""Which drafts are leads, and companies, that Accord knows already."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, Q, Value

from alignment.lib import batch
from alignment.lib.company_names import company_key
from alignment.lib.emails import company_domain, email_key_or_blank
from alignment.lib.moments import database_now
from leads.drafts import Draft, Reference
from leads.models import Account, ExternalReference, Lead


class OutrunError(Exception):
    """Another transaction was first to give one of these external ids to a lead. It has committed: who asks again finds
    that lead.
    """


def lock_systems(references: Iterable[Reference]) -> None:
    """Let one write a system at a time open deals by external id: two imports of one file open each deal once."""
    systems = sorted({reference.system for reference in references})
    if systems:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtext('accord.intake'), hashtext(system)) "
                "FROM unnest(%s::text[]) AS given(system)",
                [systems],
            )


def known_references(drafts: Sequence[Draft]) -> dict[tuple[str, str], int]:
    """(system, external id) → lead, a merged lead as the one it went into."""
    wanted: dict[str, set[str]] = {}
    for draft in drafts:
        for reference in draft.references:
            wanted.setdefault(reference.system, set()).add(reference.external_id)
    if not wanted:
        return {}
    named = Q()
    for system, ids in wanted.items():
        named |= Q(system=system, external_id__any_of=ids)
    rows = ExternalReference.objects.filter(named, lead__isnull=False, released_at=None).values_list(
        "system", "external_id", "lead_id", "lead__merged_into_id"
    )
    return {(system, external_id): survivor or lead for system, external_id, lead, survivor in rows}


def known_emails(keys: Sequence[str]) -> dict[str, int]:
    """E-mail key → the standing lead that has it, else the one into which a lead with this address was merged."""
    if not keys:
        return {}
    named = Lead.objects.filter(email_key__any_of=set(keys))
    merged = named.filter(merged_into__isnull=False).annotate(lead=F("merged_into_id"), is_own=Value(False))
    standing = named.standing().annotate(lead=F("pk"), is_own=Value(True))
    columns = ("is_own", "email_key", "lead")
    rows = merged.values_list(*columns).union(standing.values_list(*columns), all=True)
    return {key: lead for _, key, lead in sorted(rows)}  # what is its own comes last, and counts


def standing_emails(keys: Sequence[str]) -> dict[str, int]:
    """E-mail key → the standing lead that has it as its own."""
    if not keys:
        return {}
    return dict(Lead.objects.standing().filter(email_key__any_of=set(keys)).values_list("email_key", "pk"))


def match(
    draft: Draft, email_key: str, references: Mapping[tuple[str, str], int], emails: Mapping[str, int]
) -> int | None:
    """The lead that a draft is: by external reference first, then by e-mail; None for nobody we know."""
    by_reference = (references.get((one.system, one.external_id)) for one in draft.references)
    return next(filter(None, by_reference), None) or emails.get(email_key)


def names(drafts: Sequence[Draft]) -> set[tuple[str, ...]]:
    """All by which these drafts, and their deals, can be found: external ids and normalised e-mails."""
    references = (
        one for draft in drafts for one in (*draft.references, *(draft.deal.references if draft.deal else ()))
    )
    keys = (email_key_or_blank(draft.email) for draft in drafts)
    return {(one.system, one.external_id) for one in references} | {(key,) for key in keys if key}


def known(drafts: Sequence[Draft]) -> set[int]:
    """The leads that stand already and that something in these drafts names; two queries."""
    keys = [email_key_or_blank(draft.email) for draft in drafts]
    return {*known_references(drafts).values(), *known_emails([key for key in keys if key]).values()}


@transaction.atomic
def make_accounts(drafts: Sequence[Draft]) -> None:
    """Find the accounts of these drafts ahead of the leads, create those that are new, and let the drafts know: whoever
    brings leads of the same companies then does not wait until these are stored, and who comes first knows nothing of
    the companies of who comes next. What the leads become, the accounts stay.
    """
    found = accounts(drafts, [email_key_or_blank(draft.email) for draft in drafts], database_now())
    for draft, account_id in zip(drafts, found, strict=True):
        draft.account_id, draft.is_account_known = account_id, True


def accounts(drafts: Sequence[Draft], email_keys: Sequence[str], now: datetime) -> list[int | None]:
    """The account of each draft, in order, created where it is new; three statements for any number, none where all are
    known.

    Found by the company's e-mail domain, else by its normalised name: that of an account without a domain, and for a
    draft without a domain that of any. Free mailboxes name no company.
    """
    if all(draft.is_account_known for draft in drafts):
        return [draft.account_id for draft in drafts]
    keys = [
        (company_domain(email), company_key(draft.company_name))
        for draft, email in zip(drafts, email_keys, strict=True)
    ]
    names = {key: draft.company_name for key, draft in zip(keys, drafts, strict=True) if key[1]}
    if not any(domain or name for domain, name in keys):
        return [None] * len(drafts)
    known = _known_accounts(keys)
    missing = {key: text for key, text in names.items() if known.find(*key) is None}
    # Of one company in the same set, some may name the domain and others not.
    domainful = {name for domain, name in missing if domain}
    rows = [
        {"name": text, "name_key": name, "domain": domain, "industry": "", "country": "", "created_at": now}
        for (domain, name), text in sorted(missing.items())
        if domain or name not in domainful
    ]
    if rows:
        batch.insert(Account, rows, conflict="ON CONFLICT DO NOTHING")
        known = _known_accounts(keys)
    return [known.find(*key) for key in keys]


def known_account(draft: Draft, key: str) -> int | None:
    """The account that a draft with this e-mail key would get, if it stands already; one query."""
    names = (company_domain(key), company_key(draft.company_name))
    return _known_accounts([names]).find(*names) if any(names) else None


@dataclass(frozen=True, slots=True)
class _Accounts:
    by_domain: dict[str, int]
    by_name: dict[str, int]
    domainless: dict[str, int]

    def find(self, domain: str, name: str) -> int | None:
        if domain:
            return self.by_domain.get(domain) or self.domainless.get(name)
        return self.by_name.get(name)


def _known_accounts(keys: Sequence[tuple[str, str]]) -> _Accounts:
    domains = {domain for domain, _ in keys if domain}
    names = {name for _, name in keys if name}
    rows = Account.objects.filter(Q(domain__any_of=domains) | Q(name_key__any_of=names)).order_by("-pk")
    known = _Accounts({}, {}, {})
    for pk, domain, name in rows.values_list("pk", "domain", "name_key"):
        known.by_name[name] = pk
        if domain:
            known.by_domain[domain] = pk
        else:
            known.domainless[name] = pk
    return known


def store_references(lead_ids: Sequence[int], drafts: Sequence[Draft], known: Mapping[tuple[str, str], int]) -> None:
    """Remember what other systems call these leads, but for what is `known`.

    Waits for other transactions that write the same ids, in the order of the ids, so never in a ring. Raises
    OutrunError, after which the caller's savepoint must be rolled back, where one of them was first.
    """
    rows = {
        (one.system, one.external_id): {
            "system": one.system, "external_id": one.external_id, "url": one.url, "lead_id": lead_id,
        }
        for lead_id, draft in zip(lead_ids, drafts, strict=True)
        for one in draft.references
        if (one.system, one.external_id) not in known
    }  # fmt: skip
    stored = batch.insert(
        ExternalReference,
        [rows[key] for key in sorted(rows)],
        conflict="ON CONFLICT DO NOTHING",
        returning=("1",),
    )
    if len(stored) < len(rows):
        raise OutrunError


def reference(system: str, external_id: str, url: str = "") -> tuple[Reference, ...]:
    """One reference, or none for a blank id."""
    return (Reference(system, external_id, url),) if external_id else ()
