"""From a row of an export of deals to a deal and what became of it. Pure."""

from dataclasses import dataclass

from alignment.integrations.importers.facts import Facts
from alignment.integrations.importers.finding import Names, names_of
from alignment.integrations.importers.mapping import Mapping
from alignment.integrations.importers.reading import Line
from alignment.integrations.importers.rows import Places, deal_of, key_of, owner_of, steps_of
from alignment.people.directory import Named
from leads.decisions import Step
from leads.drafts import DealDraft, Draft, Verdict
from leads.milestones import Kind
from leads.models.opportunity import DealState


@dataclass(frozen=True, slots=True)
class DealArrival:
    """A translated row: the deal, the moves of the lead that carries it, and whom it names. `company` is a draft that
    holds no more than the company's name.
    """

    line: Line
    key: str
    draft: DealDraft
    steps: tuple[Step, ...]
    names: Names
    company: Draft
    owner: Named | None

    @property
    def verdict(self) -> Verdict:
        """Whether the deal is open, won or lost, and since when (None: not known)."""
        ends = {Kind.WIN: DealState.WON.value, Kind.LOSE: DealState.LOST.value}
        return next(
            (Verdict(ends[step.kind], step.at, step.reason_id) for step in reversed(self.steps) if step.kind in ends),
            Verdict(DealState.OPEN.value),
        )


def translate(line: Line, facts: Facts, mapping: Mapping, places: Places) -> DealArrival:
    """The deal that a row describes, whose person has these facts. Raises RowError with the reason why it is none."""
    key = key_of(line, mapping)
    steps = steps_of(line, mapping, places)
    return DealArrival(
        line=line,
        key=key,
        draft=deal_of(line, mapping, places, key, opened=steps[0] if steps else None),
        steps=steps,
        names=names_of(line, mapping),
        company=Draft(company_name=facts.company_name),
        owner=owner_of(line, mapping),
    )
