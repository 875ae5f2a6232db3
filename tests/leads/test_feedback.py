"""Feedback across the hand-off: who gives it, who is told, the timeline, mending it, and the API."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from alignment.ops import outbox
from alignment.ops.models import Notification
from alignment.people import accounts, tokens
from alignment.people.models import Role, Scope, Side
from leads import feedback
from leads.models import Campaign, Feedback, Lead
from tests.factories import make_feedback, make_lead, make_user
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def marketer():
    return make_user(Role.MARKETER, name="Bruno Sá")


@pytest.fixture
def rep(client):
    rep = make_user(Role.REP, name="Júlia Rocha")
    client.force_login(rep)
    return rep


@pytest.fixture
def lead(rep, marketer):
    lead = make_lead("sql", owner=rep, name="Marina Alves")
    campaign = Campaign.objects.create(key="fees", name="Fees explained", owner=marketer)
    Lead.objects.filter(pk=lead.pk).update(campaign=campaign)
    return lead


def told():
    return list(Notification.objects.order_by("pk").values_list("user", flat=True))


def test_a_rep_tells_marketing_and_the_campaigns_owner_hears_of_it(client, rep, marketer, lead):
    response = client.post(reverse("lead_feedback", args=[lead.pk]), {"text": " She runs two shops. "}, follow=True)
    assert response.redirect_chain[-1][0] == f"/leads/{lead.pk}/"
    given = Feedback.objects.get()
    assert (given.author, given.side, given.text) == (rep, Side.SALES, "She runs two shops.")
    note = Notification.objects.get()
    assert (note.user, note.title) == (marketer, "Júlia Rocha about Marina Alves, Fees explained")
    assert (note.body, note.url) == ("She runs two shops.", f"/leads/{lead.pk}/?kind=feedback")
    outbox.deliver()
    assert mail.outbox[0].to == [marketer.email]
    shown = text(response)
    assert "Júlia Rocha to marketing Feedback on the lead She runs two shops." in shown
    assert "Feedback 1" in shown


def test_a_marketer_answers_who_holds_the_lead(rep, marketer, lead):
    feedback.give(lead_id=lead.pk, text="The table is in the mail.", by=marketer)
    assert told() == [rep.pk]


def test_who_is_of_neither_side_tells_both(rep, marketer, lead):
    feedback.give(lead_id=lead.pk, text="Look at this one together.", by=make_user(Role.REVOPS))
    assert told() == [marketer.pk, rep.pk]


def test_without_a_campaign_the_head_of_marketing_hears_of_it(rep, marketer):
    accounts.change_company(changes={"marketing_head": marketer})
    make_feedback(rep)
    assert told() == [marketer.pk]


def test_where_nobody_is_concerned_it_is_kept_all_the_same(rep):
    make_feedback(rep)
    assert told() == []
    assert Feedback.objects.count() == 1


@pytest.mark.parametrize("words", ["", "   ", "x" * 2001])
def test_nothing_and_too_much_are_refused_with_a_sentence(client, lead, words):
    response = client.post(reverse("lead_feedback", args=[lead.pk]), {"text": words})
    assert response.status_code == 422
    assert "Write what the other side should know." in text(response) or "at most 2000" in text(response)
    part = client.post(reverse("lead_feedback", args=[lead.pk]), {"text": words}, headers={"HX-Request": "true"})
    assert part.headers["HX-Retarget"] == "#feedback"
    assert words[:100].strip() in part.content.decode()
    assert not Feedback.objects.exists()


def test_an_executive_reads_it_and_says_nothing(client, rep, lead):
    make_feedback(rep, text="Interesting.")
    client.force_login(make_user(Role.EXECUTIVE))
    lead = Feedback.objects.get().lead
    shown = text(client.get(reverse("lead", args=[lead.pk])))
    assert "Interesting." in shown
    assert "Feedback to" not in shown
    assert client.post(reverse("lead_feedback", args=[lead.pk]), {"text": "x"}).status_code == 403


def test_the_panel_says_who_is_told(client, rep, marketer, lead):
    assert "Feedback to marketing Bruno Sá is told" in text(client.get(reverse("lead", args=[lead.pk])))
    client.force_login(marketer)
    assert "Feedback to sales Júlia Rocha is told" in text(client.get(reverse("lead", args=[lead.pk])))


def test_words_are_mended_for_a_quarter_of_an_hour_by_who_wrote_them(client, rep):
    given = make_feedback(rep, text="Two shop.")
    address = reverse("lead_feedback_edit", args=[given.lead_id, given.pk])
    assert address in client.get(reverse("lead", args=[given.lead_id])).content.decode()
    assert "Two shop." in text(client.get(address))
    client.post(address, {"text": "Two shops."})
    given.refresh_from_db()
    assert given.text == "Two shops."
    assert "Feedback on the lead, changed since Two shops." in text(client.get(reverse("lead", args=[given.lead_id])))

    Feedback.objects.update(at=timezone.now() - timedelta(minutes=16), edited_at=None)
    assert address not in client.get(reverse("lead", args=[given.lead_id])).content.decode()
    late = client.post(address, {"text": "Three shops."})
    assert late.status_code == 409
    assert "This was read by now." in text(late)

    client.force_login(make_user())
    assert client.post(address, {"text": "Mine"}).status_code == 403


def test_filter_and_merged_leads_keep_it(client, rep, lead):
    lost = make_feedback(rep, text="Told about the other one.").lead
    Lead.objects.filter(pk=lost.pk).update(merged_into=lead)
    shown = text(client.get(reverse("lead", args=[lead.pk]), {"kind": "feedback"}))
    assert "Told about the other one." in shown
    assert "Held by" not in shown
    assert client.post(reverse("lead_feedback", args=[lost.pk]), {"text": "Here?"}).status_code == 404


def test_wrong_rows_cannot_be_stored(rep):
    given = make_feedback(rep)
    for wrong in ({"side": "both"}, {"edited_at": given.at - timedelta(seconds=1)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Feedback.objects.update(**wrong)


def test_a_program_reads_and_gives_it(client, rep, marketer, lead):
    _, token = tokens.make(user=rep, name="Bot", scopes=[Scope.READ, Scope.ACTIVITIES], days=1)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "one"}
    url = f"/api/v1/leads/{lead.pk}/feedback/"
    for _ in range(2):
        made = client.post(url, {"text": "Asks for fees."}, content_type="application/json", headers=headers)
        assert made.status_code == 201
    assert told() == [marketer.pk]
    listed = client.get(url, headers=headers).json()["results"]
    assert [(one["text"], one["author_name"], one["side"]) for one in listed] == [
        ("Asks for fees.", "Júlia Rocha", "sales")
    ]
    blank = client.post(url, {"text": ""}, content_type="application/json", headers={**headers, "Idempotency-Key": "2"})
    assert blank.status_code == 422
