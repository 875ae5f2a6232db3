"""Random histories: after every step the clocks are what a plain retelling of the promise says they are, of leads, of
deals that have to be kept up to date, and of disputes that wait for an answer.
"""

import contextlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from alignment.lib.invariants import count_broken
from alignment.ops import versions
from alignment.people.models import Role
from leads import intake, lifecycle
from leads.causes import Cause, Promise
from leads.deals import closing, deals
from leads.decisions import Step
from leads.drafts import DealDraft, Draft
from leads.milestones import CauseSource, Kind, Milestone
from leads.models import (
    Journey,
    LeadTransition,
    Opportunity,
    OpportunityChange,
    OpportunityContact,
    Reason,
    Stage,
    Touchpoint,
)
from sla import disputes
from sla.invariants import INVARIANTS
from sla.models import Clock, ClockEvent, Dispute, PolicySet
from sla.models.dispute import Verdict
from sla.rules import Rule
from sla.sweep import sweep
from tests.factories import make_dispute, make_user
from tests.sla.stories import arrive, open_deal, promise, touch

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
            if self.clocks[no][2]:  # it joined a deal in time
                del self.clocks[no]

    def _follow(self, no, clock, chapter, now):
        if void(chapter):
            clock[1:3] = [None, void(chapter)]
            return
        if joined(chapter):
            clock[0] = chapter["mql_at"] or clock[0]
            is_late = soonest(chapter) > clock[0] + TWO_DAYS
            clock[1:3] = [soonest(chapter), ""] if is_late else [None, "attached"]
            if is_late:
                self.breached.add(no)
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
    return "attached" if joined(chapter) and not soonest(chapter) else ""


def joined(chapter):
    """Whether it joined an open deal instead of being answered."""
    return chapter["outcome"] == "attached" and chapter["reached"] <= 2


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


# Deals -----------------------------------------------------------------------------------------------------------

FIVE_DAYS = timedelta(days=5)
happenings = st.one_of(
    st.tuples(st.just("touch"), st.sampled_from(DAYS)),
    st.tuples(st.just("change"), st.none()),
    st.tuples(st.just("lose"), st.none()),
    st.tuples(st.just("reopen"), st.none()),
    st.tuples(st.just("sweep"), st.sampled_from(DAYS)),
)


def happen(what, at, deal, lead, number):
    """Something happens to a deal that its lead does not carry; what is not possible does not happen."""
    told = Cause(CauseSource.API)
    is_open = Opportunity.objects.get(pk=deal).state == "open"
    if what == "touch":
        touch(lead, at)
    elif what == "change":
        deals.change(opportunity_id=deal, changes={"name": f"Deal {number}"}, cause=told)
    elif what == "lose" and is_open:
        lost = Reason.objects.offered("lose").first().pk
        closing.lose(opportunity_id=deal, reason_id=lost, note="", cause=told)
    elif what == "reopen" and not is_open:
        closing.reopen(opportunity_id=deal, note="", cause=told)
    elif what == "sweep":
        sweep(at=at)


def check_deal(deal, lead, opened_at):
    """Each clock stops with the first update after its start; one runs while the deal is open, and none after."""
    clocks = list(Clock.objects.of_subjects("deal_update", [deal]).order_by("started_at"))
    changes = OpportunityChange.objects.filter(opportunity=deal).exclude(field="rate")
    updates = {each.at or each.recorded_at for each in changes} | set(
        Touchpoint.objects.filter(lead=lead, direction="outbound").values_list("at", flat=True)
    )
    is_open = Opportunity.objects.get(pk=deal).state == "open"
    assert [each.is_running for each in clocks].count(True) == is_open
    assert len({each.started_at for each in clocks}) == len(clocks)
    breached = ClockEvent.objects.filter(kind="breached", clock__in=clocks).values_list("clock", flat=True)
    for clock in clocks:
        assert clock.started_at in updates
        assert clock.due_at == clock.started_at + FIVE_DAYS
        assert clock.stopped_at == min((at for at in updates if at > clock.started_at), default=None)
        if clock.stopped_at and clock.stopped_at > clock.due_at:
            assert clock.pk in breached


@pytest.mark.django_db
@settings(max_examples=40, deadline=None)
@given(history=st.lists(happenings, min_size=1, max_size=15))
def test_an_open_deal_has_one_running_clock_and_each_update_meets_it(history):
    with transaction.atomic():
        promise(Rule("Updated", target=120), kind="deal_update")
        [lead] = arrive((Milestone.MQL, DAYS[0]))
        draft = DealDraft(name="Deal", currency="EUR", amount=Decimal(10), opened_at=DAYS[0])
        [deal] = deals.open_deals(drafts=[draft], cause=Cause(CauseSource.API))
        OpportunityContact.objects.create(opportunity_id=deal, lead_id=lead)
        check_deal(deal, lead, DAYS[0])
        for number, (what, at) in enumerate(history):
            happen(what, at, deal, lead, number)
            check_deal(deal, lead, DAYS[0])
        assert sound()
        transaction.set_rollback(True)


# Disputes --------------------------------------------------------------------------------------------------------

steps = st.lists(
    st.sampled_from(["agree", "disagree", "wait", "escalate", "uphold", "stand", "no promise", "sweep"]), max_size=8
)


@pytest.mark.django_db
@settings(max_examples=40, deadline=None)
@given(history=steps)
def test_the_clock_of_a_dispute_stops_with_its_answer_or_with_a_verdict_that_did_not_wait(history):
    with transaction.atomic():
        dispute = make_dispute()
        for step in history:
            argue(step, dispute.pk)
            dispute = Dispute.objects.get(pk=dispute.pk)
            [clock] = Clock.objects.of_subjects("dispute_answer", [dispute.pk])
            ended_at = dispute.answered_at or dispute.closed_at
            is_kept = not ended_at or dispute.answered_at or ended_at > clock.due_at
            assert clock.stopped_at == (ended_at if is_kept else None)
            assert bool(clock.cancelled_at) == (not is_kept)
        assert sound()
        transaction.set_rollback(True)


def argue(step, pk):
    """One step of a dispute; what is not possible is refused."""
    by, now = make_user(Role.REVOPS), lifecycle.database_now()
    with contextlib.suppress(ValidationError):
        match step:
            case "agree" | "disagree":
                disputes.answer(dispute_id=pk, agrees=step == "agree", text="So it is.", by=by)
            case "uphold" | "stand":
                verdict = Verdict.UPHELD if step == "uphold" else Verdict.STANDS
                disputes.decide(dispute_id=pk, verdict=verdict, why="Looked at it.", by=by)
            case "wait":
                Clock.objects.of_subjects("dispute_answer", [pk]).filter(stopped_at=None, cancelled_at=None).update(
                    started_at=now - 3 * TWO_DAYS, due_at=now - 2 * TWO_DAYS
                )
                Dispute.objects.filter(pk=pk, answered_at=None, verdict="").update(raised_at=now - 3 * TWO_DAYS)
            case "escalate":
                disputes.escalate_overdue(at=now)
            case "sweep":
                sweep(at=now + 2 * TWO_DAYS)
            case "no promise":
                if published := PolicySet.published("dispute_answer"):
                    versions.retire(published, by=None)


def sound():
    broken = count_broken(INVARIANTS)
    del broken["Nothing has been due for more than five minutes, unless it was set aside"]
    del broken["A clock of elapsed hours that was never paused is due as its policy says"]
    return not any(broken.values())
