"""Random passes of leads, and the rows that store them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from leads.milestones import Milestone
from leads.models import Journey, Opportunity, Reason, Source
from sla.models import Policy
from tests.dashboards.oracle import MQL, SQL, SQO, WON, Life, Owed
from tests.factories import make_clock, make_journey

ZONE = "America/Sao_Paulo"
"""Its clocks went forward at midnight of 4 November 2018, in the middle of these stories."""
FIRST = datetime(2018, 9, 1, tzinfo=UTC)
AT = datetime(2019, 3, 1, 12, tzinfo=UTC)
SOURCES = ("event", "search", None)
TOUCHES = ("first_touch", "worked")
HOUR = timedelta(hours=1)

# Few different moments, so that many fall on the same side of an edge, and some on the edge itself.
moments = st.one_of(
    st.sampled_from([datetime(2018, 10, 1, 3, tzinfo=UTC), datetime(2018, 11, 4, 3, tzinfo=UTC)]),
    st.integers(0, 170 * 24).map(lambda hours: FIRST + timedelta(hours=hours)),
)
maybe = st.none() | moments


@st.composite
def owed(draw, kind: str) -> Owed:
    """A touch that is owed within a day or an hour: given, overdue, excused, paused, cancelled or about to be due."""
    due_at = draw(moments | st.sampled_from([AT + hours * HOUR for hours in (1, 5, 9, 30)]))
    stopped_at = draw(maybe)
    is_running = stopped_at is None and due_at >= AT
    is_cancelled = stopped_at is None and draw(st.integers(0, 5)) == 0
    return Owed(
        kind=kind,
        started_at=due_at - draw(st.sampled_from([1, 24, 48])) * HOUR,
        due_at=due_at,
        stopped_at=stopped_at,
        is_cancelled=is_cancelled,
        is_excused=(stopped_at or AT) > due_at and not is_cancelled and draw(st.integers(0, 3)) == 0,
        is_paused=is_running and not is_cancelled and draw(st.integers(0, 3)) == 0,
    )


@st.composite
def lives(draw) -> Life:
    """One pass: undated, out of order and contradictory ones are as legal as in real data."""
    outcome = draw(st.sampled_from(["", "", "won", "lost", "rejected", "recycled", "attached", "merged"]))
    reached = WON if outcome == "won" else draw(st.integers(1, SQO))
    dates = {milestone: draw(maybe) for milestone in range(1, reached + 1)}
    is_primary = outcome != "attached" and draw(st.sampled_from([True, True, False]))
    answered = reached >= SQL or draw(st.booleans())
    accepted_at = draw(maybe) if reached >= SQL or (answered and outcome == "") else None
    due_at = draw(moments) if reached >= MQL and draw(st.booleans()) else None
    is_cancelled = bool(due_at) and draw(st.integers(0, 5)) == 0
    return Life(
        reached=reached,
        outcome=outcome,
        dates=dates,
        accepted_at=accepted_at,
        worked_at=draw(maybe) if accepted_at else None,
        closed_at=draw(maybe) if outcome else None,
        is_primary=is_primary,
        pass_no=draw(st.sampled_from([1, 1, 2])),
        source=draw(st.sampled_from(SOURCES)),
        deal=draw(st.sampled_from([None, "new", "expansion"])) if reached >= SQO else None,
        reason_is_miss=draw(st.booleans()),
        reason_is_agreed=draw(st.booleans()),
        due_at=due_at,
        stopped_at=draw(maybe) if due_at and not is_cancelled else None,
        is_cancelled=is_cancelled,
        owed=[draw(owed(kind)) for kind in TOUCHES if draw(st.booleans())],
    )


def store(told: Iterable[Life]) -> None:
    """The rows of these lives; each gets the key of its own."""
    sources = {key: Source.objects.get_or_create(key=key, defaults={"name": key})[0] for key in SOURCES if key}
    for life in told:
        life.pk = _store(life, sources).pk


def _store(life: Life, sources: dict[str, Source]) -> Journey:
    fields = {f"{Milestone(milestone).name.lower()}_at": moment for milestone, moment in life.dates.items()}
    if life.outcome in ("rejected", "lost"):
        fields["reason"] = _reason(life)
    if life.deal:
        fields["opportunity"] = Opportunity.objects.create(
            name="Deal", kind=life.deal, currency="EUR", created_at=FIRST
        )
    journey = make_journey(
        Milestone(life.reached), life.outcome, **fields, accepted_at=life.accepted_at, worked_at=life.worked_at,
        closed_at=life.closed_at, is_primary=life.is_primary, pass_no=life.pass_no, source=sources.get(life.source),
    )  # fmt: skip
    if life.due_at:
        cancelled = {"cancelled_at": life.due_at, "cancelled_why": "merged"} if life.is_cancelled else {}
        make_clock(journey, life.due_at, stopped_at=life.stopped_at, **cancelled)
    for one in life.owed:
        _owe(journey, one)
    return journey


def _owe(journey: Journey, one: Owed) -> None:
    facts = {"stopped_at": one.stopped_at, "excused_at": AT if one.is_excused else None}
    if one.is_cancelled:
        facts |= {"cancelled_at": one.due_at, "cancelled_why": "merged"}
    if one.is_paused:
        facts["paused_until"] = one.due_at
    make_clock(
        journey, one.due_at, policy=Policy.objects.in_force().get(subject_kind=one.kind), subject_kind=one.kind,
        started_at=one.started_at, **facts,
    )  # fmt: skip


def _reason(life: Life) -> Reason:
    kind = "reject" if life.outcome == "rejected" else "lose"
    key = f"{life.reason_is_miss}-{life.reason_is_agreed}"
    is_miss = life.reason_is_miss and kind == "reject"
    values = {"label": key, "counts_as_miss": is_miss, "is_offered": life.reason_is_agreed}
    return Reason.objects.get_or_create(kind=kind, key=key, defaults=values)[0]
