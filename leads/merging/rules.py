"""May these leads be merged, and which of them should be kept? Pure: from where leads stand to a refusal, or none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from leads.merging.survivorship import FIELDS
from leads.milestones import Milestone

_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Merging:
    """Leads that are to go into one. `choices` says for a field (of `survivorship.FIELDS`) whose value it gets; `note`
    is what whoever merges them has to say.
    """

    survivor_id: int
    loser_ids: tuple[int, ...]
    choices: Mapping[str, int] = field(default_factory=dict)
    note: str = ""

    @property
    def lead_ids(self) -> tuple[int, ...]:
        return (self.survivor_id, *self.loser_ids)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a lead stands, as a merge reads it. `handed_at` is when its open pass became an MQL (None: never, or
    undated); `deal` names the open deal that it carries.
    """

    lead_id: int
    name: str
    milestone: Milestone
    is_open: bool
    created_at: datetime
    handed_at: datetime | None = None
    deal: str = ""
    merged_into_id: int | None = None
    is_withdrawn: bool = False


class Code(StrEnum):
    """Why leads were not merged."""

    UNKNOWN = "unknown_lead"
    ITSELF = "itself"
    MERGED = "already_merged"
    TWICE = "twice"
    CHOICE = "choice"
    FURTHER = "further"
    DEAL = "deal"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a merge was refused: `lead_id` stands in the way, and `into_id` is where it went, if it was merged."""

    survivor_id: int
    lead_id: int
    code: Code
    message: str
    into_id: int | None = None


def why_not(merging: Merging, leads: Mapping[int, Standing]) -> Refusal | None:
    """Why these leads cannot be merged; None where they can. `leads` has those that exist."""
    for lead_id in merging.lead_ids:
        if refusal := _gone(merging, lead_id, leads.get(lead_id)):
            return refusal
    if merging.survivor_id in merging.loser_ids or not merging.loser_ids:
        return _no(merging, merging.survivor_id, Code.ITSELF, "A lead cannot be merged into itself.")
    if wrong := [name for name, giver in merging.choices.items() if not _is_choice(merging, name, giver)]:
        sentence = f"Choose for each field one of the leads that are merged; this is none: {', '.join(sorted(wrong))}."
        return _no(merging, merging.survivor_id, Code.CHOICE, sentence)
    survivor = leads[merging.survivor_id]
    found = (_would_lose(merging, survivor, leads[loser_id]) for loser_id in merging.loser_ids)
    return next(filter(None, found), None)


def _no(merging: Merging, lead_id: int, code: Code, message: str, into_id: int | None = None) -> Refusal:
    return Refusal(merging.survivor_id, lead_id, code, message, into_id)


def _gone(merging: Merging, lead_id: int, lead: Standing | None) -> Refusal | None:
    if lead is None:
        return _no(merging, lead_id, Code.UNKNOWN, f"There is no lead {lead_id}.")
    if lead.is_withdrawn:
        return _no(merging, lead_id, Code.UNKNOWN, f"{lead.name} was taken back: it is no lead any more.")
    if lead.merged_into_id:
        sentence = f"{lead.name} was merged already, into lead {lead.merged_into_id}."
        return _no(merging, lead_id, Code.MERGED, sentence, lead.merged_into_id)
    return None


def _is_choice(merging: Merging, name: str, giver: int) -> bool:
    return name in FIELDS and giver in merging.lead_ids


def _would_lose(merging: Merging, survivor: Standing, loser: Standing) -> Refusal | None:
    """What nobody would answer for any more: a deal, or a buyer who is further or has waited longer."""
    if loser.deal and survivor.deal:
        sentence = (
            f"{loser.name} carries the deal “{loser.deal}” and {survivor.name} “{survivor.deal}”: win, lose or join "
            "one of the deals first."
        )
        return _no(merging, loser.lead_id, Code.DEAL, sentence)
    if loser.deal:
        sentence = f"{loser.name} carries the deal “{loser.deal}”: keep that lead, and merge the others into it."
        return _no(merging, loser.lead_id, Code.FURTHER, sentence)
    if loser.is_open and not survivor.is_open:
        sentence = f"{loser.name} is under way and {survivor.name} is not: keep the one that is under way."
        return _no(merging, loser.lead_id, Code.FURTHER, sentence)
    if loser.is_open and loser.milestone > survivor.milestone:
        sentence = f"{loser.name} is further ({loser.milestone.label.lower()}): keep that lead."
        return _no(merging, loser.lead_id, Code.FURTHER, sentence)
    if _waits(loser) and _waits(survivor) and _since(loser) < _since(survivor):
        sentence = f"{loser.name} has waited longer for an answer: keep that lead, so that its due time counts."
        return _no(merging, loser.lead_id, Code.FURTHER, sentence)
    return None


def _waits(lead: Standing) -> bool:
    return lead.is_open and lead.milestone == Milestone.MQL


def _since(lead: Standing) -> datetime:
    return lead.handed_at or _LAST


def by_rank(leads: Iterable[Standing]) -> Sequence[Standing]:
    """These leads, the one to keep first: it carries a deal, else is under way, further, waits or is known longer."""
    return sorted(
        leads,
        key=lambda one: (
            not one.deal, not one.is_open, -one.milestone, _since(one) if _waits(one) else _LAST, one.created_at,
            one.lead_id,
        ),
    )  # fmt: skip
