"""The outbox: a message is sent once its transaction stands, once, and never lost."""

import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models.functions import Now

from alignment.ops import outbox
from alignment.ops.models import OutboxMessage
from alignment.ops.outbox import Mail
from tests.ops.mail_servers import mail_server, silent_server
from tests.ops.processes import Thread, start_process

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


class MeetingBackend(EmailBackend):
    """Sends only when two senders are at it at the same time."""

    both = threading.Barrier(2, timeout=30)

    def send_messages(self, messages):
        self.both.wait()
        return super().send_messages(messages)


class RefusingBackend(EmailBackend):
    def send_messages(self, messages):
        raise OSError("no such mailbox\nanywhere")


class LateBackend(EmailBackend):
    """The first mail takes so long that another sender sends it meanwhile; then it fails."""

    late = False

    def send_messages(self, messages):
        if not LateBackend.late:
            LateBackend.late = True
            make_due()
            assert Thread(outbox.deliver).end() == 1
            raise OSError("lost")
        return super().send_messages(messages)


@pytest.fixture
def smtp(settings):
    """Points the mails at a server; returns how."""

    def use(port, timeout=10):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, timeout
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False

    return use


def letter(key="one", **fields):
    return Mail(
        **{"address": "ada@example.com", "subject": "A lead waits", "body": "Hello", "dedupe_key": key} | fields
    )


def post(*keys):
    outbox.post(messages=[letter(key) for key in keys])


def fail_once(settings):
    backend, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, f"{__name__}.RefusingBackend"
    outbox.deliver()
    settings.EMAIL_BACKEND = backend


def make_due():
    OutboxMessage.objects.update(due_at=Now() - timedelta(seconds=1))


def kill(settings):
    """Every attempt fails until the message is given up."""
    for _ in range(outbox.MOST_ATTEMPTS):
        make_due()
        fail_once(settings)


def test_a_message_is_sent_and_then_not_again():
    outbox.post(messages=[letter(subject="A lead\nwaits")])

    assert outbox.deliver() == 1
    assert outbox.deliver() == 0

    [sent] = mail.outbox
    assert (sent.to, sent.subject, sent.body) == (["ada@example.com"], "A lead waits", "Hello")
    assert OutboxMessage.objects.get().sent_at


def test_a_key_is_posted_once_for_ever():
    assert outbox.post(messages=[letter("one"), letter("two"), letter("one")]) == 2
    outbox.deliver()

    assert outbox.post(messages=[letter("one")]) == 0
    assert outbox.deliver() == 0


def test_nothing_to_post_is_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert outbox.post(messages=[]) == 0


def test_posting_a_thousand_is_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert outbox.post(messages=[letter(f"key {n}") for n in range(1000)]) == 1000


def test_a_message_of_a_transaction_that_failed_never_was():
    with transaction.atomic():
        post("one")
        transaction.set_rollback(True)

    assert outbox.deliver() == 0


def test_deliver_stops_at_its_limit_and_begins_with_what_has_waited_longest():
    post("young")
    post("old")
    OutboxMessage.objects.filter(dedupe_key="old").update(due_at=Now() - HOUR)

    assert outbox.deliver(limit=1) == 1
    assert OutboxMessage.objects.waiting().get().dedupe_key == "young"


def test_deliver_begins_nothing_after_its_time():
    post("one")

    assert outbox.deliver(within=timedelta(0)) == 0
    assert OutboxMessage.objects.get().attempts == 0


def test_delivery_refuses_to_hold_a_transaction_open():
    post("one")

    with pytest.raises(RuntimeError), transaction.atomic():
        outbox.deliver()


def test_two_deliverers_at_once_send_each_message_once(settings):
    settings.EMAIL_BACKEND = f"{__name__}.MeetingBackend"
    post(*(f"key {n}" for n in range(20)))

    both = [Thread(lambda: outbox.deliver(limit=10)) for _ in range(2)]

    assert [each.end() for each in both] == [10, 10]
    assert len({sent.extra_headers["Message-ID"] for sent in mail.outbox}) == len(mail.outbox) == 20


def test_a_killed_sender_loses_nothing(smtp):
    post("one")
    with silent_server() as server:
        url = f"smtp://127.0.0.1:{server.getsockname()[1]}?notls"
        process = start_process("from alignment.ops import outbox; outbox.deliver()", ACCORD_EMAIL_URL=url)
        # It has claimed the message and waits for the server's greeting.
        call, _ = server.accept()
        process.kill()
        process.wait()
        call.close()

    assert outbox.deliver() == 0, "the message is the dead sender's until its lease is over"
    message = OutboxMessage.objects.get()
    assert message.created_at < message.due_at <= message.created_at + outbox.LEASE + timedelta(minutes=1)
    make_due()
    with mail_server() as server:
        smtp(server.port)
        assert outbox.deliver() == 1
    assert len(server.mails) == 1
    assert OutboxMessage.objects.get().attempts == 2


def test_a_message_that_kills_every_sender_is_given_up():
    post("one")
    OutboxMessage.objects.update(attempts=outbox.MOST_ATTEMPTS)

    assert outbox.deliver() == 0
    assert OutboxMessage.objects.get().dead_at
    assert mail.outbox == []


def test_a_server_that_hangs_holds_no_transaction(smtp):
    post("one", "two")
    with silent_server() as server:
        smtp(server.getsockname()[1], timeout=3)
        hanging = Thread(lambda: outbox.deliver(limit=1))
        call, _ = server.accept()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
            )
            assert cursor.fetchone() == (0,)
        with mail_server() as other:
            smtp(other.port)
            assert outbox.deliver() == 1
        assert hanging.end() == 0
        call.close()
    assert "imed out" in OutboxMessage.objects.waiting().get().last_error


def test_many_mails_share_a_connection_and_survive_its_end(smtp):
    post("one", "two", "three", "four")
    with mail_server(hang_up_after=2) as server:
        smtp(server.port)
        assert outbox.deliver() == 3
        make_due()
        assert outbox.deliver() == 1

    assert server.connections == 3
    assert len({each["Message-ID"] for each in server.mails}) == 4


def test_a_mail_that_went_out_twice_can_be_known_by_its_id(smtp):
    post("one")
    with mail_server() as server:
        smtp(server.port)
        outbox.deliver()
        # As if the sender had died before it could say so.
        OutboxMessage.objects.update(sent_at=None, due_at=Now())
        outbox.deliver()

    first, second = server.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Auto-Submitted"] == "auto-generated"


def test_a_failure_is_kept_and_tried_again_later(settings):
    post("one")
    fail_once(settings)

    message = OutboxMessage.objects.get()
    assert message.last_error == "OSError: no such mailbox anywhere"
    assert outbox.WAITS[0] <= message.due_at - message.created_at <= outbox.WAITS[0] * 1.2 + timedelta(minutes=1)
    assert outbox.deliver() == 0, "not before its time"
    make_due()
    assert outbox.deliver() == 1
    assert OutboxMessage.objects.get().last_error == ""


def test_waits_grow_until_the_message_is_dead(settings):
    post("one")
    kill(settings)

    message = OutboxMessage.objects.get()
    assert message.dead_at
    assert message.attempts == 10
    make_due()
    assert outbox.deliver() == 0


def test_a_sender_that_comes_back_late_changes_nothing_of_the_next_one(settings):
    settings.EMAIL_BACKEND = f"{__name__}.LateBackend"
    post("one")

    assert outbox.deliver() == 0
    message = OutboxMessage.objects.get()
    assert message.sent_at
    assert message.last_error == ""


def test_replay_sends_the_dead_again(settings):
    post("one", "two")
    kill(settings)
    first = OutboxMessage.objects.earliest("id")

    assert outbox.replay(message_ids=[first.pk]) == 1
    assert outbox.deliver() == 1
    assert outbox.replay() == 1
    assert outbox.deliver() == 1
    assert outbox.replay() == 0


def test_the_command_lists_and_replays(settings):
    post("one")
    kill(settings)
    post("two")

    def run(*arguments):
        out = StringIO()
        call_command("outbox", *arguments, stdout=out)
        return out.getvalue().strip()

    assert run() == "Waiting: 1. Given up: 1."
    assert "A lead waits  OSError: no such mailbox" in run("--dead")
    assert run("--replay", "0") == "To be sent again: 0."
    assert run("--replay") == "To be sent again: 1."
    assert run("--dead") == ""
