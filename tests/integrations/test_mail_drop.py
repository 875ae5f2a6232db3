"""Mail in copy: who sent it, to whom, once; and what comes in from strangers."""

import time
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO, StringIO
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from alignment.integrations.mail_drop.reading import UnreadableError, read
from alignment.integrations.mail_drop.receiving import Outcome, receive
from alignment.lib.webhook_signatures import headers, new_secret
from alignment.people.models import Role
from leads.models import Journey, Touchpoint
from tests.factories import make_lead, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def rep():
    return make_user(Role.REP, email="ravi@brightwater.example")


@pytest.fixture
def lead(rep):
    return make_lead("sql", owner=rep, email="marina@alder.example")


def mail(
    sender="Ravi <ravi@brightwater.example>", to="Marina Alves <Marina@Alder.example>", subject="The offer", **more
):
    lines = {"From": sender, "To": to, "Subject": subject, "Message-ID": "<1@mail.example>"} | {
        name.replace("_", "-"): value for name, value in more.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"{head}\r\nDear Marina, this is secret.\r\n".encode()


# What a mail does ---------------------------------------------------------------------------------------------


def test_a_mail_of_a_user_is_their_activity_with_the_lead(rep, lead):
    receipt = receive(mail(Date="Wed, 04 Mar 2026 10:00:00 +0100"))

    touch = Touchpoint.objects.get(lead=lead, system="mail")
    assert (receipt.outcome, receipt.lead_ids) == (Outcome.RECORDED, (lead.pk,))
    assert (touch.title, touch.direction, touch.actor, touch.is_engaged) == (
        "E-mail: The offer",
        "outbound",
        rep,
        False,
    )
    assert touch.at == datetime(2026, 3, 4, 9, tzinfo=UTC)
    assert "secret" not in touch.title


def test_a_mail_counts_as_the_first_touch_after_acceptance(lead):
    assert Journey.objects.get(lead=lead).worked_at is None
    receive(mail())
    assert Journey.objects.get(lead=lead).worked_at


def test_a_mail_is_recorded_once_for_each_lead_however_often_it_comes(lead):
    other = make_lead("sql", email="ben@globex.example")
    raw = mail(Cc="ben@globex.example, somebody@else.example")
    assert [receive(raw).outcome for _ in range(3)] == [Outcome.RECORDED, Outcome.KNOWN, Outcome.KNOWN]

    assert Touchpoint.objects.filter(system="mail").count() == 2
    assert Touchpoint.objects.filter(lead=other, system="mail").count() == 1


@pytest.mark.parametrize(
    ("raw", "outcome"),
    [
        (mail(sender="stranger@elsewhere.example"), Outcome.NO_USER),
        (mail(to="nobody@elsewhere.example"), Outcome.NO_LEAD),
        (mail(Auto_Submitted="auto-replied"), Outcome.AUTOMATIC),
        (mail(sender="ravi@brightwater.example, eve@elsewhere.example"), Outcome.UNREADABLE),
        (mail(Message_ID=None), Outcome.UNREADABLE),
        (b"", Outcome.UNREADABLE),
        (b"\xff\x00 no mail at all", Outcome.UNREADABLE),
    ],
)
def test_what_is_not_recorded(lead, raw, outcome):
    assert receive(raw).outcome == outcome
    assert not Touchpoint.objects.filter(system="mail").exists()


def test_who_left_is_no_user_any_more(rep, lead):
    rep.is_active = False
    rep.save()
    assert receive(mail()).outcome == Outcome.NO_USER


def test_with_a_named_server_only_what_it_confirms_counts(lead, settings):
    settings.MAIL_AUTHSERV = "mx.brightwater.example"
    results = "mx.brightwater.example; spf=pass; dmarc=pass (p=REJECT) header.from=brightwater.example"
    forged = "elsewhere.example; dmarc=pass"
    assert receive(mail()).outcome == Outcome.UNPROVEN
    assert receive(mail(Authentication_Results=forged)).outcome == Outcome.UNPROVEN
    assert receive(mail(Authentication_Results=results.replace("dmarc=pass", "dmarc=fail"))).outcome == Outcome.UNPROVEN
    assert receive(mail(Authentication_Results=results)).outcome == Outcome.RECORDED


def test_a_date_that_is_still_to_come_is_not_believed(lead):
    receive(mail(Date="Fri, 01 Jan 2100 10:00:00 +0000"))
    assert Touchpoint.objects.get(system="mail").at.year < 2100


def test_encoded_subjects_are_read():
    assert read(mail(subject="=?utf-8?q?Angebot_f=C3=BCr_M=C3=BCller?=")).subject == "Angebot für Müller"


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(raw):
    for each in (raw, b"From: a@b.example\r\nTo: " + raw, mail() + raw, b"Date: " + raw + b"\r\n" + mail()):
        with suppress(UnreadableError):
            assert read(each).sender


# The two doors ------------------------------------------------------------------------------------------------


@pytest.fixture
def secret(settings):
    settings.MAIL_SECRET = new_secret()
    return settings.MAIL_SECRET


def post(client, raw, secret, at=None):
    signed = headers(secret, message_id="msg_1", timestamp=at or int(time.time()), body=raw)
    return client.post(reverse("inbound_mail"), raw, content_type="message/rfc822", headers=signed)


def test_a_mail_server_posts_what_it_received(client, lead, secret):
    response = post(client, mail(), secret)
    assert (response.status_code, response.json()["leads"]) == (200, [lead.pk])
    assert post(client, mail(), secret).json()["outcome"] == "known"
    assert post(client, mail(sender="x@elsewhere.example"), secret).status_code == 422


def test_strangers_old_messages_and_changed_ones_are_refused(client, lead, secret):
    assert post(client, mail(), new_secret()).status_code == 401
    assert post(client, mail(), secret, at=int(time.time()) - 400).status_code == 401
    assert client.post(reverse("inbound_mail"), mail(), content_type="message/rfc822").status_code == 401
    signed = headers(secret, message_id="msg_1", timestamp=int(time.time()), body=mail())
    changed = client.post(reverse("inbound_mail"), mail(to="other@b.example"), content_type="x/y", headers=signed)
    assert changed.status_code == 401
    assert not Touchpoint.objects.filter(system="mail").exists()


def test_without_a_secret_there_is_no_door(client):
    assert post(client, mail(), new_secret()).json()["outcome"] == "off"


def test_a_pipe_of_the_mail_server(lead, monkeypatch):
    for raw, code in ((mail(), None), (b"", 65), (mail(sender="x@elsewhere.example"), 67)):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=BytesIO(raw)))
        out = StringIO()
        try:
            call_command("receive_mail", stdout=out)
            left = None
        except SystemExit as ended:
            left = ended.code
        assert left == code, out.getvalue()
    assert Touchpoint.objects.filter(lead=lead, system="mail").count() == 1
