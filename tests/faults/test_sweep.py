"""Whatever happens to a sweep: exactly one breach for each promise that is overdue, and everyone told once."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.db.models.functions import Now

from alignment.ops.models import Notification, OutboxMessage
from alignment.ops.outbox import deliver
from alignment.people.models import Role, Side
from leads import lifecycle
from leads.milestones import Milestone
from leads.models import Lead
from sla.models import Clock, ClockEvent, EventKind
from sla.sweep import sweep
from tests.factories import make_team, make_user
from tests.faults.deaths import run_and_die_after
from tests.sla.stories import arrive, cause, kinds

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 120
# The breach to the holder and the manager, the proposal to the manager, and what goes to the heads: there are none.
TOLD = 4


@pytest.fixture
def owner():
    team = make_team(Side.SALES)
    team.manager = make_user(Role.MANAGER, team=team)
    team.save()
    return make_user(team=team)


def breaches(lead_ids: list[int]) -> list[int]:
    """How many breaches the clock of each lead has."""
    found = Counter(ClockEvent.objects.filter(kind=EventKind.BREACHED).values_list("clock__lead_id", flat=True))
    return [found[lead_id] for lead_id in lead_ids]


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run these in threads of their own, each on its own connection; returns what they returned or raised."""
    results: list[Any] = [None] * len(works)
    barrier = threading.Barrier(len(works))

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = works[number]()
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_sweeps_at_once_share_the_work(owner):
    lead_ids = arrive(leads=MANY, owner_id=owner.pk)
    swept = at_once(*[lambda: sweep(limit=7)] * 4)
    # Sweeps that found every clock claimed have left; what is still due is found by the next poke.
    rest = sweep()
    assert sum(each.breached for each in swept) + rest.breached == MANY
    assert breaches(lead_ids) == [1] * MANY
    told = Notification.objects.filter(kind="breach").aggregate(leads=Sum("stands_for"))
    assert told == {"leads": 2 * MANY}, "the holder and the manager heard of each once"
    assert not Clock.objects.filter(next_at__isnull=False).exists()


def test_a_sweep_killed_after_any_statement_leaves_nothing_half_done(owner):
    for statement in count(1):
        lead_ids = arrive(leads=3, owner_id=owner.pk)
        told_before = Notification.objects.count()
        died = run_and_die_after(statement, sweep)
        assert breaches(lead_ids) in ([0, 0, 0], [1, 1, 1]), f"killed after statement {statement}"
        assert Notification.objects.count() - told_before == TOLD * sum(breaches(lead_ids))

        sweep()
        assert breaches(lead_ids) == [1, 1, 1]
        assert Notification.objects.count() - told_before == TOLD * 3
        if not died:
            break
    assert statement > 5, "it was killed at the statements that matter"


def test_a_sender_killed_after_any_statement_loses_no_message(owner, settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    for statement in count(1):
        arrive(owner_id=owner.pk)
        sweep()
        waiting = OutboxMessage.objects.filter(sent_at=None)
        assert waiting.exists()
        died = run_and_die_after(statement, deliver)
        # What the dead sender had claimed is due again when its lease is over.
        waiting.update(due_at=Now())
        deliver()
        assert not waiting.exists(), f"killed after statement {statement}"
        if not died:
            break
    assert statement > 2
    mails = "".join(path.read_text() for path in tmp_path.iterdir())
    assert mails.count("Subject: ") >= OutboxMessage.objects.count()


def test_answers_race_with_sweeps_for_the_same_leads(owner):
    lead_ids = arrive(leads=MANY, owner_id=owner.pk)
    half = lead_ids[: MANY // 2]

    def answer() -> list[lifecycle.Moved]:
        return [lifecycle.accept(lead_ids=half[start : start + 5], cause=cause()) for start in range(0, len(half), 5)]

    results = at_once(answer, lambda: sweep(limit=10), lambda: sweep(limit=10), answer)
    assert [result for result in results if isinstance(result, Exception)] == []
    sweep()

    # Overdue is overdue, whichever of them came first.
    assert breaches(lead_ids) == [1] * MANY
    accepted = Lead.objects.filter(pk__in=lead_ids, journeys__accepted_at__isnull=False).count()
    assert accepted == len(half), "a lead is accepted once, by who was first"
    for lead_id in half:
        happened = Counter(kinds(lead_id))
        assert {kind: happened[kind] for kind in ("started", "stopped", "breached")} == dict.fromkeys(
            ("started", "stopped", "breached"), 1
        )
    assert not Clock.objects.dispositions().filter(next_at__isnull=False).exists()


def test_an_answer_in_time_that_meets_the_sweep_is_no_breach(owner):
    now = lifecycle.database_now()
    (lead_id,) = arrive((Milestone.MQL, now - timedelta(hours=47)), owner_id=owner.pk)
    lifecycle.accept(lead_ids=[lead_id], cause=cause())
    sweep(at=now + timedelta(days=1))
    assert breaches([lead_id]) == [0]
