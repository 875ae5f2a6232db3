"""The rules of the lifecycle, each by its name."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from leads import lifecycle
from leads.deals import deals
from leads.decisions import Code
from leads.drafts import DealDraft
from leads.milestones import CauseSource, Kind, Milestone, Outcome
from leads.models import Lead, LeadTransition, NurtureTrack, Opportunity, Reason, Stage
from tests.factories import make_user
from tests.leads.stories import (
    HISTORY,
    arrive,
    arrived,
    by,
    codes,
    day,
    journey,
    learn,
    reason,
    rows,
    stage,
    standing,
    step,
    to,
    where,
)  # fmt: skip

pytestmark = pytest.mark.django_db

BANT = ("budget", "authority", "need", "timeline")


def open_deal(**fields):
    return deals.open_deals(
        drafts=[DealDraft(**{"name": "Deal", "currency": "EUR", "expected_close_on": date(2026, 6, 30)} | fields)],
        cause=by(),
    )[0]


class TestForward:
    def test_a_move_dates_its_milestone_and_says_where_it_came_from(self):
        lead = arrived(to("mgl", day(1)))
        lifecycle.advance(lead_ids=[lead], to=stage("mql"), cause=by(at=day(3)), qualified_by="hand_raise")
        assert where(lead) == ("mql", "")
        assert (journey(lead).mgl_at, journey(lead).mql_at) == (day(1), day(3))
        assert journey(lead).qualified_by == "hand_raise"
        assert [(row.from_stage and row.from_stage.key, row.to_stage.key) for row in rows(lead)] == [
            (None, "mgl"),
            ("mgl", "mql"),
        ]

    def test_a_skipped_milestone_is_reached_without_a_date(self):
        lead = arrived(to("mgl", day(1)), to("sqo", day(5)))
        assert journey(lead).reached == Milestone.SQO
        assert (journey(lead).mql_at, journey(lead).sql_at, journey(lead).accepted_at) == (None, None, None)
        assert journey(lead).sqo_at == day(5)

    def test_a_move_without_a_stated_time_is_of_now_by_the_database(self):
        lead = arrived()
        moved = lifecycle.accept(lead_ids=[lead], cause=by())
        assert journey(lead).accepted_at == moved.recorded_at

    def test_accepting_dates_acceptance_and_sql(self):
        lead = arrived()
        lifecycle.accept(lead_ids=[lead], cause=by(at=day(4)))
        assert (journey(lead).accepted_at, journey(lead).sql_at) == (day(4), day(4))

    def test_entering_sql_counts_as_acceptance_also_when_its_date_is_learnt_later(self):
        lead = arrived(to("mql", day(2)), to("sql"))
        assert journey(lead).accepted_at is None
        learn(lead, to("sql", day(6)))
        learn(lead, to("sql", day(5)))
        assert (journey(lead).accepted_at, journey(lead).sql_at) == (day(5), day(5))

    def test_a_separate_accepted_stage_comes_before_sql(self):
        Stage.objects.create(key="sal", name="SAL", milestone=Milestone.MQL, position=25, owning_side="sales")
        lead = arrived()
        lifecycle.accept(lead_ids=[lead], cause=by(at=day(4)))
        assert where(lead) == ("sal", "")
        assert (journey(lead).mql_at, journey(lead).accepted_at, journey(lead).sql_at) == (day(2), day(4), None)
        lifecycle.advance(lead_ids=[lead], to=stage("sql"), cause=by(at=day(6)))
        assert (journey(lead).accepted_at, journey(lead).sql_at) == (day(4), day(6))

    def test_a_second_stage_of_a_milestone_does_not_date_it(self):
        lead = arrived(to("sqo"), to("proposal", day(9)))
        assert journey(lead).sqo_at is None
        assert codes(learn(lead, to("proposal", day(8)))) == [Code.ALREADY]

    def test_the_stage_by_which_a_milestone_was_skipped_into_dates_it(self):
        lead = arrived(to("sql", day(3)), to("proposal", day(9)))
        assert journey(lead).sqo_at == day(9)
        learn(lead, to("sqo", day(7)))
        assert journey(lead).sqo_at == day(7)

    def test_a_lead_becomes_a_customer_by_winning_only(self):
        lead = arrived(to("sql", day(3)))
        moved = lifecycle.advance(lead_ids=[lead], to=stage("won"), cause=by(source=CauseSource.PAGE))
        assert codes(moved) == [Code.NOT_ALLOWED]
        lifecycle.win(lead_ids=[lead], cause=by(at=day(9)))
        assert where(lead) == ("won", Outcome.WON)
        assert (journey(lead).won_at, journey(lead).closed_at) == (day(9), day(9))

    def test_nothing_goes_back(self):
        lead = arrived(to("sqo", day(3)))
        assert codes(lifecycle.advance(lead_ids=[lead], to=stage("sql"), cause=by())) == [Code.ALREADY]

    def test_an_unknown_lead_is_refused_and_the_others_go_through(self):
        lead = arrived()
        moved = lifecycle.accept(lead_ids=[lead, lead + 999], cause=by())
        assert codes(moved) == [Code.UNKNOWN_LEAD]
        assert moved.lead_ids == [lead]


class TestReasons:
    @pytest.mark.parametrize(("verb", "start"), [(lifecycle.reject, "mql"), (lifecycle.lose, "sqo")])
    def test_a_rejection_and_a_lost_deal_need_one(self, verb, start):
        lead = arrived(to(start, day(2)))
        assert codes(verb(lead_ids=[lead], reason_id=None, cause=by())) == [Code.REASON]
        assert where(lead) == (start, "")

    def test_it_comes_from_the_list_of_its_own_kind(self):
        lead = arrived()
        assert codes(lifecycle.reject(lead_ids=[lead], reason_id=reason("lose"), cause=by())) == [Code.REASON]
        assert codes(lifecycle.recycle(lead_ids=[lead], reason_id=reason("reject"), cause=by())) == [Code.REASON]
        assert codes(lifecycle.reject(lead_ids=[lead], reason_id=99_999, cause=by())) == [Code.REASON]

    def test_a_recycled_lead_may_have_one_with_track_and_date(self):
        lead, track = arrived(), NurtureTrack.objects.first()
        lifecycle.recycle(
            lead_ids=[lead], cause=by(at=day(5)), reason_id=reason("recycle"), track_id=track.pk,
            revisit_on=date(2026, 9, 1),
        )  # fmt: skip
        assert (journey(lead).outcome, journey(lead).track, journey(lead).revisit_on) == (
            Outcome.RECYCLED, track, date(2026, 9, 1),
        )  # fmt: skip


class TestWhoWasFirst:
    def test_the_second_rep_is_told_who_accepted(self):
        lead, ana, bruno = arrived(), make_user(), make_user()
        lifecycle.accept(lead_ids=[lead], cause=by(ana.pk))
        moved = lifecycle.accept(lead_ids=[lead], cause=by(bruno.pk))
        assert codes(moved) == [Code.ALREADY]
        assert [(row.actor, row.kind) for row in standing(moved)] == [(ana, Kind.ACCEPT)]

    def test_evidence_that_came_in_between_was_not_first(self):
        lead, ana = arrived(), make_user()
        lifecycle.accept(lead_ids=[lead], cause=by(ana.pk))
        learn(lead, to("mql", day(1)))
        [row] = standing(lifecycle.accept(lead_ids=[lead], cause=by()))
        assert row.actor == ana

    def test_another_decision_is_a_conflict(self):
        lead, ana = arrived(), make_user()
        lifecycle.reject(lead_ids=[lead], reason_id=reason("reject"), cause=by(ana.pk))
        moved = lifecycle.accept(lead_ids=[lead], cause=by())
        assert codes(moved) == [Code.CONFLICT]
        assert [row.actor for row in standing(moved)] == [ana]
        assert "already rejected" in moved.refused[0].message

    def test_that_a_stage_asks_for_more_is_said_only_where_nobody_was_first(self):
        lead = arrived(to("proposal", day(3)))
        moved = lifecycle.advance(lead_ids=[lead], to=stage("sqo"), cause=by())
        assert codes(moved) == [Code.ALREADY]

    def test_what_history_says_again_is_no_conflict(self):
        story = (to("mql", day(2)), step(Kind.ACCEPT, day(3)), step(Kind.WIN, day(9)))
        lead = arrived(*story)
        assert codes(learn(lead, *story)) == [Code.ALREADY] * 3
        assert len(rows(lead)) == 3


class TestLateEvidence:
    def test_an_earlier_date_moves_a_milestone_back_and_a_later_one_does_not(self):
        lead = arrived(to("mql", day(5)))
        assert codes(learn(lead, to("mql", day(3)))) == []
        assert codes(learn(lead, to("mql", day(4)))) == [Code.ALREADY]
        assert journey(lead).mql_at == day(3)

    def test_it_fills_in_a_skipped_milestone_and_leaves_the_stage(self):
        lead = arrived(to("mgl", day(1)), to("sqo", day(6)))
        learn(lead, to("mql", day(2)), step(Kind.ACCEPT, day(4)))
        assert (journey(lead).mql_at, journey(lead).accepted_at, journey(lead).sql_at) == (day(2), day(4), day(4))
        assert where(lead) == ("sqo", "")

    def test_it_dates_the_close_earlier(self):
        lead = arrived(to("sqo", day(3)), step(Kind.WIN, day(9)))
        learn(lead, step(Kind.WIN, day(8)))
        assert (journey(lead).won_at, journey(lead).closed_at) == (day(8), day(8))
        assert where(lead) == ("won", Outcome.WON)

    def test_contradictory_dates_are_stored_as_they_are(self):
        lead = arrived(to("mql", day(9)), to("sql", day(3)))
        assert (journey(lead).mql_at, journey(lead).sql_at) == (day(9), day(3))

    def test_history_of_an_earlier_pass_is_none_of_the_new_one(self):
        story = (to("mql", day(2)), step(Kind.RECYCLE, day(4)), step(Kind.REQUALIFY, day(10)))
        lead = arrived(*story)
        again = learn(lead, *story, step(Kind.ACCEPT, day(3)))
        assert codes(again) == [Code.ALREADY] * 4
        assert (journey(lead).pass_no, journey(lead).mql_at, journey(lead).accepted_at) == (2, day(10), None)


class TestPasses:
    def test_requalifying_opens_the_next_pass_as_mgl_and_mql(self):
        lead = arrived(to("mql", day(2)), step(Kind.RECYCLE, day(4)))
        lifecycle.requalify(lead_ids=[lead], cause=by(at=day(10)))
        first, second = journey(lead, 1), journey(lead, 2)
        assert (first.mql_at, first.outcome, first.closed_at) == (day(2), Outcome.RECYCLED, day(4))
        assert (second.mgl_at, second.mql_at, second.entered_at, second.outcome) == (day(10), day(10), day(10), "")

    def test_a_pass_keeps_source_and_campaign_of_its_entry(self):
        lead = arrived(to("mql", day(2)), step(Kind.RECYCLE, day(4)), source="Organic search")
        Lead.objects.filter(pk=lead).update(source=None)
        lifecycle.requalify(lead_ids=[lead], cause=by())
        assert journey(lead, 1).source.key == "organic_search"
        assert journey(lead, 2).source is None

    def test_an_open_pass_cannot_be_requalified(self):
        assert codes(lifecycle.requalify(lead_ids=arrive(), cause=by())) == [Code.CONFLICT]

    def test_reopening_restores_what_the_close_took(self):
        lead = arrived(to("sqo", day(3)), step(Kind.WIN, day(9)))
        lifecycle.reopen(lead_ids=[lead], cause=by())
        assert where(lead) == ("sqo", "")
        found = journey(lead)
        assert (found.reached, found.outcome, found.won_at, found.closed_at) == (Milestone.SQO, "", None, None)
        assert (found.pass_no, found.sqo_at) == (1, day(3))

    def test_a_lost_lead_that_is_reopened_has_no_reason_any_more(self):
        lead = arrived(to("sqo", day(3)), step(Kind.LOSE, day(9)))
        lifecycle.reopen(lead_ids=[lead], cause=by())
        assert journey(lead).reason is None

    @pytest.mark.parametrize("kind", [Kind.REJECT, Kind.RECYCLE])
    def test_a_lead_with_an_open_deal_is_lost_and_not_sent_back(self, kind):
        assert codes(learn(arrived(to("sqo", day(3))), step(kind, day(4)))) == [Code.NOT_ALLOWED]

    def test_a_lead_that_sales_never_accepted_is_rejected_and_not_lost(self):
        assert codes(learn(arrived(), step(Kind.LOSE, day(4)))) == [Code.NOT_ALLOWED]

    def test_several_steps_of_a_lead_are_taken_in_one_call(self):
        lead = arrived(to("mql", day(2)), step(Kind.RECYCLE, day(3)), step(Kind.REQUALIFY, day(9)))
        learn(lead, step(Kind.ACCEPT, day(10)), to("sqo", day(11)), step(Kind.WIN, day(12)))
        assert (journey(lead).pass_no, journey(lead).sqo_at, journey(lead).won_at) == (2, day(11), day(12))


class TestAttach:
    def test_the_lead_joins_the_deal_and_leaves_the_funnel_under_its_own_name(self):
        lead, deal = arrived(), open_deal()
        lifecycle.attach(lead_ids=[lead], opportunity_id=deal, cause=by(at=day(4)))
        found = journey(lead)
        assert (found.outcome, found.opportunity_id, found.is_primary) == (Outcome.ATTACHED, deal, False)
        assert Opportunity.objects.get(pk=deal).contacts.get().lead_id == lead

    def test_reopening_gives_back_the_deal_of_before(self):
        lead = arrived()
        own, other = open_deal(lead_id=lead, amount=Decimal(100)), open_deal()
        lifecycle.advance(lead_ids=[lead], to=stage("sqo"), cause=by(), opportunity_id=own, confirmations=BANT)
        lifecycle.attach(lead_ids=[lead], opportunity_id=other, cause=by())
        lifecycle.reopen(lead_ids=[lead], cause=by())
        assert (journey(lead).opportunity_id, journey(lead).is_primary) == (own, True)

    def test_only_an_open_deal_of_the_same_company_can_be_joined(self):
        ours, theirs = arrived(company_name="Acme"), arrived(email="bo@other.example", company_name="Other")
        account = Lead.objects.get(pk=theirs).account_id
        closed = open_deal(account_id=account)
        Opportunity.objects.filter(pk=closed).update(state="lost")
        for lead, deal in [(theirs, closed), (ours, open_deal(account_id=account)), (ours, 99_999)]:
            moved = lifecycle.attach(lead_ids=[lead], opportunity_id=deal, cause=by())
            assert codes(moved) == [Code.CRITERIA]

    def test_an_attached_lead_is_not_requalified(self):
        lead = arrived()
        lifecycle.attach(lead_ids=[lead], opportunity_id=open_deal(), cause=by())
        assert codes(lifecycle.requalify(lead_ids=[lead], cause=by())) == [Code.CONFLICT]


class TestUndo:
    def test_it_takes_back_the_newest_move_and_its_date(self):
        lead = arrived()
        lifecycle.accept(lead_ids=[lead], cause=by())
        lifecycle.undo(lead_id=lead, cause=by())
        assert where(lead) == ("mql", "")
        assert (journey(lead).accepted_at, journey(lead).sql_at) == (None, None)
        assert [row.kind for row in rows(lead)] == [Kind.ADVANCE, Kind.ACCEPT, Kind.UNDO]

    def test_a_row_that_is_not_the_newest_any_more_stays(self):
        lead = arrived()
        lifecycle.accept(lead_ids=[lead], cause=by())
        accepted = rows(lead)[-1]
        lifecycle.recycle(lead_ids=[lead], cause=by())
        moved = lifecycle.undo(lead_id=lead, transition_id=accepted.pk, cause=by())
        assert codes(moved) == [Code.CONFLICT]
        assert [row.kind for row in standing(moved)] == [Kind.RECYCLE]

    def test_undoing_twice_takes_back_two_moves(self):
        lead = arrived()
        lifecycle.accept(lead_ids=[lead], cause=by())
        lifecycle.recycle(lead_ids=[lead], cause=by())
        lifecycle.undo(lead_id=lead, cause=by())
        assert where(lead) == ("sql", "")
        lifecycle.undo(lead_id=lead, cause=by())
        assert where(lead) == ("mql", "")

    def test_the_first_move_of_a_lead_stays(self):
        assert codes(lifecycle.undo(lead_id=arrived(), cause=by())) == [Code.NOT_ALLOWED]

    def test_after_24_hours_only_a_correction_helps(self):
        lead = arrived()
        lifecycle.accept(lead_ids=[lead], cause=by())
        age(rows(lead)[-1], timedelta(hours=24, seconds=1))
        moved = lifecycle.undo(lead_id=lead, cause=by())
        assert codes(moved) == [Code.TOO_LATE]
        age(rows(lead)[-1], timedelta(hours=23, minutes=59))
        assert codes(lifecycle.undo(lead_id=lead, cause=by())) == []

    def test_undoing_a_requalification_drops_its_pass(self):
        lead = arrived(to("mql", day(2)), step(Kind.RECYCLE, day(4)))
        lifecycle.requalify(lead_ids=[lead], cause=by())
        lifecycle.undo(lead_id=lead, cause=by())
        assert where(lead) == ("mql", Outcome.RECYCLED)
        assert journey(lead).pass_no == 1
        lifecycle.requalify(lead_ids=[lead], cause=by(at=day(20)))
        assert (journey(lead).pass_no, journey(lead).mql_at) == (2, day(20))

    def test_two_undos_in_one_call_open_the_pass_before(self):
        lead = arrived(to("mql", day(2)), step(Kind.RECYCLE, day(4)), step(Kind.REQUALIFY, day(6)))
        assert codes(learn(lead, step(Kind.UNDO), step(Kind.UNDO))) == []
        assert where(lead) == ("mql", "")
        assert journey(lead).pass_no == 1

    def test_a_move_and_its_undo_do_not_come_in_one_call(self):
        lead = arrived()
        assert codes(learn(lead, step(Kind.ACCEPT, day(4)), step(Kind.UNDO))) == [Code.NOT_ALLOWED]
        connection.check_constraints()


class TestCorrect:
    def test_it_replaces_the_date(self):
        lead = arrived()
        lifecycle.correct(lead_id=lead, transition_id=rows(lead)[0].pk, at=day(5), note="Misread", cause=by())
        assert journey(lead).mql_at == day(5)
        assert rows(lead)[0].at == day(2)

    def test_it_can_say_that_nobody_knows_the_date(self):
        lead = arrived()
        lifecycle.correct(lead_id=lead, transition_id=rows(lead)[0].pk, at=None, note="Invented", cause=by())
        assert journey(lead).mql_at is None

    def test_it_replaces_the_stage_of_an_advance(self):
        lead = arrived(to("mgl", day(1)), to("sqo", day(3)))
        lifecycle.correct(
            lead_id=lead, transition_id=rows(lead)[1].pk, at=day(3), to=stage("mql"), note="Wrong row", cause=by()
        )
        assert where(lead) == ("mql", "")
        assert (journey(lead).mql_at, journey(lead).sqo_at) == (day(3), None)

    def test_it_replaces_a_reason_by_one_of_the_same_kind(self):
        lead = arrived(to("mql", day(2)), step(Kind.REJECT, day(3)))
        row = rows(lead)[-1]
        right = {"lead_id": lead, "transition_id": row.pk, "at": day(3), "note": "Misheard", "cause": by()}
        assert codes(lifecycle.correct(**right, reason_id=reason("lose"))) == [Code.REASON]
        new = Reason.objects.get(kind="reject", key="competitor").pk
        lifecycle.correct(**right, reason_id=new)
        assert (journey(lead).reason_id, journey(lead).closed_at) == (new, day(3))

    def test_it_says_why(self):
        lead = arrived()
        moved = lifecycle.correct(lead_id=lead, transition_id=rows(lead)[0].pk, at=day(5), note=" ", cause=by())
        assert codes(moved) == [Code.REASON]

    def test_the_newest_correction_wins_until_it_is_undone(self):
        lead = arrived()
        for moment in (day(5), day(6)):
            lifecycle.correct(lead_id=lead, transition_id=rows(lead)[0].pk, at=moment, note="Misread", cause=by())
        assert journey(lead).mql_at == day(6)
        lifecycle.undo(lead_id=lead, cause=by())
        assert journey(lead).mql_at == day(5)

    def test_an_earlier_pass_can_be_corrected(self):
        lead = arrived(to("mql", day(2)), step(Kind.RECYCLE, day(4)), step(Kind.REQUALIFY, day(9)))
        lifecycle.correct(lead_id=lead, transition_id=rows(lead)[1].pk, at=day(5), note="Misread", cause=by())
        assert (journey(lead, 1).closed_at, journey(lead, 2).mql_at) == (day(5), day(9))

    def test_a_move_that_was_undone_cannot_be_corrected(self):
        lead = arrived()
        lifecycle.accept(lead_ids=[lead], cause=by())
        accepted = rows(lead)[-1]
        lifecycle.undo(lead_id=lead, cause=by())
        moved = lifecycle.correct(lead_id=lead, transition_id=accepted.pk, at=day(5), note="Misread", cause=by())
        assert codes(moved) == [Code.NOT_ALLOWED]

    @pytest.mark.parametrize(("row", "key"), [(0, "won"), (1, "sqo")])
    def test_a_win_and_the_stage_of_another_kind_are_not_corrected_into_being(self, row, key):
        lead = arrived(to("mql", day(2)), step(Kind.ACCEPT, day(3)))
        moved = lifecycle.correct(
            lead_id=lead, transition_id=rows(lead)[row].pk, at=day(5), to=stage(key), note="Misread", cause=by()
        )
        assert codes(moved) == [Code.NOT_ALLOWED]


class TestCriteria:
    def test_a_stage_says_what_is_missing(self):
        lead = arrived(to("sql", day(3)))
        moved = lifecycle.advance(lead_ids=[lead], to=stage("sqo"), cause=by(), confirmations=BANT[:2])
        assert codes(moved) == [Code.CRITERIA]
        assert moved.refused[0].message == (
            "Sales opportunity needs need confirmed, timeline confirmed and an opportunity with an amount and an "
            "expected close date."
        )
        assert where(lead) == ("sql", "")

    def test_bant_and_a_deal_with_an_amount_open_the_door(self):
        lead = arrived(to("sql", day(3)))
        deal = open_deal(lead_id=lead, amount=Decimal(100))
        moved = lifecycle.advance(lead_ids=[lead], to=stage("sqo"), cause=by(), confirmations=BANT, opportunity_id=deal)
        assert codes(moved) == []
        assert rows(lead)[-1].confirmations == list(BANT)

    def test_a_deal_without_an_amount_does_not(self):
        lead = arrived(to("sql", day(3)))
        moved = lifecycle.advance(
            lead_ids=[lead], to=stage("sqo"), cause=by(), confirmations=BANT, opportunity_id=open_deal(lead_id=lead)
        )
        assert codes(moved) == [Code.CRITERIA]

    def test_required_fields_are_asked_of_each_lead_by_itself(self):
        Stage.objects.filter(key="sql").update(criteria={"fields": ["phone", "title"]})
        ready, bare = arrived(phone="+49 30 1234", title="CTO"), arrived(phone="+49 30 1234")
        moved = lifecycle.accept(lead_ids=[ready, bare], cause=by())
        assert (moved.lead_ids, [refusal.lead_id for refusal in moved.refused]) == ([ready], [bare])
        assert moved.refused[0].message == "Sales accepted needs a job title."

    def test_an_override_is_logged_and_says_why(self):
        lead = arrived(to("sql", day(3)))
        assert codes(lifecycle.advance(lead_ids=[lead], to=stage("sqo"), cause=by(), override=True)) == [Code.REASON]
        lifecycle.advance(lead_ids=[lead], to=stage("sqo"), cause=by(), override=True, note="Old customer")
        row = LeadTransition.objects.get(is_override=True)
        assert (row.lead_id, row.note.text) == (lead, "Old customer")

    def test_history_is_recorded_and_not_judged(self):
        lead = arrived(to("sql", day(3)))
        assert codes(learn(lead, to("sqo", day(4)), cause=HISTORY)) == []

    def test_evidence_of_what_was_reached_is_not_judged(self):
        lead = arrived(to("sqo", day(4)))
        assert codes(learn(lead, to("sqo", day(3)), cause=by())) == []

    def test_what_brings_a_lead_back_is_judged(self):
        lead = arrived(to("mql", day(2)), step(Kind.RECYCLE, day(3)))
        Stage.objects.filter(key="mql").update(criteria={"fields": ["phone"]})
        assert codes(lifecycle.requalify(lead_ids=[lead], cause=by())) == [Code.CRITERIA]


class TestDeals:
    def test_a_won_lead_wins_its_deal_and_an_undo_opens_it_again(self):
        lead = arrived(to("sql", day(3)))
        deal = open_deal(lead_id=lead, amount=Decimal(100))
        lifecycle.advance(lead_ids=[lead], to=stage("sqo"), cause=by(), confirmations=BANT, opportunity_id=deal)
        lifecycle.win(lead_ids=[lead], cause=by())
        assert Opportunity.objects.get(pk=deal).state == "won"
        lifecycle.undo(lead_id=lead, cause=by())
        assert Opportunity.objects.get(pk=deal).state == "open"

    def test_a_deal_goes_with_the_newest_pass_that_carries_it(self):
        lead = arrived(to("sql", day(3)))
        deal = open_deal(lead_id=lead, amount=Decimal(100))
        again = {"to": stage("sqo"), "confirmations": BANT, "opportunity_id": deal}
        lifecycle.advance(lead_ids=[lead], cause=by(), **again)
        lifecycle.lose(lead_ids=[lead], reason_id=reason("lose"), cause=by())
        lifecycle.requalify(lead_ids=[lead], cause=by())
        lifecycle.advance(lead_ids=[lead], cause=by(), **again)
        assert Opportunity.objects.get(pk=deal).state == "open"
        lifecycle.win(lead_ids=[lead], cause=by())
        assert Opportunity.objects.get(pk=deal).state == "won"


def age(row, by_how_much):
    """Make a row look recorded that long ago; only a test may, and it has to switch the trigger off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE leads_leadtransition DISABLE TRIGGER leads_leadtransition_append_only")
        cursor.execute(
            "UPDATE leads_leadtransition SET recorded_at = clock_timestamp() - %s WHERE id = %s", [by_how_much, row.pk]
        )
        cursor.execute("ALTER TABLE leads_leadtransition ENABLE TRIGGER leads_leadtransition_append_only")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
