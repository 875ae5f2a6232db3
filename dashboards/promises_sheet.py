"""The tables of the promises page as files: each by itself, or all of it with one number a line."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from alignment.lib.csv import Cell
from alignment.ops.exports import File
from dashboards.promise_card import Was
from dashboards.promises_page import Group, PromisesPage

Line = tuple[Cell, ...]

HEADER = ("Part", "Of", "Figure", "Value")
OF_PROMISES = (
    "Side", "Promise", "Within", "In force", "Kept", "Of", "Share", "Promised", "Broken",
    "Open now", "At risk now", "Paused now", "Overdue now", "Before", "Before, of",
)  # fmt: skip
OF_WEEKS = ("Week of", "Over", "Side", "Promise", "Kept", "Of", "Value", "Promised")


def file(page: PromisesPage, table: str) -> File:
    """The file of one table; of everything where there is no such table."""
    groups = {f"by_{group.facet}": group for group in page.groups}
    if table in groups:
        return (f"promises-{table.replace('_', '-')}", *_of_group(page, groups[table]))
    header, lines = TABLES.get(table, (HEADER, _everything))
    return "-".join(filter(None, ("promises", table if table in TABLES else ""))), header, lines(page)


def _promises(page: PromisesPage) -> Iterator[Line]:
    for side, bullets in page.bullets.items():
        for bullet in bullets:
            if bullet not in [row.bullet for rows in page.rows.values() for row in rows]:
                whole = bullet.of.n if bullet.of else None
                yield (
                    side.label, bullet.title, "", "yes", bullet.number.n, whole, bullet.value, bullet.target,
                    *(None,) * 5, *_then(bullet.was),
                )  # fmt: skip
    for row in (row for rows in page.rows.values() for row in rows):
        bullet, of = row.bullet, row.bullet.of
        assert of is not None  # promises with clocks are shares
        yield (
            row.promise.side.label, bullet.title, row.promise.time, "yes" if row.promise.is_in_force else "",
            bullet.number.n, of.n, bullet.value, bullet.target, of.n - bullet.number.n,
            *(number.n for number in row.owed.values()), *_then(bullet.was),
        )  # fmt: skip


def _then(was: Was | None) -> tuple[float | None, int | None]:
    """What was kept before, and of how many."""
    return (was.value, was.n.n if was.n else None) if was else (None, None)


def _weeks(page: PromisesPage) -> Iterator[Line]:
    for panel in page.panels:
        for week in panel.weeks:
            yield (
                week.period.first, "yes" if week.is_over else "", panel.side.label, panel.title, week.number.n,
                week.of.n if week.of else None, week.value, week.target,
            )  # fmt: skip


def _of_group(page: PromisesPage, group: Group) -> tuple[tuple[str, ...], Iterator[Line]]:
    header = (group.facet.capitalize(), "Promise", "Kept", "Of", "Share")
    lines = (
        (row.name, kind, cell.judged.n - cell.broken.n, cell.judged.n, cell.share)
        for row in group.rows
        for kind, cell in zip(page.kinds, row.cells, strict=True)
        if cell
    )
    return header, lines


def _everything(page: PromisesPage) -> Iterator[Line]:
    """Under `HEADER`: shares are of 1, times in hours; blank is what cannot be computed."""
    yield ("Report", page.period_text, "As of", page.at)
    for line in _promises(page):
        side, title, *cells = line
        for figure, value in zip(OF_PROMISES[2:], cells, strict=False):
            yield (f"{side} promises", title, figure, value)
    for first, _, _, title, _, _, value, target in _weeks(page):
        yield (f"Week of {first}", title, "Value", value)
        yield (f"Week of {first}", title, "Promised", target)
    for group in page.groups:
        for name, kind, kept, whole, _ in _of_group(page, group)[1]:
            yield (group.title, name, f"{kind}, kept", kept)
            yield (group.title, name, f"{kind}, of", whole)
    for row in page.breaches:
        late = None if row.late_by is None else round(row.late_by / timedelta(hours=1), 2)
        yield ("Breaches", str(row.clock.lead_id), row.clock.policy.name, late)


TABLES: Mapping[str, tuple[tuple[str, ...], Callable[[PromisesPage], Iterator[Line]]]] = {
    "promises": (OF_PROMISES, _promises),
    "weeks": (OF_WEEKS, _weeks),
}
