"""From a row of activities or campaign members to a touch. Pure."""

from dataclasses import dataclass
from datetime import datetime

from alignment.integrations.importers.facts import Facts
from alignment.integrations.importers.finding import Names, names_of
from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.reading import Line
from alignment.integrations.importers.rows import (
    Places,
    RowError,
    chosen,
    date_of,
    key_of,
    owner_of,
    record_id,
)
from alignment.integrations.importers.rules import IN_BRACES, TouchRule
from alignment.people.directory import Named
from leads.drafts import Draft


@dataclass(frozen=True, slots=True)
class TouchArrival:
    """A translated row: whom it names, what happened and when (or what is to happen until when); `draft` is the lead as
    the row describes it, `owner` who did it.
    """

    line: Line
    names: Names
    at: datetime
    rule: TouchRule
    title: str
    external_id: str
    draft: Draft
    owner: Named | None = None


def translate(line: Line, facts: Facts, mapping: Mapping, places: Places) -> TouchArrival | None:
    """The touch that a row describes, whose person has these facts; None for one of a kind that is no touch, and for a
    step without a day. Raises RowError.
    """
    key = key_of(line, mapping)
    rule = next(iter(chosen(line, mapping.touch)), None)
    if rule is None:
        return None
    names = names_of(line, mapping)
    if not names:
        raise RowError("The row names no lead.")
    dated = mapping.due if rule.is_step else mapping.touched
    at = next(filter(None, (date_of(line, column, mapping, places) for column in dated)), None)
    if at is None and rule.is_step:
        return None
    if at is None:
        raise RowError(f"The row has no date: {', '.join(mapping.touched)} is blank.")
    title = " ".join(IN_BRACES.sub(lambda found: line.text(found[1]), rule.title).split())
    return TouchArrival(
        line=line,
        names=names,
        at=at,
        rule=rule,
        title=title.rstrip(": ")[:200],
        external_id=record_id(" / ".join(record_id(part, mapping) for part in key.split(" / ")), mapping),
        draft=Draft(*facts, references=names.references),
        owner=owner_of(line, mapping),
    )
