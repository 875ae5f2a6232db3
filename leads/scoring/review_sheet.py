"""The review of scoring with sales as a file: one number a line."""

from collections.abc import Iterator, Sequence

from alignment.lib.csv import Cell
from leads.scoring.feedback import Pilot, Review, Tally

HEADER = ("Part", "Of", "Figure", "Value")
Line = tuple[Cell, ...]


def lines(review: Review | None, pilots: Sequence[Pilot], *, days: int) -> Iterator[Line]:
    """Under `HEADER`: counts alone, so that shares can be drawn of any sum; nothing before rules were published."""
    if review is None:
        return
    of = f"Handed over in the last {days} days"
    yield ("Report", of, "Version of the rules", review.version.number)
    yield ("Report", of, "Counted is one lead in", review.one_in)
    for name, tally in review.bands:
        yield from _tally("By score", name, tally)
    for row in review.rules:
        yield ("By rule", row.says, "Points", row.points)
        yield from _tally("With the rule", row.says, row.with_it)
        yield from _tally("Without the rule", row.says, row.without_it)
        yield ("By rule", row.says, "Suggestion", row.suggestion)
    for pilot in pilots:
        name = f"{pilot.version.team}, version {pilot.version.number}"
        yield from _tally("Leads of the pilot", name, pilot.own)
        yield from _tally("Leads of the rest", name, pilot.rest)


def _tally(part: str, of: str, tally: Tally) -> Iterator[Line]:
    yield (part, of, "Handed over", tally.n)
    yield (part, of, "Answered", tally.answered)
    yield (part, of, "Accepted", tally.accepted)
    yield (part, of, "Won", tally.won)
    for reason, n in tally.reasons.most_common():
        yield (part, of, f"Given back for: {reason}", n)
