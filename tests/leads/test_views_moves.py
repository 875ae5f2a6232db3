"""Moving a lead from a page: with htmx and without JavaScript, by whom, and what a refusal says."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from alignment.ops.models import AuditEntry
from alignment.people.models import Role, Side
from leads import lifecycle
from leads.causes import Cause
from leads.milestones import CauseSource, Kind, Milestone, Outcome, QualifiedBy
from leads.models import Journey, Lead, LeadTransition, NurtureTrack, Opportunity, Reason, Stage, TransitionNote
from tests.factories import make_deal, make_lead, make_user
from tests.pages import text

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
IN_PLACE = {**HTMX, "HX-Target": "decide"}


@pytest.fixture
def rep(client):
    rep = make_user(Role.REP, name="Júlia Rocha")
    client.force_login(rep)
    return rep


@pytest.fixture
def lead(rep):
    return make_lead(owner=rep, name="Marina Alves")


def move(client, lead, name, data=None, **headers):
    return client.post(reverse(f"lead_{name}", args=[lead.pk]), data or {}, headers=headers)


def now_at(lead):
    lead.refresh_from_db()
    return lead.stage.key, lead.outcome


def reason(kind, **asked):
    return Reason.objects.offered(kind).filter(**asked).first()


def acted(lead, kind):
    return LeadTransition.objects.filter(lead=lead, kind=kind).latest("seq")


# The answer: each disposition with and without JavaScript --------------------------------------------------------


def test_accepting_without_javascript_leads_back_to_where_it_was_pressed(client, rep, lead):
    response = move(client, lead, "accept", {"next": "/queue/?view=team"})

    assert response.url == "/queue/?view=team"
    assert now_at(lead) == ("sql", "")
    assert acted(lead, Kind.ACCEPT).actor == rep


def test_a_way_back_to_another_host_is_not_taken(client, lead):
    response = move(client, lead, "accept", {"next": "https://elsewhere.example/"})

    assert response.url == reverse("lead", args=[lead.pk])


def test_accepting_with_htmx_answers_with_a_note_that_can_be_undone(client, lead):
    response = move(client, lead, "accept", {"next": "/queue/"}, **HTMX)

    page = response.content.decode()
    undo = reverse("lead_undo", args=[lead.pk, acted(lead, Kind.ACCEPT).pk])
    assert response.status_code == 200
    assert "Accepted Marina Alves ." in text(response)
    assert f'hx-post="{undo}?next=%2Fqueue%2F"' in page
    assert 'id="toasts"' in page
    assert 'id="queue-count"' in page
    assert "accord:refresh" in response.headers["HX-Trigger"]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_rejecting_takes_a_reason_and_a_note(client, lead, headers):
    chosen = reason("reject")
    response = move(client, lead, "reject", {"reason": chosen.pk, "note": "Closed in May."}, **headers)

    assert response.status_code == (200 if headers else 302)
    assert now_at(lead) == ("mql", Outcome.REJECTED)
    assert acted(lead, Kind.REJECT).reason == chosen
    assert TransitionNote.objects.get(transition=acted(lead, Kind.REJECT)).text == "Closed in May."


@pytest.mark.parametrize("headers", [{}, IN_PLACE])
def test_rejecting_without_a_reason_is_a_field_error_that_keeps_the_note(client, lead, headers):
    response = move(client, lead, "reject", {"note": "Closed in May."}, **headers)

    assert response.status_code == 422
    assert "Choose a reason: both teams learn from it." in text(response)
    assert "Closed in May.</textarea>" in response.content.decode()
    assert now_at(lead) == ("mql", "")


def test_a_form_in_place_comes_back_in_place(client, lead):
    response = move(client, lead, "reject", {}, **IN_PLACE)

    assert (response.headers["HX-Retarget"], response.headers["HX-Reswap"]) == ("#decide", "outerHTML")
    assert "<html" not in response.content.decode()


def test_the_form_names_the_keys_and_the_reasons_that_propose_recycling(client, lead):
    page = client.get(reverse("lead_reject", args=[lead.pk]), headers=HTMX).content.decode()

    assert page.count("<kbd>1</kbd>") == 1
    assert page.count("data-proposes-recycle") == Reason.objects.offered("reject").filter(proposes_recycle=True).count()


def test_recycling_takes_the_day_of_its_track(client, lead):
    track = NurtureTrack.objects.get(key="newsletter")
    response = move(client, lead, "recycle", {"track": track.pk}, **HTMX)

    journey = Journey.objects.get(lead=lead)
    assert (journey.outcome, journey.track) == (Outcome.RECYCLED, track)
    assert journey.revisit_on == timezone.localdate() + timedelta(days=track.revisit_after_days)
    assert "Recycled Marina Alves to Newsletter, to look at again on" in text(response)


def test_recycling_takes_the_day_that_was_chosen(client, lead):
    day = timezone.localdate() + timedelta(days=9)
    move(client, lead, "recycle", {"revisit_on": day.isoformat(), "reason": reason("recycle").pk})

    assert Journey.objects.get(lead=lead).revisit_on == day


def test_a_day_that_is_over_is_a_field_error(client, lead):
    response = move(client, lead, "recycle", {"revisit_on": timezone.localdate().isoformat()})

    assert response.status_code == 422
    assert "Choose a day that is still to come." in text(response)


def test_recycling_instead_brings_the_note_along(client, lead):
    response = client.get(reverse("lead_recycle", args=[lead.pk]), {"note": "Opens in July"}, headers=HTMX)

    assert "Opens in July</textarea>" in response.content.decode()


def test_thinking_better_of_it_brings_the_buttons_back(client, lead):
    response = client.get(reverse("lead_decide", args=[lead.pk]), headers=HTMX)

    for key in "arn":
        assert f'data-key="{key}"' in response.content.decode()
    assert client.get(reverse("lead_decide", args=[lead.pk])).status_code == 302


# Who was first ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_second_to_accept_is_told_who_did(client, lead, headers):
    bruno = make_user(Role.MANAGER, name="Bruno Sá")
    lifecycle.accept(lead_ids=[lead.pk], cause=Cause(CauseSource.PAGE, actor_id=bruno.pk))

    response = move(client, lead, "accept", **headers)

    assert response.status_code == 409
    assert "Bruno Sá accepted it just now." in text(response)
    assert LeadTransition.objects.filter(lead=lead, kind=Kind.ACCEPT).count() == 1


def test_it_may_have_been_oneself(client, lead):
    move(client, lead, "reject", {"reason": reason("reject").pk})

    assert "You rejected it just now." in text(move(client, lead, "accept"))


def test_what_a_rule_did_first_is_said_too(client, lead):
    lifecycle.recycle(lead_ids=[lead.pk], cause=Cause(CauseSource.RULE))

    assert "A rule or an import was first, just now." in text(move(client, lead, "accept"))


# Undo ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_answer_can_be_taken_back(client, lead, headers):
    move(client, lead, "accept")
    url = reverse("lead_undo", args=[lead.pk, acted(lead, Kind.ACCEPT).pk])
    response = client.post(f"{url}?next=/queue/", headers=headers)

    assert now_at(lead) == ("mql", "")
    assert response.status_code == 200 if headers else response.url == "/queue/"


def test_only_who_moved_it_a_manager_or_revops_takes_it_back(client, rep, lead):
    move(client, lead, "accept")
    url = reverse("lead_undo", args=[lead.pk, acted(lead, Kind.ACCEPT).pk])
    client.force_login(make_user(Role.REP))

    assert client.post(url).status_code == 403
    assert now_at(lead) == ("sql", "")


def test_an_older_move_cannot_be_taken_back(client, lead):
    move(client, lead, "accept")
    accepted = acted(lead, Kind.ACCEPT)
    move(client, lead, "recycle")
    response = client.post(reverse("lead_undo", args=[lead.pk, accepted.pk]), headers=HTMX)

    assert response.status_code == 409
    assert "only its newest move can be undone" in text(response)


# Who may --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["accept", "reject", "recycle"])
def test_another_reps_lead_is_not_answered(client, rep, name):
    lead = make_lead(owner=make_user(Role.REP, name="Ana Costa"))

    response = move(client, lead, name)

    assert response.status_code == 403
    assert "Ana Costa (the holder)" in text(response)
    assert now_at(lead) == ("mql", "")


def test_who_accepts_a_lead_that_nobody_holds_holds_it(client, rep):
    lead = make_lead()
    move(client, lead, "accept")

    lead.refresh_from_db()
    assert (lead.owner, lead.team) == (rep, rep.team)


def test_who_accepts_for_somebody_does_not_take_the_lead_away(client, rep, lead):
    client.force_login(make_user(Role.MANAGER))
    move(client, lead, "accept")

    lead.refresh_from_db()
    assert lead.owner == rep


def test_marketing_hands_over_by_hand(client):
    client.force_login(make_user(Role.MARKETER))
    lead = make_lead("mgl")
    move(client, lead, "hand_over")

    assert now_at(lead) == ("mql", "")
    assert Journey.objects.get(lead=lead).qualified_by == QualifiedBy.MANUAL


# After acceptance ---------------------------------------------------------------------------------------------------

DEAL = {"name": "Planner", "amount": "9600.50", "currency": "EUR", "expected_close_on": "2027-01-31"}
BANT = ["budget", "authority", "need", "timeline"]


@pytest.fixture
def accepted(rep):
    return make_lead("sql", owner=rep, name="Marina Alves", company_name="Casa Flora")


def test_qualifying_opens_the_deal(client, rep, accepted):
    move(client, accepted, "qualify", DEAL | {"confirmations": BANT})

    deal = Opportunity.objects.get(journeys__lead=accepted)
    assert now_at(accepted) == ("sqo", "")
    assert (deal.name, str(deal.amount), deal.owner) == ("Planner", "9600.50", rep)
    assert acted(accepted, Kind.ADVANCE).confirmations == BANT


def test_what_is_not_confirmed_is_named_and_nothing_is_stored(client, accepted):
    response = move(client, accepted, "qualify", DEAL | {"confirmations": ["budget", "need"]}, **IN_PLACE)

    assert response.status_code == 422
    assert "Still to be confirmed with the buyer: authority and timeline." in text(response)
    assert 'value="9600.50"' in response.content.decode()
    assert not Opportunity.objects.exists()


def test_an_amount_in_another_currency_needs_its_rate(client, accepted):
    asked = DEAL | {"confirmations": BANT, "currency": "USD"}
    response = move(client, accepted, "qualify", asked)

    assert "Say what 1 USD is worth in EUR." in text(response)
    move(client, accepted, "qualify", asked | {"rate": "0.9"})
    assert str(Opportunity.objects.get().base_amount) == "8640.45"


def test_a_manager_moves_past_the_criteria_with_a_reason_and_it_is_listed(client, accepted):
    manager = make_user(Role.MANAGER)
    client.force_login(manager)
    asked = DEAL | {"override": "on"}

    assert "Say why the criteria do not matter here." in text(move(client, accepted, "qualify", asked))
    move(client, accepted, "qualify", asked | {"note": "Signed a letter of intent."})

    assert now_at(accepted) == ("sqo", "")
    assert acted(accepted, Kind.ADVANCE).is_override
    assert AuditEntry.objects.get(action="criteria_overridden").subject_id == accepted.pk


def test_a_rep_may_not_move_past_the_criteria(client, accepted):
    response = move(client, accepted, "qualify", DEAL | {"override": "on", "note": "Please."})

    assert response.status_code == 422
    assert "Move past the entry criteria" not in text(response)
    assert now_at(accepted) == ("sql", "")


def test_a_button_without_a_form_says_what_is_missing_as_a_note(client, lead):
    Stage.objects.filter(key="sql").update(criteria={"fields": ["phone"]})
    response = move(client, lead, "accept", **HTMX)

    assert response.status_code == 422
    assert "Sales accepted needs a phone number." in text(response)
    assert 'id="toasts"' in response.content.decode()


def test_a_deal_goes_on_to_proposal_and_is_won(client, accepted):
    make_deal(accepted.pk)
    proposal = Stage.objects.get(key="proposal")
    client.post(reverse("lead_advance", args=[accepted.pk]) + f"?to={proposal.pk}")
    assert now_at(accepted) == ("proposal", "")

    move(client, accepted, "win")
    assert now_at(accepted) == ("won", Outcome.WON)


def test_pressing_twice_on_an_old_page_does_not_advance_twice(client, accepted):
    make_deal(accepted.pk)
    url = reverse("lead_advance", args=[accepted.pk]) + f"?to={Stage.objects.get(key='proposal').pk}"
    client.post(url)

    assert client.post(url).status_code == 409
    assert now_at(accepted) == ("proposal", "")


def test_losing_takes_a_reason(client, accepted):
    make_deal(accepted.pk)
    assert move(client, accepted, "lose").status_code == 422

    move(client, accepted, "lose", {"reason": reason("lose").pk})
    assert now_at(accepted) == ("sqo", Outcome.LOST)


def test_a_closed_lead_comes_back_as_a_new_pass_or_is_reopened(client, lead):
    move(client, lead, "recycle")
    move(client, lead, "reopen")
    assert (now_at(lead), Lead.objects.get(pk=lead.pk).pass_no) == (("mql", ""), 1)

    move(client, lead, "recycle")
    move(client, lead, "requalify")
    assert (now_at(lead), Lead.objects.get(pk=lead.pk).pass_no) == (("mql", ""), 2)


def test_a_lead_joins_an_open_deal_of_its_account(client, rep, accepted):
    make_deal(accepted.pk)
    deal = Opportunity.objects.get(journeys__lead=accepted)
    Opportunity.objects.filter(pk=deal.pk).update(account=accepted.account)
    colleague = make_lead(owner=rep, company_name="Casa Flora", email="ze@casaflora.example")
    Lead.objects.filter(pk=colleague.pk).update(account=accepted.account)

    move(client, colleague, "attach", {"opportunity": deal.pk})

    journey = Journey.objects.get(lead=colleague)
    assert (journey.outcome, journey.opportunity, journey.is_primary) == (Outcome.ATTACHED, deal, False)


def test_moves_of_a_merged_lead_are_refused(client, rep, lead):
    Lead.objects.filter(pk=lead.pk).update(merged_into=make_lead(owner=rep))

    assert move(client, lead, "accept").status_code == 409


def test_the_side_of_a_manager_matters(client, lead):
    client.force_login(make_user(Role.MANAGER, Side.MARKETING))

    assert move(client, lead, "accept").status_code == 403
    assert Milestone(Lead.objects.get(pk=lead.pk).milestone) == Milestone.MQL
