"""Web forms: what a website posts becomes a lead with its source; what should not be received is refused in words."""

import json

import pytest
from django.urls import reverse

from alignment.integrations.web_forms import setup
from alignment.integrations.web_forms.models import ConsentRecord, Outcome, Tally
from leads.milestones import Milestone, QualifiedBy
from leads.models import Journey, Lead, Touchpoint
from leads.models.lead import Consent
from tests.factories import key_of, make_user, make_web_form

pytestmark = pytest.mark.django_db

ANA = {"name": "Ana Souza", "email": "ana@brightwater.example", "company_name": "Brightwater"}


def address(form):
    return reverse("web_form", args=[key_of(form)])


def send(client, form, data=ANA, **headers):
    return client.post(address(form), data, headers=headers)


def send_json(client, form, data=ANA, **headers):
    return client.post(address(form), json.dumps(data), content_type="application/json", headers=headers)


def counted(form):
    return dict(Tally.objects.filter(form=form).values_list("outcome", "posts"))


# What comes in ------------------------------------------------------------------------------------------------


def test_a_submission_becomes_a_lead_with_its_source(client):
    form = make_web_form(name="Newsletter")

    response = send(client, form)

    assert response.status_code == 303
    lead = Lead.objects.get(email_key=ANA["email"])
    assert (lead.name, lead.company_name, lead.source.name) == ("Ana Souza", "Brightwater", "Website")
    assert (lead.milestone, lead.outcome, lead.consent) == (Milestone.MGL, "", Consent.UNKNOWN)
    touch = Touchpoint.objects.get(lead=lead)
    assert (touch.kind, touch.title, touch.channel, touch.is_hand_raise) == ("form", "Newsletter", lead.source, False)
    assert counted(form) == {Outcome.RECEIVED: 1}


def test_who_raises_a_hand_is_an_mql_at_once_and_the_clock_runs(client):
    send(client, make_web_form(is_hand_raise=True))

    lead = Lead.objects.get(email_key=ANA["email"])
    journey = Journey.objects.get(lead=lead)
    assert (lead.milestone, journey.qualified_by) == (Milestone.MQL, QualifiedBy.HAND_RAISE)
    assert lead.clocks.get().stopped_at is None


def test_what_was_agreed_to_is_on_record_word_by_word(client):
    form = make_web_form(wordings=[setup.Wording(1, "You may write to me.", is_required=True)])
    send(client, form, ANA | {"consent_1": "1", "page_url": "https://www.company.com/demo?utm_campaign=spring"})
    setup.change(form_id=form.pk, facts={}, wordings=[setup.Wording(1, "You may call me.")], by=make_user())

    record = ConsentRecord.objects.select_related("text", "submission").get(lead__email_key=ANA["email"])
    assert (record.text.text, record.text.version) == ("You may write to me.", 1)
    assert record.submission.page_url == "https://www.company.com/demo?utm_campaign=spring"
    assert Lead.objects.get(email_key=ANA["email"]).consent == Consent.GRANTED


def test_a_page_that_still_shows_the_old_text_records_the_old_one(client):
    form = make_web_form(wordings=[setup.Wording(1, "Old words")])
    setup.change(form_id=form.pk, facts={}, wordings=[setup.Wording(1, "New words")], by=make_user())

    send(client, form, ANA | {"consent_1": "1"})
    send(client, form, {"email": "bo@b.example", "consent_1": "2"})
    send_json(client, form, {"email": "cy@c.example", "consent_1": True})

    read = dict(ConsentRecord.objects.values_list("lead__email_key", "text__text"))
    assert read == {ANA["email"]: "Old words", "bo@b.example": "New words", "cy@c.example": "New words"}
    response = send_json(client, form, {"email": "di@d.example", "consent_1": "3"})
    assert response.json()["errors"] == {"consent_1": ["This text has changed. Load the page again."]}


def test_without_a_required_consent_nothing_is_stored(client):
    form = make_web_form(wordings=[setup.Wording(1, "You may write to me.", is_required=True)])

    response = send_json(client, form)

    assert response.json()["errors"] == {"consent_1": ["We need your agreement to this."]}
    assert not Lead.objects.exists()


def test_a_box_that_is_not_ticked_grants_nothing_and_withdraws_nothing(client):
    form = make_web_form()
    send(client, form, ANA | {"consent_1": "1"})
    send(client, form, ANA | {"name": "Ana"})

    assert Lead.objects.get(email_key=ANA["email"]).consent == Consent.GRANTED
    assert ConsentRecord.objects.count() == 1
