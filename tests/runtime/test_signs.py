"""How Accord itself is: the page for RevOps, and the metrics for the program that watches it."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from alignment.api import about
from alignment.health import signs
from alignment.lib.moments import database_now
from alignment.ops import heartbeats, jobs, outbox
from alignment.ops.models import Heartbeat, OutboxMessage
from alignment.people import tokens
from alignment.people.models import Role, Scope
from leads.milestones import Milestone
from sla import tasks
from sla.models import ClockEvent
from tests.factories import make_user
from tests.ops import runners  # noqa: F401 (knows a kind of job)
from tests.sla.stories import HOUR, arrive, clock_of

pytestmark = pytest.mark.django_db

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def revops():
    return make_user(Role.REVOPS)


@pytest.fixture
def page(client, revops):
    client.force_login(revops)
    return lambda: client.get("/setup/health/").content.decode()


@pytest.fixture
def metrics(client, revops):
    _, text = tokens.make(user=revops, name="Prometheus", scopes=[Scope.READ], days=1)

    def read():
        answer = client.get("/api/v1/metrics/", headers={"Authorization": f"Bearer {text}"})
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    return read


def mail(key):
    return outbox.Mail(address="ada@example.com", subject="Late", body="Hello", dedupe_key=key)


def test_nothing_is_wrong_with_an_install_at_work(page, metrics):
    for name in ("sweep", "sender", "worker"):
        heartbeats.beat(name)
    shown = page()
    assert "tag-warn" not in shown
    assert "data-bad" not in shown
    found = metrics()
    assert found["accord_broker_up"] == 1
    assert found['accord_queue_messages{queue="sweep"}'] >= 0
    assert found['accord_heartbeat_age_seconds{process="worker"}'] < 120
    assert found["accord_clocks_due"] == found["accord_outbox_waiting"] == found["accord_jobs_waiting"] == 0
    assert "accord_breach_detection_seconds" not in str(found), "what was not measured is not claimed"


def test_a_silent_process_is_shown(page, metrics):
    heartbeats.beat("sweep")
    Heartbeat.objects.update(at=Now() - 10 * MINUTE)
    assert page().count('<span class="tag tag-warn">Silent</span>') == 3
    assert metrics()['accord_heartbeat_age_seconds{process="sweep"}'] >= 600


def test_how_late_breaches_are_found_and_how_long_the_sweep_took(page, metrics, monkeypatch):
    arrive((Milestone.MQL, database_now() - 49 * HOUR), leads=3)
    assert metrics()["accord_clocks_due"] == 3
    tasks.sweep()
    found = metrics()
    assert (found["accord_clocks_due"], found["accord_sweep_clocks"]) == (0, 3)
    assert found["accord_sweep_seconds"] > 0
    assert "handled 3 clocks in" in page()
    assert found["accord_breaches_detected"] == 0, "they came in overdue"

    [lead] = arrive((Milestone.MQL, database_now() - 47 * HOUR))
    due_at = database_now()
    ClockEvent.objects.create(clock=clock_of(lead), kind="breached", at=due_at, recorded_at=due_at)
    found = metrics()
    assert (found["accord_breaches_detected"], found['accord_breach_detection_seconds{quantile="0.99"}']) == (1, 0)
    assert "<dt>99 of 100 breaches found within</dt><dd>0.0 s</dd>" in page()
    assert "Breaches should be found" not in page()
    monkeypatch.setattr(signs, "FOUND_WITHIN", -SECOND)
    assert "Breaches should be found" in page()


def test_what_waits_to_leave_and_what_was_given_up(page, metrics):
    outbox.post(messages=[mail("one"), mail("two"), mail("later")])
    OutboxMessage.objects.filter(dedupe_key="one").update(due_at=Now() - 5 * MINUTE)
    OutboxMessage.objects.filter(dedupe_key="two").update(dead_at=Now(), last_error="No such host")
    OutboxMessage.objects.filter(dedupe_key="later").update(due_at=Now() + 5 * MINUTE)
    found = metrics()
    assert (found["accord_outbox_waiting"], found["accord_outbox_dead"]) == (2, 1)
    assert 300 <= found["accord_outbox_oldest_seconds"] < 900
    assert "<dt>Due since</dt><dd>5 m</dd>" in page()


def test_jobs_that_nobody_takes_up(metrics):
    jobs.enqueue("count", params={"upto": 1})
    found = metrics()
    assert (found["accord_jobs_waiting"], found["accord_jobs_running"]) == (1, 0)
    assert found["accord_jobs_oldest_seconds"] >= 0


def test_a_broker_that_does_not_answer(page, metrics, settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock"
    assert metrics()["accord_broker_up"] == 0
    assert "It does not answer" in page()


def test_the_same_questions_whatever_there_is(django_assert_num_queries):
    with django_assert_num_queries(8):
        signs.read()
    arrive(leads=20)
    outbox.post(messages=[mail(str(number)) for number in range(20)])
    with django_assert_num_queries(8):
        signs.read()


def test_for_htmx_the_part_that_changes(client, revops):
    client.force_login(revops)
    answer = client.get("/setup/health/", headers={"HX-Request": "true"}).content.decode()
    assert answer.lstrip().startswith('<section class="stack" id="signs"')


def test_only_who_runs_it_reads_it(client):
    client.force_login(make_user(Role.MANAGER))
    assert client.get("/setup/health/").status_code == 403
    _, text = tokens.make(user=make_user(Role.REP), name="Mine", scopes=[Scope.READ], days=1)
    assert client.get("/api/v1/metrics/", headers={"Authorization": f"Bearer {text}"}).status_code == 403
    assert client.get("/api/v1/metrics/").status_code == 401


def test_the_metrics_are_in_the_schema():
    assert "/api/v1/metrics/" in about.document()["paths"]


def test_the_warning_leads_to_the_page(client):
    user = make_user(Role.REVOPS, joined_at=database_now() - HOUR)
    client.force_login(user)
    assert '<a href="/setup/health/">See how Accord is</a>' in client.get("/notifications/").content.decode()
