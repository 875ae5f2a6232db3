"""Setting web forms up: what can be chosen, what is refused, what changes and what stays."""

import json
import re
from html import unescape

import pytest
from django.urls import reverse

from alignment.integrations.web_forms.models import ConsentText, FormKey, Outcome, Submission, WebForm
from alignment.integrations.web_forms.setup import Wording
from alignment.ops.models import AuditEntry
from alignment.people.models import Role
from leads.models import Campaign, Lead, Source, Touchpoint
from tests.architecture.source import ROOT
from tests.factories import make_user
from tests.incoming import make_web_form
from tests.integrations.posts import ANA, address, send, send_json

pytestmark = pytest.mark.django_db

FILLED = {
    "name": "Demo request",
    "new_source": "Website",
    "limit_per_address": "10",
    "limit_in_all": "300",
    "least_seconds": "0",
    "field-name-asked": "required",
    "field-name-label": "Your name",
    "field-email-asked": "required",
}


@pytest.fixture
def marketer(client):
    user = make_user(Role.MARKETER)
    client.force_login(user)
    return user


def make(client, **given):
    return client.post(reverse("setup_form_new"), FILLED | given)


def text(response):
    return re.sub(r"\s+", " ", response.content.decode())


def test_a_form_is_made_and_its_html_asks_what_was_chosen(client, marketer):
    response = make(
        client,
        **{
            "is_hand_raise": "on",
            "question-1-label": "How many users?",
            "question-1-kind": "choice",
            "question-1-choices": "1 to 10\nMore\nMore\n\n",
            "question-1-is_required": "on",
            "consent-1-text": "You may  write to me.",
            "consent-1-is_required": "on",
            "consent-1-allows_contact": "on",
            "thank_you_url": "https://www.company.com/thanks?a=1",
            "allowed_origins": "https://www.Company.com/ http://localhost:3000",
        },
    )

    form = WebForm.objects.get()
    assert response.url == reverse("setup_form", args=[form.pk])
    assert [field["name"] for field in form.fields] == ["name", "email", "q_how_many_users"]
    assert form.fields[2]["choices"] == ["1 to 10", "More"]
    assert form.allowed_origins == ["https://www.company.com", "http://localhost:3000"]
    assert (form.is_hand_raise, form.source.name, form.created_by) == (True, "Website", marketer)
    page = text(client.get(response.url))
    for shown in (address(form), "Your name", "q_how_many_users", "1 to 10", "You may write to me.", "homepage_2"):
        assert shown in page


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": ""}, "This field is required."),
        ({"new_source": ""}, "Choose a source, or name a new one."),
        ({"new_source": " "}, "Choose a source, or name a new one."),
        ({"thank_you_url": "javascript:alert(1)"}, "Give a whole address"),
        ({"thank_you_url": "//evil.example"}, "Give a whole address"),
        ({"thank_you_url": "/thanks"}, "Give a whole address"),
        ({"thank_you_url": "https://a.example/\r\nSet-Cookie: a=b"}, "Give a whole address"),
        ({"thank_you_url": "https://user:pw@a.example/"}, "An address with a user name in it is not allowed."),
        ({"allowed_origins": "www.company.com"}, "“www.company.com” is no website."),
        ({"allowed_origins": "https://a.example/path"}, "“https://a.example/path” is no website."),
        ({"allowed_origins": "*"}, "“*” is no website."),
        ({"allowed_origins": "null"}, "“null” is no website."),
        ({"limit_per_address": "0"}, "Ensure this value is greater than or equal to 1."),
        ({"question-1-label": "A", "question-1-kind": "choice", "question-1-choices": "One"}, "Give 2 to 30 choices"),
        ({"consent-1-text": "x" * 1001}, "Ensure this value has at most 1000 characters"),
    ],
)
def test_what_does_not_work_is_said(client, marketer, given, said):
    response = make(client, **given)

    assert response.status_code == 422
    assert said in text(response)
    assert not WebForm.objects.exists()
    assert not Source.objects.filter(key="website").exists()


def test_two_forms_have_two_names(client, marketer):
    make(client)

    assert "already exists" in text(make(client))


def test_a_source_that_is_known_by_that_name_is_taken(client, marketer):
    Source.objects.create(key="paid_search", name="Paid search (Google)")

    make(client, new_source="Paid  Search")

    assert WebForm.objects.get().source.name == "Paid search (Google)"


def test_a_changed_consent_is_another_version_and_the_rest_stays(client, marketer):
    form = make_web_form(name="Form", is_hand_raise=True)
    page = reverse("setup_form_edit", args=[form.pk])
    before = _filled(client, page)

    client.post(page, before)
    assert ConsentText.objects.count() == 1
    client.post(page, before | {"consent-1-text": "You may call me.", "name": "Renamed"})

    texts = [(one.version, one.text, one.replaced_at is None) for one in ConsentText.objects.order_by("version")]
    assert texts == [(1, "You may write to me about your products.", False), (2, "You may call me.", True)]
    changed = WebForm.objects.get()
    assert (changed.name, changed.fields, changed.is_hand_raise) == ("Renamed", form.fields, True)
    assert AuditEntry.objects.filter(action="web_form_changed").count() == 1


def _filled(client, page):
    form = client.get(page).context["form"]
    shown = {bound.html_name: bound.value() for part in (form, *form.parts) for bound in part}
    return {name: value for name, value in shown.items() if value is not None and value is not False}


def test_a_question_that_is_worded_anew_keeps_its_name(client, marketer):
    make(client, **{"question-1-label": "How many users?", "question-2-label": "How many users"})
    form = WebForm.objects.get()
    page = reverse("setup_form_edit", args=[form.pk])
    filled = _filled(client, page)

    client.post(page, filled | {"question-1-label": "How many people?"})

    form.refresh_from_db()
    named = {field["name"]: field["label"] for field in form.fields}
    assert named["q_how_many_users"] == "How many people?"
    assert named["q_how_many_users_2"] == "How many users"


def test_a_new_address_closes_the_old_one(client, marketer):
    form = make_web_form()
    before = address(form)

    client.post(reverse("setup_form_key", args=[form.pk]))

    assert address(form) != before
    assert FormKey.objects.filter(form=form).count() == 2
    assert client.post(before, ANA).status_code == 410


def test_a_form_is_retired_and_taken_up_again(client, marketer):
    form = make_web_form()
    page = reverse("setup_form_retire", args=[form.pk])

    client.post(page)
    assert send(client, form).status_code == 410
    client.post(page)
    assert send(client, form).status_code == 303
    assert list(AuditEntry.objects.filter(subject_kind="web_form").order_by("pk").values_list("action", flat=True)) == [
        "web_form_made", "web_form_retired", "web_form_taken_up",
    ]  # fmt: skip


def test_a_trial_says_what_would_come_of_it_and_leaves_nothing(client, marketer):
    campaign = Campaign.objects.create(key="fair", name="Spring fair")
    form = make_web_form(is_hand_raise=True, campaign=campaign)

    page = text(client.post(reverse("setup_form_test", args=[form.pk])))

    for said in ("It works", "Trial Submission, new", "Marketing qualified", "Spring fair", "(version 1)"):
        assert said in page
    for model in (Lead, Touchpoint, Submission):
        assert not model.objects.exists()


def test_the_page_shows_what_came_and_why_the_rest_did_not(client, marketer):
    form = make_web_form(name="Contact", limit_per_address=3)
    send(client, form, ANA | {"utm_campaign": "spring", "page_url": "https://www.company.com/contact"})
    send(client, form, {"email": "ana@"})
    send(client, form, {"email": "bo@b.example", "homepage_2": "x"})
    send(client, form)

    page = text(client.get(reverse("setup_form", args=[form.pk])))
    listed = text(client.get(reverse("setup_forms")))

    for said in ("Ana Souza", "https://www.company.com/contact", "utm_campaign: spring", "email: This is not an"):
        assert said in page
    counts = dict(re.findall(r"<dt>([^<]+)</dt><dd class=\"num\">(\d+)</dd>", page))
    assert {name: n for name, n in counts.items() if n != "0"} == {
        Outcome.RECEIVED.label: "1", Outcome.INVALID.label: "1", Outcome.ROBOT.label: "1", Outcome.LIMITED.label: "1",
    }  # fmt: skip
    assert re.search(r'data-label="Received" class="num">1<', listed)
    assert re.search(r'data-label="Refused or repeated" class="num">3<', listed)


def test_pages_cost_the_same_for_more(client, marketer, django_assert_max_num_queries):
    form = make_web_form()
    for n in range(8):
        make_web_form()
        send(client, form, {"email": f"a{n}@b.example"})

    with django_assert_max_num_queries(5):
        client.get(reverse("setup_forms"))
    with django_assert_max_num_queries(9):
        client.get(reverse("setup_form", args=[form.pk]))


def test_the_lead_page_tells_what_was_sent_and_agreed_to(client, marketer):
    send(client, make_web_form(name="Contact"), ANA | {"consent_1": "1", "utm_term": "shifts"})

    page = text(client.get(reverse("lead", args=[Lead.objects.get().pk])))

    for said in ("Contact", "Name: Ana Souza", "Agreed: “You may write to me", "(version 1)", "utm_term: shifts"):
        assert said in page


@pytest.mark.parametrize("role", [Role.REP, Role.MANAGER, Role.EXECUTIVE])
def test_others_do_not_set_forms_up(client, role):
    client.force_login(make_user(role))

    assert client.get(reverse("setup_forms")).status_code == 403


# What the documentation shows -----------------------------------------------------------------------------------

DOCS = (ROOT / "docs" / "forms.md").read_text()


def shown_in_docs(language):
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", DOCS, re.DOTALL | re.MULTILINE)
    return [block for named, block in blocks if named == language]


def test_the_html_in_the_documentation_is_what_a_form_gives(client, marketer):
    email = {"name": "email", "label": "E-mail", "kind": "email", "is_required": True, "choices": []}
    wording = Wording(1, "You may write to me about your products.", is_required=True)
    form = make_web_form(fields=[email], wordings=[wording])
    page = client.get(reverse("setup_form", args=[form.pk])).content.decode()
    copied = unescape(re.search(r'<textarea id="snippet"[^>]*>(.*?)</textarea>', page, re.DOTALL)[1])

    assert shown_in_docs("html") == [re.sub(r'action="[^"]+"', 'action="https://accord.example/forms/KEY/"', copied)]


def test_the_json_in_the_documentation_is_received_and_answered_so(client):
    form = make_web_form(thank_you_url="https://www.company.com/thanks/")
    [command] = [block for block in shown_in_docs("") if block.startswith("curl")]
    data = json.loads(re.search(r"-d '(.*)'", command)[1])

    response = send_json(client, form, data)

    assert (response.status_code, [response.json()]) == (201, [json.loads(block) for block in shown_in_docs("json")])
