"""Rows of an export of deals: opportunities are opened or brought up to date, and the leads that carry them move."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alignment.integrations.importers.deal_rows import DealArrival, translate
from alignment.integrations.importers.facts import Table
from alignment.integrations.importers.finding import leads_of
from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.outcomes import (
    Brought,
    by_kind,
    contradicting,
    places,
    refusals,
    rejected,
    sorted_out,
    with_owners,
)
from alignment.integrations.importers.reading import Line
from alignment.integrations.models import ImportProblem, ProblemKind
from leads import lifecycle, matching
from leads.causes import Cause
from leads.deals import buying_groups, deals
from leads.decisions import Step
from leads.drafts import DealDraft
from leads.intake import Received
from leads.milestones import CauseSource
from leads.models import Journey, Lead, OpportunityContact


@dataclass(frozen=True, slots=True)
class _Deal:
    """A row with the deal that it is, the lead that carries it (None: nobody known does), and the others around it."""

    pk: int
    row: DealArrival
    primary_id: int | None
    others: tuple[int, ...]


def bring(read: Sequence[Line], mapping: Mapping, actor_id: int | None) -> Brought:
    """Receive these rows, in the caller's transaction; the same statements for any number.

    What the file says of a deal counts: it is the truth of the other system. A deal that a lead carries moves it; of a
    lead with several deals the first moves it, and the others stand beside.
    """
    here = places()
    cause = Cause(CauseSource.IMPORT, actor_id=actor_id, promise=mapping.promise, route=mapping.route)
    rows, problems = sorted_out(
        read, lambda line, facts: translate(line, facts, mapping, here), Table(read, mapping).facts()
    )
    rows, more = with_owners(_newest(rows, problems), mapping)
    named = leads_of([row.names for row in rows])
    if mapping.unknown_lead == "reject":
        more += [_unknown(row) for row, leads in zip(rows, named, strict=True) if not leads]
        rows, named = _with_leads(rows, named)
    matching.lock_systems(one for row in rows for one in row.draft.references)
    deals.lock_around(
        references=[one for row in rows for one in row.draft.references],
        lead_ids=[lead_id for leads in named for lead_id in leads],
    )
    drafts = _drafts(rows, named)
    keys, opened = deals.find_or_open(drafts=drafts, cause=cause)
    changed = deals.amend(
        drafts={pk: draft for pk, draft in zip(keys, drafts, strict=True) if pk not in opened}, cause=cause
    )
    found = _around(keys, rows, named)
    buying_groups.introduce(contacts=_contacts(found))
    moved = lifecycle.move(steps=_steps(found), cause=cause)
    settled = deals.settle(verdicts={each.pk: each.row.verdict for each in found}, cause=cause)
    numbers = {each.primary_id: each.row.line.number for each in reversed(found) if each.primary_id}
    problems += more + refusals(moved.refused, numbers) + contradicting(moved.lead_ids, numbers)
    carried = {each.pk for each in found if each.primary_id in set(moved.lead_ids)}
    updated = (changed | settled | carried) - opened
    counts = {
        "created": len(opened),
        "updated": len(updated),
        "unchanged": len({each.pk for each in found} - updated - opened),
        "moves": len(moved.taken),
        "deals_opened": len(opened),
    }
    received = Received(tuple(moved.lead_ids), frozenset(), {}, {}, opened, moved)
    return Brought({**counts, **by_kind(problems)}, problems, received=received)


def _newest(rows: Sequence[DealArrival], problems: list[ImportProblem]) -> list[DealArrival]:
    """One row for each deal: of several (a history) the last one counts, and the others are remarked."""
    last = {row.key: row for row in rows}
    problems += [
        ImportProblem(
            kind=ProblemKind.REMARK,
            line=row.line.number,
            message=f"Row {last[row.key].line.number} is the same deal, and counts.",
        )
        for row in rows
        if last[row.key] is not row
    ]
    return list(last.values())


def _unknown(row: DealArrival) -> ImportProblem:
    return rejected(
        row.line, "No lead has the ids or addresses of this deal, and the mapping takes no deal without one."
    )


def _with_leads(rows: Sequence[DealArrival], named: Sequence[list[int]]) -> tuple[list[DealArrival], list[list[int]]]:
    kept = [(row, leads) for row, leads in zip(rows, named, strict=True) if leads]
    return [row for row, _ in kept], [leads for _, leads in kept]


def _drafts(rows: Sequence[DealArrival], named: Sequence[list[int]]) -> list[DealDraft]:
    """The deals to open: each with its first lead, and the account of that lead, else of the company named."""
    first = {leads[0] for leads in named if leads}
    accounts = dict(Lead.objects.filter(pk__any_of=first).values_list("pk", "account_id"))
    companies = matching.accounts([row.company for row in rows], [""] * len(rows), lifecycle.database_now())
    return [
        replace(
            row.draft,
            lead_id=leads[0] if leads else None,
            account_id=(accounts.get(leads[0]) if leads else None) or company,
        )
        for row, leads, company in zip(rows, named, companies, strict=True)
    ]


def _around(keys: Sequence[int], rows: Sequence[DealArrival], named: Sequence[list[int]]) -> list[_Deal]:
    """The deals with those around them: whoever carries one already goes on carrying it."""
    primary = dict(
        OpportunityContact.objects.filter(opportunity_id__any_of=keys, is_primary=True).values_list(
            "opportunity_id", "lead_id"
        )
    )
    found = []
    for pk, row, leads in zip(keys, rows, named, strict=True):
        carrier = primary.get(pk) or (leads[0] if leads else None)
        found.append(_Deal(pk, row, carrier, tuple(each for each in leads if each != carrier)))
    return found


def _contacts(found: Sequence[_Deal]) -> list[OpportunityContact]:
    carriers = [(each.pk, each.primary_id, True) for each in found if each.primary_id]
    others = [(each.pk, lead_id, False) for each in found for lead_id in each.others]
    return [
        OpportunityContact(opportunity_id=pk, lead_id=lead_id, role="", is_primary=is_primary)
        for pk, lead_id, is_primary in carriers + others
    ]


def _steps(found: Sequence[_Deal]) -> list[Step]:
    """The moves of the leads that carry deals; a lead that is on its way with another deal is not moved by this one."""
    leads = {each.primary_id for each in found if each.primary_id}
    carried: dict[int, set[int]] = {}
    for lead_id, deal_id in Journey.objects.filter(lead_id__any_of=leads, opportunity__isnull=False).values_list(
        "lead_id", "opportunity_id"
    ):
        carried.setdefault(lead_id, set()).add(deal_id)
    return [
        replace(step, lead_id=each.primary_id, opportunity_id=each.pk)
        for each in sorted(found, key=_begins)
        if each.primary_id and each.pk in carried.setdefault(each.primary_id, {each.pk})
        for step in each.row.steps
    ]


def _begins(each: _Deal) -> tuple[bool, float]:
    """Deals in the order in which they were opened; those without a date last."""
    at = each.row.draft.opened_at
    return at is None, at.timestamp() if at else 0.0
