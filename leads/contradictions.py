"""Dates that cannot both be true: stored as they came, and reported."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from alignment.lib import arrays
from leads.milestones import Milestone


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A later milestone that is dated before an earlier one, in the same pass of a lead."""

    lead_id: int
    pass_no: int
    earlier: Milestone
    earlier_at: datetime
    later: Milestone
    later_at: datetime

    def __str__(self) -> str:
        days = (self.earlier_at - self.later_at).total_seconds() / 86_400
        return (
            f"{self.later.name} on {self.later_at:%Y-%m-%d %H:%M} is {days:.1f} days before "
            f"{self.earlier.name} on {self.earlier_at:%Y-%m-%d %H:%M}."
        )


def contradictions(lead_ids: Collection[int] | None = None) -> list[Contradiction]:
    """The contradictions in the journeys of these leads (None: of all), each dated milestone against the dated one
    before it; one query.
    """
    # Few journeys have one: those that have none are left out before their dates are laid out one by one.
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT lead_id, pass_no, before, before_at, milestone, at FROM (
                SELECT lead_id, pass_no, milestone, at,
                    lag(milestone) OVER pass AS before, lag(at) OVER pass AS before_at
                FROM leads_journey
                CROSS JOIN LATERAL (
                    VALUES (1, mgl_at), (2, mql_at), (3, sql_at), (4, sqo_at), (5, won_at)
                ) AS dated(milestone, at)
                WHERE at IS NOT NULL AND (%(all)s OR lead_id = ANY(%(leads)s::bigint[])) AND (
                    mgl_at > least(mql_at, sql_at, sqo_at, won_at) OR mql_at > least(sql_at, sqo_at, won_at)
                    OR sql_at > least(sqo_at, won_at) OR sqo_at > won_at
                )
                WINDOW pass AS (PARTITION BY lead_id, pass_no ORDER BY milestone)
            ) AS steps
            WHERE at < before_at
            ORDER BY lead_id, pass_no, milestone
            """,
            {"all": lead_ids is None, "leads": arrays.literal(lead_ids or ())},
        )
        return [
            Contradiction(lead_id, pass_no, Milestone(before), before_at, Milestone(milestone), at)
            for lead_id, pass_no, before, before_at, milestone, at in cursor.fetchall()
        ]
