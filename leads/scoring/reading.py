"""Scores in lists: leads by their points as of now, not as of when they were last scored."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import IntegerField
from django.db.models.expressions import RawSQL

from leads.scoring.applying import Standard, standards
from leads.scoring.compiling import Piece, join, of, points_now, values


def points_at(at: datetime, known: Sequence[Standard]) -> Piece:
    """The points of the rows of `score` (an alias) at that moment, by the version that scored each.

    A row of a version that counts no more keeps the points it had: it is scored again as soon as the job comes to it.
    """
    cases = [
        of("WHEN score.version_id = {} THEN {}", values("%s::int", one.version.pk), points_now(one.rules, at))
        for one in known
    ]
    return of("CASE {} ELSE score.points END", join(cases, " ")) if cases else Piece("score.points")


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


def points_of_leads(at: datetime) -> RawSQL:
    """For a query of leads: the points of each at that moment, null for one that was never scored; one query more, for
    the rules.
    """
    statement = of(
        "SELECT {} FROM leads_score score WHERE score.lead_id = leads_lead.id", points_at(at, standards())
    )  # fmt: skip
    return RawSQL(statement.text, statement.params, output_field=IntegerField())  # noqa: S611 (as above)
