"""Random histories: after every step the clocks are what a plain retelling of the promise says they are."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from alignment.lib.invariants import count_broken
from leads import intake, lifecycle
from leads.causes import Cause, Promise
from leads.decisions import Step
from leads.drafts import Draft
from leads.milestones import CauseSource, Kind
from leads.models import Journey, LeadTransition, Reason, Stage
from sla.invariants import INVARIANTS
from sla.models import Clock, ClockEvent
from sla.sweep import sweep
from tests.sla.stories import open_deal

TWO_DAYS = timedelta(hours=48)
DAYS = [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=day) for day in range(12)]
SALES_DATES = ("accepted_at", "sql_at", "sqo_at", "won_at", "closed_at")
STAGES = ("mgl", "mql", "sql", "sqo")
KINDS = [Kind.ADVANCE] * 4 + [Kind.CORRECT] * 2 + [kind for kind in Kind if kind != Kind.MERGE] + [Kind.MERGE]

dates = st.sampled_from([None, *DAYS])
moves = st.tuples(
    st.sampled_from(KINDS),
    st.sampled_from(STAGES),
    dates,
    st.sampled_from(Promise),
    st.integers(0, 9),
)
sweeps = st.sampled_from(DAYS)
histories = st.lists(moves | sweeps, min_size=1, max_size=25)


class Retelling:
    """What the clocks of one lead should say, told from its passes before and after each step."""

    def __init__(self):
        self.clocks = {}  # pass → [start, stop, why it was cancelled, whether it is silent]
        self.breached = set()

    def step(self, before, after, promise, now):
        for no, clock in self.clocks.items():
            self._follow(no, clock, after.get(no), now)
        for no, chapter in after.items():
            handed_over = chapter["reached"] >= 2 and (no not in before or before[no]["reached"] < 2)
            if handed_over and no not in self.clocks and promise != Promise.NONE and not void(chapter):
                self._start(no, chapter, promise, now)

    def _start(self, no, chapter, promise, now):
        waits, is_dated = not is_answered(chapter), bool(soonest(chapter))
        if promise == Promise.HISTORY and not (chapter["mql_at"] and (waits or is_dated)):
            return
        if chapter["mql_at"] or waits:
            self.clocks[no] = [chapter["mql_at"] or now, None, "", promise == Promise.HISTORY]
            self._follow(no, self.clocks[no], chapter, now)

    def _follow(self, no, clock, chapter, now):
        if void(chapter):
            clock[1:3] = [None, void(chapter)]
            return
        stop = (soonest(chapter) or clock[1] or now) if is_answered(chapter) else None
        clock[:3] = [chapter["mql_at"] or clock[0], stop, ""]
        if stop and stop > clock[0] + TWO_DAYS:
            self.breached.add(no)

    def sweep(self, at):
        for no, (start, stop, why, _) in self.clocks.items():
            if stop is None and not why and at > start + TWO_DAYS:
                self.breached.add(no)


def void(chapter):
    """Why no answer is owed; empty where one is."""
    if chapter is None or (chapter["mql_at"] is None and chapter["reached"] < 2):
        return "undone"
    if chapter["outcome"] == "merged":
        return "merged"
    return "attached" if chapter["outcome"] == "attached" and chapter["reached"] == 2 else ""


def is_answered(chapter):
    return bool(chapter["reached"] > 2 or chapter["outcome"] or soonest(chapter))


def soonest(chapter):
    return min((chapter[name] for name in SALES_DATES if chapter[name]), default=None)


def passes(lead_id):
    return {row["pass_no"]: row for row in Journey.objects.filter(lead_id=lead_id).values()}


def take(lead_id, kind, stage, at, promise, number):
    """Ask for one move; whether it is granted is not the question here."""
    rows = list(LeadTransition.objects.filter(lead_id=lead_id).order_by("seq").values_list("pk", flat=True))
    named = {Kind.REJECT: "reject", Kind.LOSE: "lose"}.get(kind)
    step = Step(
        lead_id,
        kind,
        at=at,
        is_undated=at is None and kind != Kind.UNDO,
        stage_id=Stage.objects.get(key=stage).pk if kind in (Kind.ADVANCE, Kind.CORRECT) else None,
        reason_id=Reason.objects.offered(named).first().pk if named else None,
        transition_id=rows[number % len(rows)] if kind == Kind.CORRECT else None,
        opportunity_id=open_deal() if kind == Kind.ATTACH else None,
        note="Told so" if kind == Kind.CORRECT else "",
    )
    source = CauseSource.API if kind == Kind.UNDO else CauseSource.IMPORT
    return lifecycle.move(steps=[step], cause=Cause(source, promise=promise))


def check(lead_id, story):
    rows = list(Clock.objects.dispositions().filter(lead_id=lead_id))
    assert {row.pass_no: [row.started_at, row.stopped_at, row.cancelled_why, row.is_silent] for row in rows} == (
        story.clocks
    )
    assert all(row.due_at == row.started_at + TWO_DAYS for row in rows)
    breaches = ClockEvent.objects.filter(kind="breached", clock__subject_kind="disposition")
    assert set(breaches.values_list("clock__pass_no", flat=True)) == story.breached


@pytest.mark.django_db
@settings(max_examples=80, deadline=None)
@given(entry=st.tuples(st.sampled_from(STAGES), dates, st.sampled_from(Promise)), history=histories)
def test_clocks_of_random_histories_are_what_the_promise_says(entry, history):
    with transaction.atomic():
        stage, at, promise = entry
        first = Step(0, Kind.ADVANCE, stage_id=Stage.objects.get(key=stage).pk, at=at, is_undated=at is None)
        cause = Cause(CauseSource.IMPORT, promise=promise)
        received = intake.receive(drafts=[Draft(name="Ada", steps=(first,))], cause=cause)
        [lead_id] = received.lead_ids
        story = Retelling()
        story.step({}, passes(lead_id), promise, received.moved.recorded_at)
        check(lead_id, story)
        for event in history:
            if isinstance(event, datetime):
                sweep(at=event)
                story.sweep(event)
            else:
                before = passes(lead_id)
                moved = take(lead_id, *event)
                story.step(before, passes(lead_id), event[3], moved.recorded_at)
            check(lead_id, story)
        broken = count_broken(INVARIANTS)
        del broken["Nothing has been due for more than five minutes, unless it was set aside"]
        assert {sentence: count for sentence, count in broken.items() if count} == {}
        transaction.set_rollback(True)
