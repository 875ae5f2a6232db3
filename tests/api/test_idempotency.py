"""A write that is sent again takes effect once: the same key, at once, after a kill, and with another body."""

from datetime import timedelta
from functools import partial
from threading import Event, Thread
from time import monotonic, sleep

import pytest
from django.db import connection, transaction
from django.utils import timezone

from alignment.ops.models import IdempotentWrite
from leads.models import Lead, LeadTransition
from tests.api.asking import Api, api, problem
from tests.connections import at_once
from tests.factories import make_lead

KEY = {"Idempotency-Key": "4f2a"}
ADA = {"name": "Ada"}


@pytest.mark.django_db
class TestOneAfterTheOther:
    def test_the_same_request_is_answered_the_same_and_happens_once(self):
        asking = api()
        first, second = (asking.post("leads/", ADA, **KEY) for _ in range(2))

        assert Lead.objects.count() == 1
        assert (first.status_code, first.content, first["Location"]) == (201, second.content, second["Location"])
        assert second.status_code == 201
        assert "Idempotency-Replayed" not in first
        assert second["Idempotency-Replayed"] == "true"

    def test_without_a_key_it_happens_twice(self):
        asking = api()
        for _ in range(2):
            asking.post("leads/", ADA)

        assert Lead.objects.count() == 2

    @pytest.mark.parametrize(("path", "body"), [("leads/", {"name": "Eve"}), ("leads/bulk/", ADA)])
    def test_the_key_of_another_request_is_refused(self, path, body):
        asking = api()
        asking.post("leads/", ADA, **KEY)
        told = problem(asking.post(path, body, **KEY), 422)

        assert told["type"] == "urn:accord:problem:idempotency_key_reused"
        assert Lead.objects.count() == 1

    def test_the_keys_of_two_tokens_are_two(self):
        for asking in (api(), api()):
            assert asking.post("leads/", ADA, **KEY).status_code == 201

    def test_what_was_refused_is_tried_again(self):
        asking, lead = api(), make_lead("mgl")
        body = {"reason": "no_budget"}
        problem(asking.post(f"leads/{lead.pk}/win/", {"note": "x" * 3000}, **KEY), 422)
        assert not IdempotentWrite.objects.exists()

        assert asking.post("leads/", ADA | body, **KEY).status_code == 422
        assert asking.post("leads/", ADA, **KEY).status_code == 201

    def test_after_a_day_the_key_is_new(self):
        asking = api()
        asking.post("leads/", ADA, **KEY)
        IdempotentWrite.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

        assert "Idempotency-Replayed" not in asking.post("leads/", ADA, **KEY)
        assert Lead.objects.count() == 2
        assert IdempotentWrite.objects.count() == 1

    def test_what_has_expired_is_forgotten_with_the_next_write(self):
        asking = api()
        for number in range(3):
            asking.post("leads/", ADA, **{"Idempotency-Key": f"key{number}"})
        IdempotentWrite.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        asking.post("leads/", ADA, **KEY)

        assert [write.key for write in IdempotentWrite.objects.all()] == ["4f2a"]

    @pytest.mark.parametrize("key", ["", "x" * 201, "kéy"])
    def test_a_key_that_is_none_is_a_400(self, key):
        problem(api().post("leads/", ADA, **{"Idempotency-Key": key}), 400)
        assert not Lead.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_of_many_at_once_one_happens_and_nobody_hears_anything_else(self):
        token = api().token
        answers = at_once(*[partial(send, token)] * 6)

        assert Lead.objects.count() == 1
        assert LeadTransition.objects.count() == 1
        assert sorted({response.status_code for response in answers}) in ([201], [201, 409])
        for response in answers:
            if response.status_code == 409:
                assert problem(response, 409)["type"] == "urn:accord:problem:in_progress"
                assert response["Retry-After"] == "1"
        assert send(token).json()["id"] == Lead.objects.get().pk

    def test_a_kill_takes_the_write_and_its_memory_together(self):
        token, lead = api().token, make_lead()
        answers = []

        def accept():
            answers.append(Api(token).post(f"leads/{lead.pk}/accept/", {}, **KEY))
            connection.close()

        with transaction.atomic():
            # The request waits for this lead in the middle of its transaction.
            Lead.objects.select_for_update().get(pk=lead.pk)
            asking = Thread(target=accept)
            asking.start()
            kill_who_waits()
            asking.join(timeout=20)
        problem(answers[0], 500)

        assert not IdempotentWrite.objects.exists()
        assert LeadTransition.objects.filter(lead=lead, kind="accept").count() == 0
        again = [Api(token).post(f"leads/{lead.pk}/accept/", {}, **KEY).status_code for _ in range(2)]
        assert again == [200, 200]
        assert LeadTransition.objects.filter(lead=lead, kind="accept").count() == 1


def send(token):
    return Api(token).post("leads/", ADA, **KEY)


def kill_who_waits():
    """End the connection that waits for a lock."""
    waiting = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
    """
    until = monotonic() + 20
    with connection.cursor() as cursor:
        while monotonic() < until:
            cursor.execute(waiting)
            if cursor.rowcount:
                return
            # A transaction looks at the others once, unless it is told to look again.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            sleep(0.05)
    raise AssertionError("nobody waited")


@pytest.mark.django_db(transaction=True)
def test_a_write_that_waits_with_another_in_a_ring_gives_way_and_is_done_again():
    one, two = make_lead("mgl", email="one@a.example"), make_lead("mgl", email="two@b.example")
    asking, has_two = api(), Event()

    def the_other_way_round() -> None:
        locked = Lead.objects.order_by("pk").select_for_update()
        with transaction.atomic():
            locked.get(pk=two.pk)
            has_two.set()
            _until_somebody_waits()
            locked.get(pk=one.pk)

    other = Thread(target=the_other_way_round)
    other.start()
    has_two.wait()
    rows = [{"email": lead.email, "title": "Pilot"} for lead in (one, two)]
    response = asking.post("leads/bulk/", {"leads": rows}, **KEY)
    other.join()

    assert response.status_code == 200, response.content
    assert [lead.title for lead in Lead.objects.order_by("pk")] == ["Pilot", "Pilot"]


def _until_somebody_waits() -> None:
    until = monotonic() + 20
    with connection.cursor() as cursor:
        while monotonic() < until:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            sleep(0.02)
