"""The figures of the funnel page as a file: one number a line."""

from collections.abc import Iterator
from datetime import timedelta

from alignment.lib.csv import Cell
from dashboards.page import FunnelPage

HEADER = ("Part", "Of", "Figure", "Value")
Line = tuple[Cell, ...]


def lines(page: FunnelPage) -> Iterator[Line]:
    """Under `HEADER`: shares are of 1, times in days; blank is what cannot be computed."""
    yield ("Report", page.period_text, "As of", page.report.at)
    yield ("Report", page.period_text, f"Entered, {page.filters.basis} basis", page.funnel.n)
    yield ("Report", page.period_text, "Undated", page.funnel.undated)
    yield from _funnel(page)
    yield from _promises(page)
    yield from _trends(page)
    for group in page.groups:
        yield ("By " + page.filters.by, group.name, "Reached MQL", group.qualified.n)
        yield ("By " + page.filters.by, group.name, "Reached WON", group.won.n)


def _funnel(page: FunnelPage) -> Iterator[Line]:
    for row in page.rows:
        yield ("Funnel", row.milestone.name, "Reached", row.reached.n)
    for each in page.steps:
        name, stay = each.step.name, each.stay
        yield ("Funnel", name, "Step rate", each.step.rate)
        for number in (*each.lost, each.attached, each.still_open, each.stuck):
            yield ("Funnel", name, number.label.capitalize(), number.n)
        yield ("Funnel", name, "Completed stays", stay.n)
        yield ("Funnel", name, "Median stay", _days(stay.median))
        yield ("Funnel", name, "P90 of stays", _days(stay.p90))
        yield ("Funnel", name, "Median age of the open ones", _days(stay.age))


def _promises(page: FunnelPage) -> Iterator[Line]:
    for side, bullets in page.promises.by_side.items():
        for bullet in bullets:
            yield ("Promises", side.label, bullet.title, bullet.value)
            yield ("Promises", side.label, f"{bullet.title}, promised", bullet.target)
    for name, number in page.promises.beside.items():
        yield ("Promises", "", name, number.n)
    for week in page.promises.weeks:
        name = f"Week of {week.period.first.isoformat()}"
        yield ("Promises by week", name, "MQLs", week.delivered.n)
        yield ("Promises by week", name, "Answered in time", week.answered)
        yield ("Promises by week", name, "Accepted by sales", week.accepted)


def _trends(page: FunnelPage) -> Iterator[Line]:
    for row in page.trend:
        yield ("Trend", row.name, "Reached MQL", row.qualified.n)
        yield ("Trend", row.name, "Reached WON", row.won.n)
        yield ("Trend", row.name, "In nurture at the end", row.nurture.n)
    for cohort in page.cohorts:
        yield ("Cohorts", cohort.name, "Entered", cohort.entered.n)
        for days, cell in zip(page.ages, cohort.cells, strict=True):
            yield ("Cohorts", cohort.name, f"Won within {days} days", cell[1].n if cell else None)


def _days(length: timedelta | None) -> float | None:
    return None if length is None else round(length / timedelta(days=1), 4)
