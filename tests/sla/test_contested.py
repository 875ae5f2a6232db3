"""Contesting a broken promise, and who brought a deal: what the verdict does to figures, and what it leaves."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from alignment.lib.invariants import count_broken
from alignment.ops.models import Notification
from alignment.people.models import Role, Side
from leads import lifecycle
from leads.deals import sourcing
from leads.lifecycle import database_now
from leads.milestones import Milestone
from leads.models import Opportunity
from sla import contesting, disputes
from sla.invariants import INVARIANTS
from sla.models import Clock, ClockEvent, Dispute
from sla.models.dispute import Verdict
from sla.sweep import sweep
from tests.api.asking import api
from tests.factories import make_free_deal, make_lead, make_user
from tests.pages import text
from tests.sla.stories import HOUR, arrive, cause, clock_of, kinds

pytestmark = pytest.mark.django_db


@pytest.fixture
def answering():
    """The manager of marketing, who answers when sales contests."""
    person = make_user(Role.MANAGER, Side.MARKETING, name="Mara Lindt")
    person.team.manager = person
    person.team.save()
    return person


@pytest.fixture
def rep():
    return make_user(Role.REP, name="Ada Holder")


@pytest.fixture
def late(rep):
    """The clock of an answer that is three hours late."""
    return clock_of(make_lead(owner=rep, left=-3 * HOUR).pk)


def contest(clock, by, why="The form had no phone number."):
    return contesting.contest_breach(clock_id=clock.pk, evidence=why, by=by)


def attainment():
    found = Clock.objects.dispositions().attainment(database_now())
    return found.met, found.breached


class TestBreach:
    def test_the_other_sides_manager_is_asked_with_the_receipt_of_now(self, late, rep, answering):
        dispute = contest(late, rep)
        assert (dispute.kind, dispute.side, dispute.asked, dispute.state) == (
            "breach", Side.MARKETING, answering, "Waits for marketing",
        )  # fmt: skip
        assert dispute.receipt["charged"] == rep.pk
        assert ClockEvent.objects.get(clock=late, kind="contested").detail["receipt"] == dispute.receipt
        assert Notification.objects.get(kind="dispute_raised").user == answering

    def test_marketing_can_contest_it_too_and_sales_answers(self, late):
        assert contest(late, make_user(Role.MARKETER)).side == Side.SALES

    def test_once_and_with_a_reason_and_only_a_breach(self, late, rep):
        [fresh] = arrive((Milestone.MQL, database_now()))
        with pytest.raises(ValidationError, match="not broken"):
            contest(clock_of(fresh), rep)
        with pytest.raises(ValidationError, match="Say why"):
            contest(late, rep, "  ")
        contest(late, rep)
        with pytest.raises(ValidationError, match="already"):
            contest(late, make_user())

    def test_an_upheld_one_is_late_as_before_and_no_figure_counts_it(self, late, rep, answering):
        make_lead(owner=rep, left=-HOUR)
        sweep()
        assert attainment() == (0, 2)
        disputes.answer(dispute_id=contest(late, rep).pk, agrees=True, text="It was missing.", by=answering)

        late.refresh_from_db()
        now = database_now()
        assert (late.is_breached(now), late.is_excused(now), attainment()) == (True, True, (0, 1))
        assert (late.next_at, kinds(late.lead_id)[-1]) == (None, "excused")
        found = Clock.objects.dispositions()
        assert [found.excused(now).get(), found.overdue(now).count()] == [late, 2]
        assert late not in found.breached(now)
        assert not any(count_broken(INVARIANTS).values())

    def test_one_that_stands_counts_as_before(self, late, rep, answering):
        dispute = contest(late, rep)
        disputes.answer(dispute_id=dispute.pk, agrees=False, text="It was there.", by=answering)
        disputes.decide(dispute_id=dispute.pk, verdict=Verdict.STANDS, why="It was.", by=make_user(Role.REVOPS))
        late.refresh_from_db()
        assert (late.excused_at, attainment()) == (None, (0, 1))

    def test_what_turns_out_to_be_in_time_counts_as_kept_although_it_was_excused(self, late, rep, answering):
        disputes.answer(dispute_id=contest(late, rep).pk, agrees=True, text="Yes.", by=answering)
        lifecycle.accept(lead_ids=[late.lead_id], cause=cause(late.due_at - HOUR))
        late.refresh_from_db()
        assert (late.is_excused(database_now()), attainment()) == (False, (1, 0))

    def test_two_clicks_on_the_page_of_the_clock(self, client, late, rep, answering):
        client.force_login(rep)
        address = f"/clocks/{late.pk}/"
        assert "Contest this" in client.get(address).content.decode()
        assert client.post(f"{address}contest/", {"evidence": ""}).status_code == 422
        page = text(client.post(f"{address}contest/", {"evidence": "No phone number."}, follow=True))
        assert "Mara Lindt answers by" in page
        assert "charged to Ada Holder" in page
        assert client.post(f"{address}contest/", {"evidence": "Again."}).status_code == 422

        client.force_login(answering)
        dispute = Dispute.objects.get()
        assert "Agree and excuse it" in text(client.get(reverse("dispute", args=[dispute.pk])))
        client.post(reverse("dispute_answer", args=[dispute.pk]), {"text": "Right.", "agrees": "yes"})
        assert "Excused: it is late, but no figure counts it as broken." in text(client.get(address))
        assert "Excused" in text(client.get(reverse("disputes") + "?view=decided"))

    def test_programs_contest_it_and_read_what_became_of_it(self, late, rep, answering):
        theirs = api(user=rep)
        told = theirs.post("disputes/", {"promise": late.pk, "evidence": "No phone number."})
        assert (told.status_code, told.json()["promise"], told.json()["receipt"]["charged"]) == (201, late.pk, rep.pk)
        api(user=answering).post(f"disputes/{told.json()['id']}/answer/", {"agrees": True, "text": "Right."})
        one = theirs.get(f"promises/{late.pk}/").json()
        assert (one["is_breached"], one["is_excused"]) == (True, True)
        assert [each["id"] for each in theirs.get("promises/?state=excused").json()["results"]] == [late.pk]
        assert theirs.get("promises/?state=breached").json()["results"] == []

    def test_programs_name_one_thing(self, late):
        asked = api(Role.REP)
        assert asked.post("disputes/", {"evidence": "No."}).status_code == 422
        assert asked.post("disputes/", {"evidence": "No.", "lead": 1, "promise": late.pk}).status_code == 422
        assert asked.post("disputes/", {"evidence": "No.", "deal": 1}).status_code == 422
        assert asked.post("disputes/", {"evidence": "No.", "promise": 2**40}).status_code == 404


class TestSourcing:
    """A deal that stands by itself was found by sales."""

    def raised(self, by, deal=None, claimed="marketing"):
        deal = deal or make_free_deal()
        return contesting.contest_sourcing(
            opportunity_id=deal.pk, claimed=claimed, evidence="Met at our booth.", by=by
        )  # fmt: skip

    def test_a_marketer_contests_and_sales_agrees(self):
        manager = make_user(Role.MANAGER)
        dispute = self.raised(make_user(Role.MARKETER))
        assert (dispute.side, dispute.state) == (Side.SALES, "Waits for sales")
        dispute = disputes.answer(dispute_id=dispute.pk, agrees=True, text="So it was.", by=manager)
        deal = dispute.sourcing.opportunity
        deal.refresh_from_db()
        assert (deal.sourced_by, dispute.correction.rule, dispute.verdict_label) == (
            "marketing", "correction", "Corrected",
        )  # fmt: skip

    def test_once_for_each_answer_and_not_for_what_stands(self):
        deal = make_free_deal(amount=Decimal(10))
        with pytest.raises(ValidationError, match="sales already"):
            self.raised(make_user(Role.MARKETER), deal, "sales")
        self.raised(make_user(Role.MARKETER), deal)
        with pytest.raises(ValidationError, match="nothing to contest"):
            self.raised(make_user(Role.MARKETER), deal, "partner")

    def test_not_once_the_books_of_its_month_are_closed(self):
        opened_at = database_now() - timedelta(days=70)
        deal = make_free_deal(opened_at=opened_at)
        with pytest.raises(ValidationError, match="books are closed"):
            self.raised(make_user(Role.MARKETER), deal)
        # What was asked for while they were open waited for its verdict.
        asked = {"opportunity_id": deal.pk, "sourced_by": "marketing", "why": "Contested.", "cause": cause()}
        assert sourcing.correct(**asked, asked_at=opened_at).sourced_by == "marketing"

    def test_on_the_page_of_the_deal(self, client):
        deal = make_free_deal()
        client.force_login(make_user(Role.REP))
        address = reverse("deal_dispute", args=[deal.pk])
        assert f'href="{address}"' in client.get(reverse("deal", args=[deal.pk])).content.decode()
        assert client.post(address, {"claimed": "sales", "evidence": "No."}).status_code == 422
        page = text(client.post(address, {"claimed": "partner", "evidence": "Their fair."}, follow=True))
        assert "says: partner" in page
        nothing = client.get(address)
        assert (nothing.status_code, "The open dispute" in text(nothing)) == (409, True)
        assert "Who brought it" in text(client.get(reverse("disputes")))

    def test_the_page_of_the_deal_says_that_it_is_contested_and_how_that_ended(self, client):
        manager, deal = make_user(Role.MANAGER), make_free_deal()
        client.force_login(make_user(Role.MARKETER, name="Mira Lindqvist"))
        page, address = reverse("deal", args=[deal.pk]), reverse("deal_dispute", args=[deal.pk])
        dispute = self.raised(make_user(Role.MARKETER, name="Mira Lindqvist"), deal)

        shown = client.get(page)

        assert "Contested by Mira Lindqvist: marketing. Waits for sales." in text(shown)
        assert reverse("dispute", args=[dispute.pk]) in shown.content.decode()
        assert address not in shown.content.decode()
        disputes.answer(dispute_id=dispute.pk, agrees=True, text="So it was.", by=manager)
        shown = client.get(page)
        assert "Contested by Mira Lindqvist: marketing. Corrected." in text(shown)
        assert address in shown.content.decode()

    def test_closed_books_are_named_as_such(self, client):
        client.force_login(make_user(Role.REVOPS))
        deal = make_free_deal(opened_at=database_now() - timedelta(days=70))
        shown = text(client.get(reverse("deal", args=[deal.pk])))
        assert "The books of its month closed on" in shown
        assert "can correct it" not in shown
        refused = client.get(reverse("deal_sourced_by", args=[deal.pk]))
        assert (refused.status_code, "The books of its month closed on" in text(refused)) == (409, True)
        assert "<textarea" not in refused.content.decode()

    def test_an_executive_contests_nothing(self, client):
        client.force_login(make_user(Role.EXECUTIVE))
        assert client.get(reverse("deal_dispute", args=[make_free_deal().pk])).status_code == 403

    def test_programs_contest_it(self):
        deal = make_free_deal()
        told = api(Role.MARKETER).post(
            "disputes/", {"deal": deal.pk, "claimed": "marketing", "evidence": "Met at our booth."}
        )
        assert (told.status_code, told.json()["deal"], told.json()["lead"]) == (201, deal.pk, None)
        assert Opportunity.objects.get(pk=deal.pk).sourced_by == "sales"


def test_history_that_is_excused_stays_silent(rep, answering):
    [lead] = arrive(owner_id=rep.pk)
    disputes.answer(dispute_id=contest(clock_of(lead), rep).pk, agrees=True, text="Yes.", by=answering)
    sweep()
    assert not Notification.objects.filter(kind="escalation").exists()
