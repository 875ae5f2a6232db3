"""From rows of leads to leads as they arrive. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from alignment.integrations.importers.facts import Facts
from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.reading import Line
from alignment.integrations.importers.remembering import Remembered
from alignment.integrations.importers.rows import (
    Places,
    RowError,
    date_of,
    deal_of,
    key_of,
    owner_of,
    references_of,
    steps_of,
)
from alignment.lib.emails import email_key_or_blank
from alignment.people.directory import Named
from leads.decisions import Step
from leads.drafts import DealDraft, Draft
from leads.milestones import Kind


@dataclass(frozen=True, slots=True)
class Arrival:
    """A translated row: the lead, whom its owner column names, and remarks that do not stop it."""

    line: Line
    draft: Draft
    owner: Named | None
    remarks: tuple[str, ...] = ()


class _Course(NamedTuple):
    """The moves of a row, since when its owner holds the lead, and when the lead began."""

    steps: tuple[Step, ...]
    owned_at: datetime | None
    created_at: datetime | None


class Translation:
    """Turns the rows of one file into leads. Rows that say the same of their dates, or of their owner, share it."""

    def __init__(self, mapping: Mapping, places: Places) -> None:
        self._mapping, self._places = mapping, places
        self._course = Remembered(self._course_of, sorted({*mapping.moved, mapping.created} - {""}))
        self._owner = Remembered(lambda line: owner_of(line, mapping), [mapping.owner] if mapping.owner else [])

    def arrival(self, line: Line, facts: Facts, remarks: tuple[str, ...]) -> Arrival:
        """The lead that a row describes. Raises RowError with the reason why it is none."""
        mapping, key = self._mapping, key_of(line, self._mapping)
        if mapping.key_is_email and not email_key_or_blank(key):
            raise RowError(f"“{key}” is not an e-mail address.")
        course = self._course(line)
        draft = Draft(
            *facts,
            attributes={column: line.values[line.places[column]] for column in mapping.attributes if line.text(column)},
            references=() if mapping.key_is_email else references_of(line, key, mapping),
            steps=course.steps,
            deal=_deal(line, mapping, self._places, course.steps),
            owned_at=course.owned_at,
            created_at=course.created_at,
        )
        return Arrival(line, draft, self._owner(line), remarks)

    def _course_of(self, line: Line) -> _Course:
        steps = steps_of(line, self._mapping, self._places)
        dated = [step.at for step in steps if step.at is not None]
        created = date_of(line, self._mapping.created, self._mapping, self._places) if self._mapping.created else None
        began = min(filter(None, (created, dated[0] if dated else None)), default=None)
        return _Course(steps, dated[-1] if dated else created, began)


def _deal(line: Line, mapping: Mapping, places: Places, steps: tuple[Step, ...]) -> DealDraft | None:
    """The deal of a row whose lead reached SQO or was won; None before."""
    if not (mapping.deal or mapping.deal_constants or mapping.deal_key):
        return None
    at_deal = [step for step in steps if step.kind in (Kind.WIN, Kind.LOSE) or step.stage_id in places.deal_stages]
    if not at_deal:
        return None
    if mapping.deal_key:
        key = line.text(mapping.deal_key)
        return deal_of(line, mapping, places, key, opened=at_deal[0]) if key else None
    return deal_of(line, mapping, places, "" if mapping.key_is_email else line.text(mapping.key), opened=at_deal[0])
