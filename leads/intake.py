"""Leads come in: matched, stored, touched and moved in sets. Page, API, import and forms all call `receive`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from alignment.lib import batch
from leads import dimensions, lifecycle, matching
from leads.causes import Cause
from leads.decisions import Step
from leads.drafts import Draft
from leads.holders import Assignment, hold
from leads.milestones import CauseSource, Kind, Milestone, QualifiedBy
from leads.models import ExternalReference, Lead, LeadSearch
from leads.stages import Stages
from leads.touches import Touch, record

TEXTS = ("name", "email", "phone", "title", "seniority", "company_name", "product_interest")
FACETS = ("source", "campaign", "segment", "territory")


@dataclass(frozen=True, slots=True)
class Received:
    """What came of each draft, in the order given: the lead it is now; and which leads are new or changed."""

    lead_ids: tuple[int, ...]
    created: frozenset[int]
    updated: frozenset[int]
    moved: lifecycle.Moved


@transaction.atomic
def receive(*, drafts: Sequence[Draft], cause: Cause, overwrite: bool = False) -> Received:
    """Store these leads; the same statements for one and for fifty thousand.

    A draft joins the lead that one of its external references names, else the one with the same normalised e-mail;
    otherwise it becomes a new lead. Joining fills what was blank, and replaces what was filled only with `overwrite`.
    Receiving the same drafts twice changes nothing.
    """
    now = lifecycle.database_now()
    matching.lock_references(drafts)
    known = matching.find(drafts)
    facets = dimensions.resolve(drafts)
    accounts = matching.accounts(drafts, now)
    lead_ids, created = _create(drafts, known, facets, accounts, now)
    updated = _join(drafts, lead_ids, created, facets, accounts, overwrite)
    _name(drafts, lead_ids, created | updated)
    _refer(drafts, lead_ids)
    hold(
        assignments=[
            Assignment(lead_id, draft.owner_id, draft.owned_at)
            for lead_id, draft in zip(lead_ids, drafts, strict=True)
            if draft.owner_id
        ],
        cause=cause,
    )
    _touch(drafts, lead_ids, facets, cause, now)
    moved = lifecycle.move(steps=_steps(drafts, lead_ids, created, cause), cause=cause)
    return Received(lead_ids, frozenset(created), frozenset(updated), moved)
