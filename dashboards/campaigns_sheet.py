"""The figures of the campaigns page as a file: one number a line."""

from collections.abc import Iterator

from alignment.lib.csv import Cell
from dashboards.campaigns import MyCampaigns
from dashboards.metrics.dispositions import STATES

HEADER = ("Part", "Of", "Figure", "Value")


def lines(page: MyCampaigns) -> Iterator[tuple[Cell, ...]]:
    """Under `HEADER`: shares are of 1; blank is what cannot be computed. Reps stand in it for whom they are meant."""
    yield ("Report", f"Handed over in the last {page.days} days", "As of", page.at)
    for row in page.rows:
        for state, (label, _) in STATES.items():
            yield ("Campaigns", row.campaign.name, label, row.fate.counts[state])
        yield ("Campaigns", row.campaign.name, "Accepted of answered", row.fate.acceptance)
    for part, rows in (("Rejections by campaign", page.heat), ("Rejections by rep", page.heat_of_reps)):
        for each in rows:
            for reason, cell in zip(page.reasons, each.cells, strict=True):
                yield (part, each.name, reason.label, cell.n)
            yield (part, each.name, "All reasons", each.total)
