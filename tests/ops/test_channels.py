"""Channels: what concerns a team reaches Slack and programs once, and a bad receiver holds nobody up."""

import threading
import time
from datetime import timedelta

import orjson
import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.urls import reverse

from alignment.lib import webhook_signatures
from alignment.lib.safe_http import UnsafeAddressError
from alignment.ops import channels, outbox
from alignment.ops.models import AuditEntry, Destination, Notification, OutboxMessage, Transport
from alignment.ops.notifications import Notice, notify
from alignment.people.models import Role
from tests.factories import make_user
from tests.lib.receivers import OK, dripping, flooding, receiver, silence
from tests.ops.processes import Thread

pytestmark = pytest.mark.django_db(transaction=True)

FAILURE = b"HTTP/1.1 500 Oh\r\nContent-Length: 5\r\n\r\nsorry"
GONE = b"HTTP/1.1 410 Gone\r\nContent-Length: 7\r\n\r\nno more"


@pytest.fixture(autouse=True)
def _own_network(settings):
    settings.OUTBOUND_NETWORKS = ("127.0.0.0/8",)
    settings.BASE_URL = "https://accord.example"


@pytest.fixture
def ada():
    return make_user(Role.REVOPS, name="Ada", email="ada@example.com")


def channel_at(url, by, transport=Transport.WEBHOOK, occasions=("breach",), name="Team"):
    return channels.add(transport=transport, name=name, url=url, occasions=occasions, by=by)


def late(user, key="breach:1", kind="breach", **fields):
    given = {
        "title": "No answer within 48 hours: Ana <Varga>", "body": "Nobody holds it & it waits.", "url": "/leads/1/",
    }  # fmt: skip
    return Notice(user_id=user.pk, kind=kind, dedupe_key=key, subject_kind="lead", subject_id=1, **given | fields)


def make_due():
    OutboxMessage.objects.update(due_at=Now() - timedelta(seconds=1))


def waiting():
    return OutboxMessage.objects.waiting().filter(destination__isnull=False)


# What is posted ---------------------------------------------------------------------------------------------------


def test_a_program_hears_of_an_occasion_once_signed_however_many_people_are_told(ada):
    bea = make_user()
    with receiver() as here:
        channel = channel_at(here.url, ada)
        notify(notices=[late(ada), late(bea)])
        notify(notices=[late(ada), late(bea)])
        assert outbox.deliver_hooks() == 1
        assert outbox.deliver_hooks() == 0

    [request] = here.requests
    assert orjson.loads(request.body)["type"] == "promise.breached"
    assert orjson.loads(request.body)["data"] == {
        "title": "No answer within 48 hours: Ana <Varga>",
        "text": "Nobody holds it & it waits.",
        "url": "https://accord.example/leads/1/",
        "subject": {"kind": "lead", "id": 1},
    }
    assert webhook_signatures.verify(channel.secret, headers=request.headers, body=request.body, now=int(time.time()))


def test_slack_gets_blocks_with_a_button_and_nobody_is_mentioned_by_a_name(ada):
    with receiver() as here:
        channel_at(here.url, ada, Transport.SLACK)
        notify(notices=[late(ada, title="Late: <!channel> & co", action="Answer it")])
        outbox.deliver_hooks()

    [request] = here.requests
    body = orjson.loads(request.body)
    assert body["text"] == "Late: &lt;!channel&gt; &amp; co"
    assert body["blocks"][0]["text"]["text"] == "*Late: &lt;!channel&gt; &amp; co*\nNobody holds it &amp; it waits."
    [button] = body["blocks"][1]["elements"]
    assert (button["text"]["text"], button["url"]) == ("Answer it", "https://accord.example/leads/1/")
    assert "webhook-signature" not in request.headers


def test_a_channel_hears_only_what_it_asked_for_and_what_concerns_a_team(ada):
    with receiver() as here:
        channel_at(here.url, ada, occasions=[])
        channel_at(here.url, ada, occasions=["breach", "job"], name="Other")
        notify(notices=[late(ada, "job:1", kind="job")])
        assert waiting().count() == 0
        notify(notices=[late(ada)])
        assert [message.destination.name for message in waiting()] == ["Other"]


def test_telling_channels_takes_the_same_statements_for_one_and_for_a_thousand(ada, django_assert_num_queries):
    with receiver() as here:
        channel_at(here.url, ada)
        for count in (1, 1000):
            notices = [late(ada, f"breach:{count}:{number}") for number in range(count)]
            # A savepoint around: notifications; time; who gets mail and how (3); channels; outbox; announcement.
            with django_assert_num_queries(10):
                notify(notices=notices)


# When it fails ----------------------------------------------------------------------------------------------------


def test_every_attempt_has_the_same_id(ada):
    with receiver(FAILURE) as here:
        channel_at(here.url, ada)
        notify(notices=[late(ada)])
        for _ in range(2):
            outbox.deliver_hooks()
            make_due()

    first, second = here.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    message = OutboxMessage.objects.get(destination__isnull=False)
    assert message.attempts == 2
    assert message.last_error == "The other side answered 500: sorry"


def test_an_answer_without_words_is_told_as_a_sentence(ada):
    with receiver(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n") as here:
        channel_at(here.url, ada)
        notify(notices=[late(ada)])
        outbox.deliver_hooks()

    assert waiting().get().last_error == "The other side answered 500."


def test_a_redirect_is_a_failure(ada):
    with receiver(b"HTTP/1.1 301 Moved\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n") as here:
        channel_at(here.url, ada)
        notify(notices=[late(ada)])
        assert outbox.deliver_hooks() == 0
    assert waiting().count() == 1


@pytest.mark.parametrize(
    ("status", "retry_after", "least", "most"),
    [
        (429, "3600", 3590, 4400),
        (503, "7200", 7190, 8700),
        (429, "999999999999", 86_000, 104_000),
        (429, "soon", 0, 10),
        (429, "-5", 0, 10),
        (429, "Thu, 01 Jan 1970 00:00:00 GMT", 0, 10),
        (500, "3600", 0, 10),
    ],
)
def test_who_asks_for_time_gets_it(ada, status, retry_after, least, most):
    answer = f"HTTP/1.1 {status} Later\r\nRetry-After: {retry_after}\r\nContent-Length: 0\r\n\r\n"
    with receiver(answer.encode()) as here:
        channel_at(here.url, ada)
        notify(notices=[late(ada)])
        outbox.deliver_hooks()

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM due_at - clock_timestamp()) FROM ops_outboxmessage WHERE destination_id > 0"
        )
        [(wait,)] = cursor.fetchall()
    assert least <= wait <= most


@pytest.mark.parametrize(
    ("transport", "answer", "is_gone"),
    [
        (Transport.WEBHOOK, GONE, True),
        (Transport.SLACK, GONE, True),
        (Transport.SLACK, b"HTTP/1.1 404 No\r\nContent-Length: 10\r\n\r\nno_service", True),
        (Transport.WEBHOOK, b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", False),
    ],
)
def test_who_is_gone_is_stopped_and_what_waits_is_kept(ada, transport, answer, is_gone):
    with receiver(answer) as here:
        channel = channel_at(here.url, ada, transport)
        notify(notices=[late(ada), late(ada, "breach:2")])
        outbox.deliver_hooks(limit=1)
        make_due()

        channel.refresh_from_db()
        assert bool(channel.stopped_at) is is_gone
        assert Notification.objects.filter(kind="channel_stopped", user=ada).count() == int(is_gone)
        assert waiting().count() == 2
        if is_gone:
            assert outbox.deliver_hooks() == 0
            assert len(here.requests) == 1
    if is_gone:
        with receiver() as here:
            channels.change(channel=channel, name="Team", url=here.url, occasions=["breach"], by=ada)
            assert outbox.deliver_hooks() == 2


def test_an_address_that_has_moved_inside_is_not_posted_to(ada, settings):
    with receiver() as here:
        channel_at(here.url, ada)
        notify(notices=[late(ada)])
        settings.OUTBOUND_NETWORKS = ()
        assert outbox.deliver_hooks() == 0
        assert here.requests == []
    assert "private network" in waiting().get().last_error


@pytest.mark.parametrize("misbehave", [silence, dripping, flooding], ids=["silent", "dripping", "flooding"])
def test_a_bad_receiver_delays_no_mail_and_no_other_channel(ada, misbehave, monkeypatch):
    monkeypatch.setattr("alignment.ops.transports.http.SECONDS", 6)
    with receiver(misbehave) as bad, receiver() as good:
        channel_at(bad.url, ada, name="Bad")
        notify(notices=[late(ada)])
        slow = Thread(lambda: outbox.deliver_hooks(limit=1))
        until(lambda: bad.requests)
        channel_at(good.url, ada, name="Good")
        notify(notices=[late(ada, "breach:2")])

        began = time.monotonic()
        assert outbox.deliver() == 2
        assert outbox.deliver_hooks() == 1
        assert time.monotonic() - began < 5
        assert len(good.requests) == 1
        slow.end()
    assert {message.destination.name for message in waiting()} == {"Bad"}


def test_one_message_at_a_time_of_each_channel_and_few_channels_at_once(ada):
    meeting = threading.Semaphore(0)
    go_on = threading.Event()

    def answer(link, ended):
        meeting.release()
        go_on.wait(20)
        link.sendall(OK)

    with receiver(answer) as here:
        for number in range(outbox.MOST_HOOKS_AT_ONCE + 1):
            channel_at(here.url, ada, name=f"Team {number}")
        notify(notices=[late(ada), late(ada, "breach:2")])
        senders = [Thread(lambda: outbox.deliver_hooks(limit=1)) for _ in range(outbox.MOST_HOOKS_AT_ONCE)]
        for _ in senders:
            assert meeting.acquire(timeout=20)
        assert outbox.deliver_hooks() == 0, "no further one begins"
        go_on.set()
        assert [sender.end() for sender in senders] == [1] * len(senders)
        left = 2 * (outbox.MOST_HOOKS_AT_ONCE + 1) - len(senders)
        assert outbox.deliver_hooks() == left


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


# Setting them up --------------------------------------------------------------------------------------------------


@pytest.fixture
def page(client, ada):
    client.force_login(ada)
    return client


def test_a_channel_is_set_up_tested_and_removed(page, ada):
    with receiver() as here:
        given = {"transport": "webhook", "name": "Warehouse", "url": here.url, "occasions": ["breach"]}
        response = page.post(reverse("setup_channel_new"), given, follow=True)
        channel = Destination.objects.get()
        assert channel.secret in response.text
        assert here.url not in page.get(channel.get_absolute_url()).text, "the address is a secret"

        response = page.post(reverse("setup_channel_test", args=[channel.pk]), follow=True)
        assert "The test arrived" in response.text
        assert orjson.loads(here.requests[0].body)["type"] == "test"

        page.post(channel.get_absolute_url(), {"name": "Stock", "url": "", "occasions": ["breach"]})
        channel.refresh_from_db()
        assert (channel.name, channel.url) == ("Stock", here.url)

        notify(notices=[late(ada)])
        page.post(reverse("setup_channel_remove", args=[channel.pk]))
        assert outbox.deliver_hooks() == 0
    assert page.get(channel.get_absolute_url()).status_code == 404
    assert OutboxMessage.objects.filter(destination=channel).get().dead_at
    told = [entry.detail for entry in AuditEntry.objects.filter(subject_kind="channel")]
    assert len(told) == 3
    assert here.url not in str(told)


def test_a_test_that_does_not_arrive_says_why(page, ada):
    with receiver(FAILURE) as here:
        channel = channel_at(here.url, ada)
        response = page.post(reverse("setup_channel_test", args=[channel.pk]), follow=True)
    assert "The other side answered 500: sorry" in response.text


def test_an_address_inside_is_refused_when_it_is_saved(page, settings):
    settings.OUTBOUND_NETWORKS = ()
    given = {"transport": "slack", "name": "Team", "url": "https://169.254.169.254/latest/", "occasions": ["breach"]}
    response = page.post(reverse("setup_channel_new"), given)

    assert response.status_code == 422
    assert "inside a private network" in response.text
    assert 'value="Team"' in response.text
    with pytest.raises(UnsafeAddressError):
        channels.add(**given, by=None)


def test_a_stopped_channel_is_started_again(page, ada):
    with receiver() as here:
        channel = channel_at(here.url, ada)
        page.post(reverse("setup_channel_switch", args=[channel.pk]))
        notify(notices=[late(ada)])
        assert outbox.deliver_hooks() == 0
        assert "Ada stopped it." in page.get(reverse("setup_channels")).text
        page.post(reverse("setup_channel_switch", args=[channel.pk]))
        assert outbox.deliver_hooks() == 1


def test_a_new_secret_counts_at_once(page, ada):
    with receiver() as here:
        channel = channel_at(here.url, ada)
        page.post(reverse("setup_channel_secret", args=[channel.pk]))
        notify(notices=[late(ada)])
        outbox.deliver_hooks()
    renewed = Destination.objects.get().secret
    assert renewed != channel.secret
    assert webhook_signatures.verify(
        renewed, headers=here.requests[0].headers, body=here.requests[0].body, now=int(time.time())
    )


def test_what_could_not_be_sent_is_listed_and_sent_again(page, ada, django_assert_num_queries):
    with receiver(FAILURE) as here:
        channel_at(here.url, ada)
        notify(notices=[late(ada, by_mail=False)])
        for _ in range(outbox.MOST_ATTEMPTS):
            outbox.deliver_hooks()
            make_due()
    listed = reverse("setup_outgoing") + "?state=dead"
    assert "The other side answered 500: sorry" in page.get(listed).text
    with django_assert_num_queries(6):
        page.get(listed)
    with receiver() as here:
        Destination.objects.update(url=here.url)
        page.post(reverse("setup_outgoing_again"), {"message": OutboxMessage.objects.get().pk})
        assert outbox.deliver_hooks() == 1
    assert "Nothing was given up" in page.get(listed).text


@pytest.mark.parametrize("given", ["before=1", "before=x", "before=" + "9" * 40, "state=nothing"])
def test_the_list_takes_any_address(page, given):
    assert page.get(f"{reverse('setup_outgoing')}?{given}").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"transport": "webhook", "secret": ""},
        {"transport": "slack", "secret": "whsec_x"},
        {"transport": "email", "secret": ""},
        {"stopped_at": "2026-01-01T00:00Z", "stopped_why": ""},
    ],
)
def test_a_channel_that_makes_no_sense_cannot_be_stored(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        Destination.objects.create(**{"transport": "slack", "name": "x", "url": "https://x.example/"} | wrong)


def test_a_message_goes_to_an_address_or_to_a_channel(ada):
    with receiver() as here:
        channel = channel_at(here.url, ada)
    for wrong in ({"transport": "email", "destination": channel}, {"transport": "slack", "destination": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            OutboxMessage.objects.create(address="x", body="x", dedupe_key="x", **wrong)
