"""Rules as SQL: the statement that scores one lead scores a million. Every value is a bound parameter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log
from typing import Any

from leads.conditions import Sql, compiled
from leads.milestones import Milestone, Outcome
from leads.models.touchpoint import Direction
from leads.scoring.rules import PointGroup, RuleSet

RETURNS = (Outcome.RECYCLED, Outcome.REJECTED, Outcome.LOST)
"""What ends a pass so that the lead may come back; engagement counts anew from then on."""

ROUNDING = 1e-6
"""So much less than a whole number of points counts as that number: sums of fractions are not exact."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of a statement with the parameters in it, in order."""

    text: str
    params: tuple[Any, ...] = ()


def join(pieces: Iterable[Piece], between: str) -> Piece:
    """The pieces with `between` between them."""
    listed = list(pieces)
    return Piece(
        between.join(piece.text for piece in listed), tuple(param for piece in listed for param in piece.params)
    )


def of(template: str, *pieces: Piece) -> Piece:
    """The pieces in the `{}` of `template`, in order."""
    return Piece(template.format(*(piece.text for piece in pieces)), _params(pieces))


def _params(pieces: Iterable[Piece]) -> tuple[Any, ...]:
    return tuple(param for piece in pieces for param in piece.params)


def values(text: str, *params: Any) -> Piece:
    """Text with its own parameters."""
    return Piece(text, params)


def _condition(sql: Sql) -> Piece:
    return Piece(sql.text, sql.params)


def _sum(cases: Sequence[Piece]) -> Piece:
    return join(cases, " + ") if cases else Piece("0")


def fit_points(rules: RuleSet) -> Piece:
    """The fit points of a lead, over the aliases `lead` and `account`."""
    return _sum(
        [
            of("CASE WHEN {} THEN {} ELSE 0 END", _condition(compiled(rule.condition)), values("%s", rule.points))
            for rule in rules.fit
        ]
    )


def grade(rules: RuleSet, points: str) -> Piece:
    """The grade of so many fit points."""
    cases = [of("WHEN {} THEN {}", values(f"{points} >= %s", least), values("%s", name))
             for name, least in rules.grades.items()]  # fmt: skip
    return of("CASE {} ELSE 'D' END", join(cases, " "))


def touch_points(rules: RuleSet, group: PointGroup) -> Piece:
    """The points of one touch in a group before any decay, over the alias `touch`."""
    return _sum(
        [
            of("CASE WHEN {} THEN {} ELSE 0 END", _condition(compiled(rule.condition)), values("%s", rule.points))
            for rule in rules.engagement
            if rule.group == group.key
        ]
    )


def rate(group: PointGroup) -> float:
    """By what power of e points change in a second."""
    return -log(2) / (group.half_life_days * 86_400)


def decay(group: PointGroup, at: datetime) -> Piece:
    """What is left of a touch's points at that moment; what is left of very old ones is a little more than nothing."""
    return values("exp(greatest(%s::float8 * date_part('epoch', %s::timestamptz - touch.at), -300))", rate(group), at)


def capped(groups: Sequence[PointGroup], sums: Sequence[Piece]) -> Piece:
    """Engagement: each group's points up to its cap."""
    return _sum(
        [of("least({}, {})", values("%s::float8", group.cap), one) for group, one in zip(groups, sums, strict=True)]
    )


def total(fit: str, engagement: Piece) -> Piece:
    """The score in whole points."""
    return of(f"floor(greatest({fit} + {{}}, 0) + {ROUNDING})::int", engagement)


ENGAGED = f"touch.is_engaged AND touch.direction <> '{Direction.OUTBOUND}'"
"""Which touches count: what the buyer did. Sends and opens, which proxies fake, are not engaged; calls are ours."""

COUNTED_FROM = (
    "CASE WHEN lead.pass_no > 1 OR lead.outcome <> '' THEN ("
    "SELECT max(coalesce(past.closed_at, past.ended_at)) FROM leads_journey past"
    f" WHERE past.lead_id = lead.id AND past.outcome IN ({', '.join(repr(one.value) for one in RETURNS)})) END"
)
"""From when on engagement counts: since the lead's last pass ended without a customer; null: always."""


_PERIODS = "SELECT 1 FROM leads_customerperiod period WHERE period.account_id = account.id"
_WON = "SELECT 1 FROM leads_lead won WHERE won.account_id = account.id AND won.outcome = 'won'"
# Who left is no customer any more; where no period is kept, a won lead says who is one.
CUSTOMER = f"EXISTS ({_PERIODS} AND period.ended_on IS NULL) OR NOT EXISTS ({_PERIODS}) AND EXISTS ({_WON})"

CUSTOMER_FROM = (
    "least((SELECT min(period.began_on)::timestamptz FROM leads_customerperiod period"
    " WHERE period.account_id = account.id), (SELECT min(pass.won_at) FROM leads_lead mate"
    " JOIN leads_journey pass ON pass.lead_id = mate.id WHERE mate.account_id = account.id))"
)
"""When the account became a customer, for what is asked of the past; null: never."""


def suppressed(rules: RuleSet, *, customers: bool = True) -> Piece:
    """Why the lead is not for sales, blank for most; over `lead` and `account`. Without `customers` they are not asked
    about.
    """
    cases = [
        values(
            "WHEN lead.email_domain = ANY(%s::text[]) OR lead.email_key <> '' AND EXISTS ("
            "SELECT 1 FROM people_user colleague WHERE colleague.email = lead.email_key AND colleague.is_active)"
            " THEN 'staff'",
            list(rules.staff),
        ),
        values(
            "WHEN coalesce(lead.email_domain = ANY(%s::text[]) OR account.domain = ANY(%s::text[]), FALSE)"
            " THEN 'competitor'",
            list(rules.competitors), list(rules.competitors),
        ),
    ]  # fmt: skip
    if rules.suppress_customers and customers:
        cases.append(Piece(f"WHEN {CUSTOMER} THEN 'customer'"))
    return of("CASE {} ELSE '' END", join(cases, " "))


CAN_CROSS = (
    f"CASE WHEN lead.outcome = '' AND lead.milestone = {Milestone.MGL.value} THEN 'advance'"
    f" WHEN lead.outcome IN ({', '.join(repr(one.value) for one in RETURNS)}) THEN 'requalify' ELSE '' END"
)
"""By which kind of move a lead would become an MQL; blank where it is one, or something further."""


def facts(rules: RuleSet, chosen: Piece, *, lock: bool = False, of_past: bool = False) -> Piece:
    """What the score needs of each of the chosen leads (a condition over `lead` and `account`), locked in order.

    A lead that was merged or taken back is none of them. `of_past`: customers are not suppressed but dated, as
    `customer_from`.
    """
    since = CUSTOMER_FROM if of_past and rules.suppress_customers else "NULL::timestamptz"
    return of(
        "SELECT lead.id AS lead_id, {} AS fit_points, {} AS suppressed_as, "
        f"{COUNTED_FROM} AS counted_from, {CAN_CROSS} AS crosses_by, {since} AS customer_from"
        " FROM leads_lead lead LEFT JOIN leads_account account ON account.id = lead.account_id"
        " WHERE lead.merged_into_id IS NULL AND lead.withdrawn_at IS NULL AND {}"
        + (" ORDER BY lead.id FOR NO KEY UPDATE OF lead" if lock else ""),
        fit_points(rules),
        suppressed(rules, customers=not of_past),
        chosen,
    )


def touches(columns: Piece, at: datetime) -> Piece:
    """`columns` of every touch that counts for the leads in `facts`, those of leads merged into them too."""
    return of("SELECT facts.lead_id, touch.* FROM facts CROSS JOIN LATERAL ({}) touch", _touches_of_one(columns, at))


def _touches_of_one(columns: Piece, at: datetime) -> Piece:
    """The same of one row of `facts`. Its own touches are looked up by the index, even while the tables are small; and
    those of merged leads one such lead after the other: a planner without statistics believes that they are many, and
    would look for them among the touches of everybody.
    """
    return of(
        "SELECT {} FROM (SELECT own.* FROM leads_touchpoint own WHERE own.lead_id = facts.lead_id UNION ALL"
        " SELECT theirs.* FROM (SELECT id FROM leads_lead WHERE merged_into_id = facts.lead_id OFFSET 0) merged"
        " CROSS JOIN LATERAL (SELECT * FROM leads_touchpoint WHERE lead_id = merged.id OFFSET 0) theirs"
        ") touch WHERE {}",
        columns,
        values(f"{ENGAGED} AND touch.at <= %s AND (facts.counted_from IS NULL OR touch.at > facts.counted_from)", at),
    )


def engaged(rules: RuleSet, at: datetime) -> Piece:
    """The sums of each group at that moment, as `s0`, `s1` …, and how many touches counted, of one row of `facts`.

    Each lead looks its touches up by an index: what the planner takes for a few leads may be fifty thousand, and two
    lists of that length that it joins row by row take minutes.
    """
    points = [
        of(f"({{}}) * {{}} AS p{index}", touch_points(rules, group), decay(group, at))
        for index, group in enumerate(rules.groups)
    ]
    columns = join([*points, Piece("touch.at")], ", ")
    sums = "".join(f", sum(p{index}) AS s{index}" for index in range(len(rules.groups)))
    return of(f"SELECT count(*) AS counted{sums} FROM ({{}}) touch", _touches_of_one(columns, at))


def scored(rules: RuleSet, at: datetime) -> Piece:
    """Every column of the score, over `facts`."""
    sums = [Piece(f"coalesce(engaged.s{index}, 0)") for index in range(len(rules.groups))]
    return of(
        "SELECT facts.lead_id, {} AS points, facts.fit_points, {} AS grade, ARRAY[{}]::float8[] AS sums,"
        " facts.suppressed_as, facts.counted_from, facts.crosses_by, engaged.counted"
        " FROM facts CROSS JOIN LATERAL ({}) engaged",
        total("facts.fit_points", capped(rules.groups, sums)),
        grade(rules, "facts.fit_points"),
        join(sums, ", "),
        engaged(rules, at),
    )


def crossing(rules: RuleSet) -> Piece:
    """Whether a scored lead is to become an MQL, over the columns of `scored`.

    One that comes back needs a touch since its last pass ended: what was known then must not bring it back at once.
    """
    return values(
        "points >= %s AND grade = ANY(%s::text[]) AND suppressed_as = '' AND"
        " (crosses_by = 'advance' OR (crosses_by = 'requalify' AND counted > 0))",
        rules.threshold, list(rules.accepted_grades),
    )  # fmt: skip


def scoring(rules: RuleSet, chosen: Piece, at: datetime, *, lock: bool = False) -> Piece:
    """The common beginning of every statement about scores: WITH facts and scored."""
    return of(
        "WITH facts AS MATERIALIZED ({}), scored AS MATERIALIZED ({})",
        facts(rules, chosen, lock=lock), scored(rules, at),
    )  # fmt: skip


def points_now(rules: RuleSet, at: datetime) -> Piece:
    """The points at that moment of a stored row, `score`, that these rules wrote."""
    left = [
        of(
            f"least({{}}, score.sums[{index}] * {{}})",
            values("%s::float8", group.cap),
            values(
                "exp(greatest(%s::float8 * date_part('epoch', %s::timestamptz - score.scored_at), -300))",
                rate(group), at,
            ),
        )
        for index, group in enumerate(rules.groups, start=1)
    ]  # fmt: skip
    engagement = join(left, " + ") if left else Piece("0")
    return of(f"floor(greatest(score.fit_points + {{}}, 0) + {ROUNDING})::int", engagement)


def scored_by(version_id: int) -> Piece:
    """Whether that version scored the lead last; over `lead`."""
    return values(
        "EXISTS (SELECT 1 FROM leads_score score WHERE score.lead_id = lead.id AND score.version_id = %s)", version_id
    )


def stood(rules: RuleSet, version_id: int, at: datetime) -> Piece:
    """Whether the lead of a row of `scored` was above the threshold already by the score that is stored; null where
    another version stored it, false where none did.
    """
    return of(
        "(SELECT CASE WHEN count(*) = 0 THEN FALSE"
        " ELSE bool_and(CASE WHEN score.version_id = {} THEN {} AND {} >= {} END) END"
        " FROM leads_score score WHERE score.lead_id = scored.lead_id)",
        values("%s", version_id),
        values("score.grade = ANY(%s::text[]) AND score.suppressed_as = ''", list(rules.accepted_grades)),
        points_now(rules, at),
        values("%s", rules.threshold),
    )
