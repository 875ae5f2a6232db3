"""Taking a merge back, for 24 hours: the leads stand again, with their passes, and the survivor is what it was."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from alignment.lib import batch
from leads import lifecycle, matching
from leads.causes import Cause
from leads.decisions import UNDO_WITHIN, Step
from leads.hygiene.marking import mark
from leads.merging import lock as merge_lock
from leads.merging.merging import hand_over, write_facts
from leads.merging.survivorship import COLUMNS, FIELDS
from leads.milestones import Kind, Milestone
from leads.models import Lead, Merge, MergedLead, OpportunityContact
from leads.searching import reindex
from leads.signals import leads_unmerged


@dataclass(frozen=True, slots=True)
class Unmerged:
    """What was taken back. `kept` are the survivor's columns that somebody has changed since, and that stay."""

    cause: Cause
    recorded_at: datetime
    merge_id: int
    survivor_id: int
    lead_ids: tuple[int, ...]
    kept: tuple[str, ...]


class NotUndoneError(Exception):
    """A merge that cannot be taken back; the sentence says why. `lead_id` is what stands in the way, if a lead does."""

    def __init__(self, sentence: str, lead_id: int | None = None) -> None:
        super().__init__(sentence)
        self.lead_id = lead_id


def undo_until(merge: Merge) -> datetime:
    """Until when the merge can be taken back."""
    return merge.at + UNDO_WITHIN


@transaction.atomic
def unmerge(*, merge_id: int, cause: Cause) -> Unmerged:
    """Take a merge back; the same statements however many leads it merged. Raises NotUndoneError."""
    merge_lock.while_merging()
    now = lifecycle.database_now()
    merge = Merge.objects.select_for_update(of=("self",)).get(pk=merge_id)
    parts = list(MergedLead.objects.filter(merge=merge).order_by("lead_id"))
    leads = _lock([merge.survivor_id, *(part.lead_id for part in parts)])
    survivor = leads[merge.survivor_id]
    _require_undoable(merge, survivor, now)
    back, kept = _restored(merge, survivor)
    _require_free([leads[part.lead_id] for part in parts if part.was_in_id is None], survivor | back)
    if back:
        write_facts({merge.survivor_id: {name: survivor[name] for name in COLUMNS} | back})
    batch.update(Lead, [{"id": part.lead_id, "merged_into_id": part.was_in_id} for part in parts])
    steps = [Step(part.lead_id, Kind.UNDO, transition_id=part.move_id) for part in parts if part.move_id]
    if steps:
        lifecycle.move(steps=steps, cause=cause)
    if "owner_id" in back:
        hand_over({merge.survivor_id: back["owner_id"]}, cause)
    OpportunityContact.objects.filter(pk__in=merge.contact_ids, is_primary=False).delete()
    standing = [part.lead_id for part in parts if part.was_in_id is None]
    reindex([merge.survivor_id, *standing])
    mark([merge.survivor_id, *standing])
    Merge.objects.filter(pk=merge.pk).update(undone_at=now, undone_by=cause.actor_id)
    unmerged = Unmerged(cause, now, merge.pk, merge.survivor_id, tuple(standing), tuple(sorted(kept)))
    leads_unmerged.send(sender=unmerge, batch=unmerged)
    return unmerged


def _lock(lead_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    rows = Lead.objects.filter(pk__any_of=lead_ids).order_by("pk").select_for_update(no_key=True)
    standing = ("merged_into_id", "withdrawn_at", "milestone", "outcome", "moved_at")
    return {row["pk"]: row for row in rows.values("pk", *standing, *COLUMNS)}


def _require_undoable(merge: Merge, survivor: Mapping[str, Any], now: datetime) -> None:
    if merge.undone_at:
        raise NotUndoneError("This merge was undone already.")
    if now > undo_until(merge):
        raise NotUndoneError("A merge can be undone for 24 hours.")
    if survivor["merged_into_id"]:
        into = survivor["merged_into_id"]
        raise NotUndoneError(f"The lead that was kept has gone into lead {into} since: undo that merge first.", into)


def _restored(merge: Merge, survivor: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """The columns that go back to what they were, and those that were changed since; an address, like a company, goes
    back as a whole or not at all. A lead that sales has got since is not put into nobody's hands.
    """
    changed = {name for name, (_, after) in merge.changes.items() if survivor[name] != after}
    if survivor["milestone"] >= Milestone.MQL and not survivor["outcome"] and survivor["moved_at"] >= merge.at:
        changed |= {name for name, (before, _) in merge.changes.items() if name == "owner_id" and before is None}
    for columns in FIELDS.values():
        if changed.intersection(columns):
            changed.update(merge.changes.keys() & set(columns))
    return {name: before for name, (before, _) in merge.changes.items() if name not in changed}, changed


def _require_free(losers: Sequence[Mapping[str, Any]], survivor: Mapping[str, Any]) -> None:
    """Nobody else may have got the address of a lead that is to stand again."""
    keys = {row["email_key"]: row for row in losers if row["email_key"]}
    taken = {key: pk for key, pk in matching.standing_emails(list(keys)).items() if pk != survivor["pk"]}
    if survivor["email_key"] in keys:
        taken[survivor["email_key"]] = survivor["pk"]
    for key, pk in taken.items():
        name = keys[key]["name"] or key
        raise NotUndoneError(f"{name} cannot come back: lead {pk} has got the address {key} since.", pk)
