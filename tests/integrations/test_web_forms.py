"""Web forms: what a website posts becomes a lead with its source, once, with what was agreed to."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from alignment.integrations.web_forms import setup
from alignment.integrations.web_forms.models import ConsentRecord, Outcome, Submission
from leads import lifecycle
from leads.causes import Cause
from leads.milestones import CauseSource, Milestone, QualifiedBy
from leads.milestones import Outcome as Ending
from leads.models import Campaign, Journey, Lead, Touchpoint
from leads.models.lead import Consent
from sla.models import Clock, SubjectKind
from tests.factories import make_lead, make_user
from tests.incoming import make_web_form
from tests.integrations.posts import ANA, counted, send, send_json

pytestmark = pytest.mark.django_db


def ana() -> Lead:
    return Lead.objects.select_related("source", "campaign").get(email_key=ANA["email"])


# A lead with its source ---------------------------------------------------------------------------------------


def test_a_submission_becomes_a_lead_with_its_source(client):
    form = make_web_form(name="Newsletter")

    response = send(client, form)

    lead = ana()
    assert response.status_code == 303
    assert (lead.name, lead.company_name, lead.source.name) == ("Ana Souza", "Brightwater", "Website")
    assert (lead.milestone, lead.outcome, lead.consent) == (Milestone.MGL, "", Consent.UNKNOWN)
    touch = Touchpoint.objects.get(lead=lead)
    assert (touch.kind, touch.title, touch.channel, touch.is_hand_raise) == ("form", "Newsletter", lead.source, False)
    assert not Clock.objects.filter(lead=lead).exists()
    assert counted(form) == {Outcome.RECEIVED: 1}


def test_who_raises_a_hand_is_an_mql_at_once_and_the_clock_runs(client):
    send(client, make_web_form(is_hand_raise=True))

    lead = ana()
    assert (lead.milestone, Journey.objects.get(lead=lead).qualified_by) == (Milestone.MQL, QualifiedBy.HAND_RAISE)
    clock = Clock.objects.get(lead=lead, subject_kind=SubjectKind.DISPOSITION)
    assert (clock.stopped_at, clock.due_at - clock.started_at) == (None, timedelta(hours=48))


def test_a_known_lead_is_joined_and_its_blanks_are_filled_in(client):
    known = make_lead("mgl", email=ANA["email"], name="Ana S.")

    send(client, make_web_form())

    lead = ana()
    assert (lead.pk, lead.name, lead.company_name) == (known.pk, "Ana S.", "Brightwater")
    assert Touchpoint.objects.filter(lead=known, kind="form").count() == 1
    assert Submission.objects.get().answers["name"] == "Ana Souza"


def test_a_known_lead_that_raises_a_hand_goes_on_to_mql(client):
    known = make_lead("mgl", email=ANA["email"])

    send(client, make_web_form(is_hand_raise=True))

    known.refresh_from_db()
    assert (known.milestone, known.pass_no) == (Milestone.MQL, 1)


@pytest.mark.parametrize("is_hand_raise", [True, False])
def test_a_recycled_lead_comes_back_only_when_it_raises_a_hand(client, is_hand_raise):
    known = make_lead(email=ANA["email"])
    lifecycle.recycle(lead_ids=[known.pk], cause=Cause(CauseSource.API))

    send(client, make_web_form(is_hand_raise=is_hand_raise))

    known.refresh_from_db()
    passes = list(Journey.objects.filter(lead=known).order_by("pass_no").values_list("pass_no", "reached", "outcome"))
    assert passes[0] == (1, Milestone.MQL, Ending.RECYCLED)
    assert passes[1:] == ([(2, Milestone.MQL, "")] if is_hand_raise else [])
    assert Touchpoint.objects.filter(lead=known, kind="form").count() == 1


def test_answers_to_own_questions_are_kept_with_the_lead(client):
    question = {"name": "q_users", "label": "How many users?", "kind": "choice", "is_required": True}
    form = make_web_form(
        fields=[
            {"name": "email", "label": "E-mail", "kind": "email", "is_required": True, "choices": []},
            question | {"choices": ["1 to 10", "More"]},
        ]
    )

    refused = send_json(client, form, {"email": ANA["email"], "q_users": "Eleven"})
    send_json(client, form, {"email": ANA["email"], "q_users": "More"})

    assert refused.json()["errors"] == {"q_users": ["Choose one of the list."]}
    assert ana().attributes == {"How many users?": "More"}


# Campaign tags ------------------------------------------------------------------------------------------------


def test_the_page_and_its_campaign_tags_are_kept(client):
    page = "https://www.company.com/demo?utm_source=news&utm_medium=email&utm_campaign=unknown&gclid=7"

    send(client, make_web_form(), ANA | {"page_url": page, "referrer": "https://search.example/"})

    row = Submission.objects.get()
    assert (row.page_url, row.referrer) == (page, "https://search.example/")
    assert row.campaign_tags == {"utm_source": "news", "utm_medium": "email", "utm_campaign": "unknown"}
    assert not Campaign.objects.exists(), "strangers make no campaigns"


def test_without_a_script_the_header_names_the_page(client):
    send(client, make_web_form(), Referer="https://www.company.com/?utm_term=a")

    row = Submission.objects.get()
    assert (row.page_url, row.campaign_tags) == ("https://www.company.com/?utm_term=a", {"utm_term": "a"})


@pytest.mark.parametrize(("tag", "named"), [("Spring Fair", "spring_fair"), ("Elsewhere", "always"), ("", "always")])
def test_a_tag_that_names_a_campaign_of_ours_counts_before_the_forms_own(client, tag, named):
    always = Campaign.objects.create(key="always", name="Always on")
    Campaign.objects.create(key="spring_fair", name="Spring fair")

    send(client, make_web_form(campaign=always), ANA | {"utm_campaign": tag})

    lead = ana()
    assert lead.campaign.key == Touchpoint.objects.get(lead=lead).campaign.key == named


# Consent ------------------------------------------------------------------------------------------------------


def test_what_was_agreed_to_is_on_record_word_by_word(client):
    form = make_web_form(wordings=[setup.Wording(1, "You may write to me.", is_required=True)])
    send(client, form, ANA | {"consent_1": "1", "page_url": "https://www.company.com/demo"})
    setup.change(form_id=form.pk, facts={}, wordings=[setup.Wording(1, "You may call me.")], by=make_user())

    record = ConsentRecord.objects.select_related("text", "submission").get(lead=ana())
    assert (record.text.text, record.text.version) == ("You may write to me.", 1)
    assert record.submission.page_url == "https://www.company.com/demo"
    assert timezone.now() - record.agreed_at < timedelta(minutes=1)
    assert ana().consent == Consent.GRANTED


def test_a_page_that_still_shows_the_old_text_records_the_old_one(client):
    form = make_web_form(wordings=[setup.Wording(1, "Old words")])
    setup.change(form_id=form.pk, facts={}, wordings=[setup.Wording(1, "New words")], by=make_user())

    send(client, form, ANA | {"consent_1": "1"})
    send(client, form, {"email": "bo@b.example", "consent_1": "2"})
    send_json(client, form, {"email": "cy@c.example", "consent_1": True})
    refused = send_json(client, form, {"email": "di@d.example", "consent_1": "3"})

    read = dict(ConsentRecord.objects.values_list("lead__email_key", "text__text"))
    assert read == {ANA["email"]: "Old words", "bo@b.example": "New words", "cy@c.example": "New words"}
    assert refused.json()["errors"] == {"consent_1": ["This text has changed. Load the page again."]}


def test_without_a_required_consent_nothing_is_stored(client):
    form = make_web_form(wordings=[setup.Wording(1, "You may write to me.", is_required=True)])

    response = send_json(client, form)

    assert response.json()["errors"] == {"consent_1": ["We need your agreement to this."]}
    assert not Lead.objects.exists()


def test_a_box_that_is_not_ticked_grants_nothing_and_withdraws_nothing(client):
    form = make_web_form()
    send(client, form, ANA | {"consent_1": "1"})
    send(client, form, ANA | {"name": "Ana"})

    assert (ana().consent, ConsentRecord.objects.count()) == (Consent.GRANTED, 1)


def test_agreeing_to_something_else_allows_no_contact(client):
    form = make_web_form(wordings=[setup.Wording(1, "I have read the privacy notice.", allows_contact=False)])

    send(client, form, ANA | {"consent_1": "1"})

    assert (ana().consent, ConsentRecord.objects.count()) == (Consent.UNKNOWN, 1)


# Once ---------------------------------------------------------------------------------------------------------


def test_a_double_click_is_one_submission(client):
    form = make_web_form()

    answers = [send(client, form).url for _ in range(2)]

    assert answers[0] == answers[1]
    assert (Submission.objects.count(), Touchpoint.objects.filter(lead=ana()).count()) == (1, 1)
    assert counted(form) == {Outcome.RECEIVED: 1, Outcome.REPEATED: 1}


def test_the_same_words_later_are_another_touch(client):
    form = make_web_form()
    send(client, form)
    Submission.objects.update(at=timezone.now() - timedelta(minutes=11))
    Submission.objects.update(reference="earlier")
    Touchpoint.objects.update(external_id="earlier")

    send(client, form)

    assert Touchpoint.objects.filter(lead=ana()).count() == 2


def test_a_client_may_name_its_submission(client):
    form = make_web_form()
    for name in ("Ana", "Ana Souza"):
        response = send_json(client, form, ANA | {"name": name, "submission_id": "a1"})
        assert response.status_code == 201

    assert Submission.objects.get().answers["name"] == "Ana"


@pytest.mark.django_db
def test_a_submission_costs_the_same_however_many_came_before(client, django_assert_max_num_queries):
    form = make_web_form(is_hand_raise=True)
    send(client, form)

    with django_assert_max_num_queries(90):
        send(client, form, {"email": "bo@b.example", "name": "Bo", "consent_1": "1"})


def test_json_is_answered_in_json(client):
    form = make_web_form(thank_you_url="https://www.company.com/thanks")

    response = send_json(client, form)

    assert response.status_code == 201
    assert json.loads(response.content) == {"status": "received", "thank_you_url": "https://www.company.com/thanks"}
