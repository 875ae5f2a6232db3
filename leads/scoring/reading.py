"""Scores in lists: leads by their points as of now, not as of when they were last scored."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models.expressions import RawSQL

from leads.scoring.applying import Standard, standards
from leads.scoring.compiling import ROUNDING, Piece, join, of, rate, values


def points_at(at: datetime, known: Sequence[Standard]) -> Piece:
    """The points of the rows of `score` (an alias) at that moment, by the version that scored each.

    A row of a version that counts no more keeps the points it had: it is scored again as soon as the job comes to it.
    """
    cases = [
        of("WHEN score.version_id = {} THEN {}", values("%s::int", one.version.pk), _now(one, at)) for one in known
    ]
    return of("CASE {} ELSE score.points END", join(cases, " ")) if cases else Piece("score.points")


def _now(standard: Standard, at: datetime) -> Piece:
    left = [
        of(
            f"least({{}}, score.sums[{index}] * {{}})",
            values("%s::float8", group.cap),
            values(
                "exp(greatest(%s::float8 * date_part('epoch', %s::timestamptz - score.scored_at), -300))",
                rate(group), at,
            ),
        )
        for index, group in enumerate(standard.rules.groups, start=1)
    ]  # fmt: skip
    engagement = join(left, " + ") if left else Piece("0")
    return of(f"floor(greatest(score.fit_points + {{}}, 0) + {ROUNDING})::int", engagement)


def at_least(points: int, at: datetime) -> RawSQL:
    """The keys of the leads with so many points now, as a subquery; one query more, for the rules.

    Points of touches only fade, so that the points of the last scoring, which have an index, leave few rows to reckon.
    """
    now = points_at(at, standards())
    statement = of(
        "SELECT score.lead_id FROM leads_score score WHERE score.points >= {} AND {} >= {}",
        values("%s", points), now, values("%s", points),
    )  # fmt: skip
    return RawSQL(statement.text, statement.params)  # noqa: S611 (put together from rules, with bound values)
