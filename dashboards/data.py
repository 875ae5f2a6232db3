"""Metrics as data: the one form in which the command and the API answer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alignment.lib.periods import Period
from alignment.people.models import Side
from dashboards.ledger import Ledger
from dashboards.metrics.answered import BY
from dashboards.metrics.attainment import Line, Standing
from dashboards.metrics.cells import Tally
from dashboards.metrics.funnel import Funnel
from dashboards.metrics.kept import Kept
from dashboards.metrics.promises import SHARES
from dashboards.options import NUMBERED, Facet, Options
from leads.milestones import Milestone
from sla.querysets import Attainment


def funnel_as_data(measured: Funnel, options: Options, *, is_grouped: bool) -> dict[str, Any]:
    """The form that all metrics answer in; a blank value of a facet is null."""
    filters = measured.filters
    answer: dict[str, Any] = {
        "metric": "funnel",
        "basis": filters.basis.value,
        "period": _dates(filters.period),
        "n": measured.n,
        "reached": _reached(measured.counts),
    }
    if filters.period is None:
        answer["undated"] = measured.undated
    if is_grouped:
        answer["by"] = [
            {filters.by.value: _key(options, filters.by, group.pk), "n": group.n, "reached": _reached(group.counts)}
            for group in measured.groups
        ]
    return answer


def promises_as_data(ledger: Ledger, options: Options, *, is_grouped: bool) -> dict[str, Any]:
    """What both sides promised and kept, in the same form. Shares are of 1; null is what cannot be computed, or what
    nobody promised. Groups are of `dashboards.metrics.answered.BY`.
    """
    filters, kept, plan, sales = ledger.filters, ledger.promises.kept, ledger.promises.plan, ledger.sales
    answer: dict[str, Any] = {
        "metric": "promises",
        "period": _dates(filters.period),
        "as_of": ledger.at.isoformat(),
        "compared": _dates(filters.compared.period) if filters.compared else None,
        "n": sum(line.kept.n for line in sales.of(Side.SALES)),
        "above_capacity": ledger.above,
        "marketing": _of_marketing(kept) | {
            "planned_weeks": len(plan.settled),
            "kept_weeks": plan.kept,
            "delivered_per_week": plan.per_week,
            "planned_per_week": plan.planned_per_week,
            "before": _of_marketing(ledger.promises.before) if ledger.promises.before else None,
            "promises": [_line(line, ledger.promises.target) for line in sales.of(Side.MARKETING)],
        },
        "sales": [_line(line, ledger.promises.target) for line in sales.of(Side.SALES)],
        "weeks": [_week(place, ledger) for place in range(len(sales.weeks))],
    }  # fmt: skip
    if is_grouped and filters.by in BY:
        answer["by"] = [
            {filters.by.value: _key(options, filters.by, pk), **_kinds(kinds)}
            for pk, kinds in sorted(
                sales.groups[filters.by].items(), key=lambda each: (-_judged(each[1]), each[0] or 0)
            )
        ]
    return answer


def _line(line: Line, target: Callable[[str], float | None]) -> dict[str, Any]:
    promise, owed = line.promise, line.owed
    return {
        "promise": promise.pk,
        "kind": promise.kind,
        "name": promise.name,
        "within": promise.time,
        "side": promise.side.value,
        "is_in_force": promise.is_in_force,
        **_attained(line.kept),
        "promised": target(SHARES[promise.kind]) if promise.kind in SHARES and promise.is_in_force else None,
        "before": _attained(line.before) if line.before else None,
        "excused": line.excused,
        "open": owed.open,
        "at_risk": owed.at_risk,
        "paused": owed.paused,
        "overdue": owed.overdue,
    }


def _week(place: int, ledger: Ledger) -> dict[str, Any]:
    week, kept = ledger.promises.weeks[place]
    sales: Standing = ledger.sales
    return {
        **(_dates(week) or {}),
        "planned": ledger.promises.plan.mqls(week),
        **_of_marketing(kept),
        "sales": _lines_of_week(sales.of(Side.SALES), place),
        "marketing": _lines_of_week(sales.of(Side.MARKETING), place),
    }


def _lines_of_week(lines: Sequence[Line], place: int) -> list[dict[str, Any]]:
    return [{"promise": line.promise.pk, **_attained(line.weeks[place])} for line in lines]


def _of_marketing(kept: Kept) -> dict[str, Any]:
    return {
        "delivered": kept.delivered, "accepted": kept.accepted, "decided": kept.decided, "acceptance": kept.acceptance
    }  # fmt: skip


def _attained(kept: Attainment) -> dict[str, Any]:
    return {"met": kept.met, "breached": kept.breached, "n": kept.n, "attainment": kept.share}


def _kinds(kinds: Mapping[str, Attainment]) -> dict[str, Any]:
    return {"n": _judged(kinds), "kinds": {kind: _attained(kept) for kind, kept in sorted(kinds.items())}}


def _judged(kinds: Mapping[str, Attainment]) -> int:
    return sum(kept.n for kept in kinds.values())


def _dates(period: Period | None) -> dict[str, str] | None:
    return {"from": period.first.isoformat(), "to": period.last.isoformat()} if period else None


def _reached(counts: Tally) -> dict[str, int]:
    return {milestone.name: counts.reached(milestone) for milestone in Milestone}


def _key(options: Options, facet: Facet, pk: int | None) -> str | None:
    """What files say; people and teams go by their names."""
    if pk is None:
        return None
    choice = options.of(facet, pk)
    return choice.name if facet in NUMBERED else choice.key
