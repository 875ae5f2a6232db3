"""Metrics as data: the one form in which the command and the API answer."""

from typing import Any

from dashboards.metrics.cells import Tally
from dashboards.metrics.funnel import Funnel
from dashboards.options import NUMBERED, Facet, Options
from leads.milestones import Milestone


def as_data(measured: Funnel, options: Options, *, is_grouped: bool) -> dict[str, Any]:
    """The form that all metrics answer in; a blank value of a facet is null."""
    filters = measured.filters
    period = filters.period and {"from": filters.period.first.isoformat(), "to": filters.period.last.isoformat()}
    answer: dict[str, Any] = {
        "metric": "funnel",
        "basis": filters.basis.value,
        "period": period,
        "n": measured.n,
        "reached": _reached(measured.counts),
    }
    if period is None:
        answer["undated"] = measured.undated
    if is_grouped:
        answer["by"] = [
            {filters.by.value: _key(options, filters.by, group.pk), "n": group.n, "reached": _reached(group.counts)}
            for group in measured.groups
        ]
    return answer


def _reached(counts: Tally) -> dict[str, int]:
    return {milestone.name: counts.reached(milestone) for milestone in Milestone}


def _key(options: Options, facet: Facet, pk: int | None) -> str | None:
    """What files say; people and teams go by their names."""
    if pk is None:
        return None
    choice = options.of(facet, pk)
    return choice.name if facet in NUMBERED else choice.key
