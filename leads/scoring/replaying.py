"""What rules would have made of the past: every touch of a period is scored as of its own moment, in one statement.

Facts of leads and accounts are those of today, since no history of them is kept; only who was a customer is asked as of
the moment, since else whoever was won would be left out. A pass that ended without a customer
begins engagement anew, as it does in life.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from leads.milestones import Milestone, Outcome
from leads.scoring import compiling
from leads.scoring.compiling import ENGAGED, RETURNS, Piece, join, of, values
from leads.scoring.rules import RuleSet

_ENDED_BEFORE = (
    "CASE WHEN facts.counted_from IS NULL THEN 0 ELSE (SELECT count(*) FROM leads_journey past"
    " WHERE past.lead_id = facts.lead_id AND past.outcome IN ("
    + ", ".join(repr(one.value) for one in RETURNS)
    + ") AND coalesce(past.closed_at, past.ended_at) < touch.at) END"
)


@dataclass(frozen=True, slots=True)
class Span:
    """A period of the past, from `start` up to `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Crossed:
    """The first touch at which a lead would have reached threshold and grade in one of its passes.

    `accepted`: sales took it in that pass; `refused`: sales gave it back instead; neither: it has not answered.
    """

    lead_id: int
    pass_no: int
    at: datetime
    points: int
    accepted: bool
    refused: bool
    won: bool


@dataclass(frozen=True, slots=True)
class Caught:
    """Of the passes that sales accepted, or won, in the period: how many, and how many had crossed by then."""

    accepted: int = 0
    accepted_caught: int = 0
    won: int = 0
    won_caught: int = 0

    def __add__(self, other: "Caught") -> "Caught":
        return Caught(
            self.accepted + other.accepted,
            self.accepted_caught + other.accepted_caught,
            self.won + other.won,
            self.won_caught + other.won_caught,
        )


def replay(rules: RuleSet, leads: Piece, span: Span) -> tuple[list[Crossed], Caught]:
    """Who of these leads (a condition over `lead` and `account`) would have crossed in the period, and what of the
    accepted and won ones the rules would have caught; two statements, however many leads.
    """
    if not rules.groups:
        return [], Caught()
    crossed = of(
        "{} SELECT crossing.lead_id, crossing.segment + 1, crossing.at, crossing.points,"
        f" coalesce(pass.accepted_at IS NOT NULL OR pass.reached >= {Milestone.SQL.value}, FALSE),"
        " coalesce(pass.accepted_at IS NULL AND pass.outcome IN"
        f" ('{Outcome.REJECTED.value}', '{Outcome.RECYCLED.value}'), FALSE),"
        f" coalesce(pass.outcome = '{Outcome.WON.value}', FALSE) FROM crossing"
        " LEFT JOIN leads_journey pass ON pass.lead_id = crossing.lead_id AND pass.pass_no = crossing.segment + 1"
        " WHERE crossing.at >= {} AND crossing.at < {}"
        " AND crossing.at <= coalesce(pass.accepted_at, pass.closed_at, 'infinity') ORDER BY 1, 2",
        _crossing(rules, leads, span),
        values("%s", span.start),
        values("%s", span.end),
    )
    caught = of(
        "{} SELECT count(*) FILTER (WHERE {}), count(*) FILTER (WHERE {} AND crossing.at <= pass.accepted_at),"
        " count(*) FILTER (WHERE {}), count(*) FILTER (WHERE {} AND crossing.at <= pass.won_at)"
        " FROM facts JOIN leads_journey pass ON pass.lead_id = facts.lead_id"
        " LEFT JOIN crossing ON crossing.lead_id = pass.lead_id AND crossing.segment + 1 = pass.pass_no"
        " WHERE {} OR {}",
        _crossing(rules, leads, span),
        *[_within(name, span) for name in ("accepted_at", "accepted_at", "won_at", "won_at", "accepted_at", "won_at")],
    )
    return [Crossed(*row) for row in _rows(crossed)], Caught(*_rows(caught)[0])


def _within(name: str, span: Span) -> Piece:
    return values(f"(pass.{name} >= %s AND pass.{name} < %s)", span.start, span.end)


def _crossing(rules: RuleSet, leads: Piece, span: Span) -> Piece:
    """WITH … crossing: the first moment of each lead and pass at which threshold and grade were reached."""
    grown, running = [], []
    for index, group in enumerate(rules.groups):
        rate = compiling.rate(group)
        grown.append(
            of(
                f"({{}}) * exp(greatest({{}} * date_part('epoch', {{}} - touch.at), -300)) AS p{index}",
                compiling.touch_points(rules, group), values("%s::float8", rate), values("%s::timestamptz", span.end),
            )
        )  # fmt: skip
        # The sum so far as of the end of the period, brought back to the moment of this touch.
        running.append(
            of(
                f"(sum(p{index}) OVER so_far) * exp(least({{}} * date_part('epoch', at - {{}}), 600))",
                values("%s::float8", rate), values("%s::timestamptz", span.end),
            )
        )  # fmt: skip
    columns = join([*grown, Piece("touch.at"), Piece(f"{_ENDED_BEFORE} AS segment")], ", ")
    counts = values(f"{ENGAGED} AND touch.at < %s", span.end)
    own = of(
        "SELECT facts.lead_id, {} FROM facts JOIN leads_touchpoint touch ON touch.lead_id = facts.lead_id WHERE {}",
        columns, counts,
    )  # fmt: skip
    merged = of(
        "SELECT facts.lead_id, {} FROM facts JOIN leads_lead merged ON merged.merged_into_id = facts.lead_id"
        " JOIN leads_touchpoint touch ON touch.lead_id = merged.id WHERE {}",
        columns, counts,
    )  # fmt: skip
    moments = of(
        "SELECT lead_id, segment, at, {} AS engagement FROM ({} UNION ALL {}) touch"
        " WINDOW so_far AS (PARTITION BY lead_id, segment ORDER BY at)",
        compiling.capped(rules.groups, running), own, merged,
    )  # fmt: skip
    first = of(
        "SELECT DISTINCT ON (lead_id, segment) lead_id, segment, at, points FROM ("
        "SELECT moment.lead_id, segment, at, {} AS points FROM moment JOIN facts USING (lead_id)"
        " WHERE facts.suppressed_as = '' AND (facts.customer_from IS NULL OR at < facts.customer_from)"
        " AND {} = ANY({})) reached WHERE points >= {} ORDER BY lead_id, segment, at",
        compiling.total("facts.fit_points", Piece("engagement")),
        compiling.grade(rules, "facts.fit_points"),
        values("%s::text[]", list(rules.accepted_grades)),
        values("%s", rules.threshold),
    )
    return of(
        "WITH facts AS MATERIALIZED ({}), moment AS ({}), crossing AS MATERIALIZED ({})",
        compiling.facts(rules, leads, of_past=True), moments, first,
    )  # fmt: skip


def standing_above(rules: RuleSet, leads: Piece, at: datetime) -> list[tuple[int, int, str]]:
    """(lead, points, grade) of those of these leads that stand above the threshold and are no MQLs; best first."""
    found = of(
        "{} SELECT lead_id, points, grade FROM scored WHERE {} ORDER BY points DESC, lead_id",
        compiling.scoring(rules, leads, at),
        compiling.crossing(rules),
    )
    return [(lead_id, points, grade) for lead_id, points, grade in _rows(found)]


def _rows(piece: Piece) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(piece.text, piece.params)
        return list(cursor.fetchall())
