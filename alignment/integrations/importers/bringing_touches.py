"""Rows of activities, tasks and campaign members: touches of leads that are known, or that the mapping adds, and what
sales means to do next with them.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from django.utils.timezone import localdate

from alignment.integrations.importers.facts import Table
from alignment.integrations.importers.finding import leads_of
from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.outcomes import Brought, by_kind, places, rejected, sorted_out, with_owners
from alignment.integrations.importers.reading import Line
from alignment.integrations.importers.rows import Places
from alignment.integrations.importers.touch_rows import TouchArrival, translate
from alignment.integrations.models import ImportProblem
from alignment.lib.emails import email_key_or_blank
from leads import dimensions, following, touches
from leads.causes import Cause
from leads.intake import Received, receive
from leads.milestones import CauseSource
from leads.models.touchpoint import Direction
from leads.touches import Touch


def bring(read: Sequence[Line], mapping: Mapping, actor_id: int | None) -> Brought:
    """Receive these rows, in the caller's transaction; the same statements for any number."""
    here = places()
    cause = Cause(CauseSource.IMPORT, actor_id=actor_id, promise=mapping.promise, route=mapping.route)
    rows, problems = sorted_out(
        read, lambda line, facts: translate(line, facts, mapping, here), Table(read, mapping).facts()
    )
    silent = len(read) - len(rows) - len(problems)
    rows, nobodys = with_owners(rows, mapping)
    problems += nobodys
    leads = [found[0] if found else None for found in leads_of([row.names for row in rows])]
    received = None
    if mapping.unknown_lead == "create":
        leads, received = _added(rows, leads, cause)
    known = [(row, lead_id) for row, lead_id in zip(rows, leads, strict=True) if lead_id is not None]
    problems += [_unknown(row) for row, lead_id in zip(rows, leads, strict=True) if lead_id is None]
    happened = [(row, lead_id) for row, lead_id in known if not row.rule.is_step]
    touched = touches.record(touches=_touches(happened, mapping), cause=cause)
    planned = _plan([(row, lead_id) for row, lead_id in known if row.rule.is_step], here, cause)
    stored = touched.stored + planned
    counts = {"created": touched.stored, "planned": planned, "unchanged": len(known) - stored, "skipped": silent}
    if received:
        counts["leads_created"] = len(received.created)
    return Brought({**counts, **by_kind(problems)}, problems, received=received, touches=touched.leads)


def _added(
    rows: Sequence[TouchArrival], leads: Sequence[int | None], cause: Cause
) -> tuple[list[int | None], Received | None]:
    """The lead of each row, where unknown ones with an address are added; and what came of those."""
    adding = [index for index, row in enumerate(rows) if leads[index] is None and email_key_or_blank(row.draft.email)]
    if not adding:
        return list(leads), None
    drafts = [replace(rows[index].draft, created_at=rows[index].at) for index in adding]
    received = receive(drafts=drafts, cause=cause)
    placed = dict(zip(adding, received.lead_ids, strict=True))
    return [placed.get(index, lead_id) for index, lead_id in enumerate(leads)], received


def _unknown(row: TouchArrival) -> ImportProblem:
    return rejected(row.line, "No lead has the ids or addresses of this row: import the leads first.")


def _touches(known: Sequence[tuple[TouchArrival, int]], mapping: Mapping) -> list[Touch]:
    facets = dimensions.resolve([row.draft for row, _ in known])
    keys = [dimensions.primary_keys(row.draft, facets) for row, _ in known]
    return [
        Touch(
            lead_id=lead_id, at=row.at, kind=row.rule.kind[:40], title=row.title, direction=row.rule.direction,
            channel_id=named["source_id"], campaign_id=named["campaign_id"], is_human=row.rule.is_human,
            is_engaged=row.rule.is_engaged, is_hand_raise=row.rule.is_hand_raise, system=mapping.system,
            actor_id=row.draft.owner_id if row.rule.direction == Direction.OUTBOUND else None,
            external_id=row.external_id,
        )
        for (row, lead_id), named in zip(known, keys, strict=True)
    ]  # fmt: skip


def _plan(open_tasks: Sequence[tuple[TouchArrival, int]], here: Places, cause: Cause) -> int:
    """What is to be done next with leads for which nothing is planned yet: of several tasks the next one that is still
    to come, else the last one that is overdue. Returns for how many leads.
    """
    today = localdate(timezone=here.zone)
    steps: dict[int, tuple[tuple[bool, int], str, date]] = {}
    for row, lead_id in open_tasks:
        on = row.at.astimezone(here.zone).date()
        rank = (on < today, abs((on - today).days))
        if row.title and (lead_id not in steps or rank < steps[lead_id][0]):
            steps[lead_id] = (rank, row.title, on)
    wanted = {lead_id: (title, on) for lead_id, (_, title, on) in steps.items()}
    return len(following.plan_where_nothing_is(steps=wanted, cause=cause).lead_ids)
