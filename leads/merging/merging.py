"""Merging: one or many leads go into a survivor, and no history moves.

The loser becomes a tombstone (`merged_into`) and its open pass ends as merged; its rows stay where they are, and the
survivor's timeline reads them. So a merge is undone by clearing pointers (`leads.merging.unmerging`). Chains are kept
flat: a tombstone always points to a lead that stands.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from alignment.lib import batch
from leads import holders, lifecycle
from leads.causes import Cause
from leads.decisions import Step
from leads.holders import Assignment
from leads.hygiene.marking import forget, mark
from leads.merging import lock as merge_lock
from leads.merging import survivorship
from leads.merging.rules import Code, Merging, Refusal, Standing, by_rank, why_not
from leads.milestones import Kind, Milestone
from leads.models import Journey, Lead, LeadSearch, Merge, MergedLead
from leads.models.opportunity import DealState
from leads.searching import reindex
from leads.signals import leads_merged

__all__ = ["Code", "Merged", "Merging", "Refusal", "keeper", "merge", "merge_all", "ranked"]


@dataclass(frozen=True, slots=True)
class Merged:
    """What a call did: survivor → the leads that went into it, and the key of the merge; and what was refused."""

    cause: Cause
    recorded_at: datetime
    losers: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    keys: Mapping[int, int] = field(default_factory=dict)
    refused: tuple[Refusal, ...] = ()

    @property
    def lead_ids(self) -> list[int]:
        """All leads that changed, in ascending order."""
        return sorted({*self.losers, *(pk for losers in self.losers.values() for pk in losers)})


def merge(
    *,
    survivor_id: int,
    loser_ids: Iterable[int],
    cause: Cause,
    choices: Mapping[str, int] | None = None,
    note: str = "",
) -> Merged:
    """Merge leads into `survivor_id`. `choices` names, for fields of `survivorship.FIELDS`, the lead whose value
    counts; the other fields stay the survivor's, filled in where they were blank.

    Look at `refused`: nothing was merged if it is not empty. `keeper` says which lead to keep. Call it before the
    transaction locks any lead.
    """
    given = Merging(survivor_id, tuple(dict.fromkeys(loser_ids)), choices or {}, note)
    return merge_all(mergings=[given], cause=cause)


@transaction.atomic
def merge_all(*, mergings: Sequence[Merging], cause: Cause) -> Merged:
    """The same for any number of merges, by the same statements. One that is refused does not stop the others."""
    merge_lock.while_merging()
    now = lifecycle.database_now()
    named = {pk for each in mergings for pk in each.lead_ids}
    tombstones = _tombstones(named)
    facts = _lock({*named, *tombstones})
    standings = {each.lead_id: each for each in _standings(facts)}
    accepted, refused = _sorted_out(mergings, standings)
    merged = Merged(
        cause=cause,
        recorded_at=now,
        losers={each.survivor_id: each.loser_ids for each in accepted},
        keys=_write(accepted, facts, tombstones, cause, now) if accepted else {},
        refused=tuple(refused),
    )
    if accepted:
        leads_merged.send(sender=merge_all, batch=merged)
    return merged


def ranked(lead_ids: Iterable[int]) -> list[int]:
    """These leads, the one to keep first; two queries. Merged and withdrawn ones are left out."""
    facts = {row["pk"]: row for row in Lead.objects.standing().filter(pk__any_of=set(lead_ids)).values("pk", *_READ)}
    return [each.lead_id for each in by_rank(_standings(facts))]


def keeper(lead_ids: Iterable[int]) -> int:
    """The lead to keep of these: the one that carries a deal, is under way, further, waits or is known longest.

    Raises ValueError where none of them stands.
    """
    found = ranked(lead_ids)
    if not found:
        raise ValueError("None of these leads stands.")
    return found[0]


# Reading ------------------------------------------------------------------------------------------------------

_READ = (*survivorship.COLUMNS, "milestone", "outcome", "created_at", "merged_into_id", "withdrawn_at")

Facts = dict[int, dict[str, Any]]
"""Lead → its columns."""


def _tombstones(lead_ids: Iterable[int]) -> dict[int, int]:
    """The leads that were merged into these, each with the one that it is in."""
    found = Lead.objects.filter(merged_into_id__any_of=set(lead_ids))
    return dict(found.values_list("pk", "merged_into_id"))


def _lock(lead_ids: Iterable[int]) -> Facts:
    rows = Lead.objects.filter(pk__any_of=set(lead_ids)).order_by("pk").select_for_update(no_key=True)
    return {row["pk"]: row for row in rows.values("pk", *_READ)}


def _standings(facts: Facts) -> list[Standing]:
    passes = {
        lead_id: (handed_at, deal if carries and state == DealState.OPEN else "")
        for lead_id, handed_at, deal, state, carries in Journey.objects.filter(
            lead_id__any_of=facts, outcome=""
        ).values_list("lead_id", "mql_at", "opportunity__name", "opportunity__state", "is_primary")
    }
    return [_standing(pk, row, *passes.get(pk, (None, ""))) for pk, row in facts.items()]


def _standing(pk: int, row: Mapping[str, Any], handed_at: datetime | None, deal: str) -> Standing:
    return Standing(
        lead_id=pk,
        name=row["name"] or row["email"] or f"Lead {pk}",
        milestone=Milestone(row["milestone"]),
        is_open=not row["outcome"],
        created_at=row["created_at"],
        handed_at=handed_at,
        deal=deal or "",
        merged_into_id=row["merged_into_id"],
        is_withdrawn=row["withdrawn_at"] is not None,
    )


def _sorted_out(mergings: Sequence[Merging], standings: Mapping[int, Standing]) -> tuple[list[Merging], list[Refusal]]:
    """The mergings that may be done, and the refusals of the others. A lead is in one merge of a call."""
    accepted: list[Merging] = []
    refused: list[Refusal] = []
    taken: set[int] = set()
    for each in mergings:
        refusal = why_not(each, standings) or _twice(each, taken)
        if refusal:
            refused.append(refusal)
        else:
            accepted.append(each)
            taken.update(each.lead_ids)
    return accepted, refused


def _twice(merging: Merging, taken: set[int]) -> Refusal | None:
    for lead_id in merging.lead_ids:
        if lead_id in taken:
            sentence = f"Lead {lead_id} is in another merge of the same call."
            return Refusal(merging.survivor_id, lead_id, Code.TWICE, sentence)
    return None


# Writing ------------------------------------------------------------------------------------------------------


def _write(
    accepted: Sequence[Merging], facts: Facts, tombstones: Mapping[int, int], cause: Cause, now: datetime
) -> dict[int, int]:
    """Survivor → the key of its merge."""
    into = {loser_id: each.survivor_id for each in accepted for loser_id in each.loser_ids}
    carried = {pk: was_in for pk, was_in in tombstones.items() if was_in in into}
    moves = _close(into, facts, cause)
    # Before the survivors change: an address is free once its lead is a tombstone.
    pointers = into | {pk: into[was_in] for pk, was_in in carried.items()}
    batch.update(Lead, [{"id": pk, "merged_into_id": survivor} for pk, survivor in sorted(pointers.items())])
    changes = _keep(accepted, facts, cause)
    contacts = _introduce(into)
    LeadSearch.objects.filter(pk__any_of=into).delete()
    survivors = [each.survivor_id for each in accepted]
    forget([*into, *survivors])  # who was compared with the others alone is compared with who stays
    reindex(survivors)
    mark(survivors)
    keys = _record(accepted, changes, contacts, cause, now)
    batch.insert(
        MergedLead,
        [
            {"merge_id": keys[survivor], "lead_id": pk, "was_in_id": carried.get(pk), "move_id": moves.get(pk)}
            for pk, survivor in sorted(pointers.items())
        ],
    )
    return keys


def _close(into: Mapping[int, int], facts: Facts, cause: Cause) -> dict[int, int]:
    """End the open passes of the losers; returns lead → the move that did."""
    steps = [Step(pk, Kind.MERGE) for pk in sorted(into) if not facts[pk]["outcome"]]
    moved = lifecycle.move(steps=steps, cause=cause) if steps else None
    return {taken.lead_id: moved.transition_id(taken) for taken in moved.taken} if moved else {}


def _keep(accepted: Sequence[Merging], facts: Facts, cause: Cause) -> dict[int, dict[str, list[Any]]]:
    """Give the survivors what they keep; returns survivor → column → [before, after] of what changed."""
    kept = {
        each.survivor_id: survivorship.surviving(
            facts[each.survivor_id],
            [facts[pk] for pk in each.loser_ids],
            {name: facts[giver] for name, giver in each.choices.items()},
        )
        for each in accepted
    }
    changes = {
        pk: {name: [facts[pk][name], value] for name, value in columns.items() if facts[pk][name] != value}
        for pk, columns in kept.items()
    }
    write_facts({pk: kept[pk] for pk, changed in changes.items() if changed})
    hand_over({pk: kept[pk]["owner_id"] for pk, changed in changes.items() if "owner_id" in changed}, cause)
    return changes


def write_facts(kept: Mapping[int, Mapping[str, Any]]) -> None:
    """Store the `survivorship.COLUMNS` of leads, but for who holds them."""
    batch.update(
        Lead,
        [
            {"id": pk, **{name: value for name, value in columns.items() if name != "owner_id"}}
            for pk, columns in sorted(kept.items())
        ],
    )


def hand_over(owners: Mapping[int, int | None], cause: Cause) -> None:
    """Let these leads be held by whom a merge, or its undoing, says."""
    if owners:
        assignments = [Assignment(pk, owner) for pk, owner in sorted(owners.items())]
        holders.hold(assignments=assignments, cause=cause, why="Merged leads")


_INTRODUCE = """
    INSERT INTO leads_opportunitycontact (opportunity_id, lead_id, role, is_primary)
    SELECT DISTINCT ON (contact.opportunity_id, given.survivor_id)
        contact.opportunity_id, given.survivor_id, contact.role, false
    FROM unnest(%s::bigint[], %s::bigint[]) AS given(lead_id, survivor_id)
    JOIN leads_opportunitycontact contact ON contact.lead_id = given.lead_id
    JOIN leads_opportunity deal ON deal.id = contact.opportunity_id AND deal.withdrawn_at IS NULL
    ORDER BY contact.opportunity_id, given.survivor_id, contact.is_primary DESC, contact.id
    ON CONFLICT (opportunity_id, lead_id) DO NOTHING
    RETURNING lead_id, id
"""


def _introduce(into: Mapping[int, int]) -> dict[int, list[int]]:
    """Make the survivors members of the losers' buying groups; who carries a deal goes on carrying it."""
    added: dict[int, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_INTRODUCE, [list(into), list(into.values())])
        for survivor, pk in cursor.fetchall():
            added.setdefault(survivor, []).append(pk)
    return added


def _record(
    accepted: Sequence[Merging],
    changes: Mapping[int, Mapping[str, list[Any]]],
    contacts: Mapping[int, list[int]],
    cause: Cause,
    now: datetime,
) -> dict[int, int]:
    rows = [
        {
            "survivor_id": each.survivor_id, "at": now, "actor_id": cause.actor_id, "source": cause.source,
            "changes": changes[each.survivor_id], "contact_ids": contacts.get(each.survivor_id, []),
            "note": each.note,
        }
        for each in accepted
    ]  # fmt: skip
    return dict(batch.insert(Merge, rows, returning=("survivor_id", "id")))
