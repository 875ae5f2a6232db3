"""Promises in versions: what publishing changes, what its preview says, and clocks that run under other rules."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alignment.lib.business_time import Hours
from alignment.ops import versions
from alignment.ops.models import Notification
from alignment.people import calendars
from alignment.people.models import Company, Role
from leads import lifecycle
from leads.milestones import Milestone
from leads.models import Lead
from sla import pausing, policies, recalculating
from sla.applying import Applied
from sla.models import Clock, PauseReason, Policy, PolicySet, TargetUnit
from sla.preview import preview
from sla.querysets import Attainment
from sla.rules import Rule, as_body
from tests.factories import make_user
from tests.sla.stories import HOUR, arrive, cause, clock_of, facts, kinds, policy, promise, touch

pytestmark = pytest.mark.django_db

WORKING = TargetUnit.WORKING_HOURS.value
DIRECTORS = {"match": "all", "of": [{"field": "title", "operator": "contains", "values": ["director"]}]}


def draft(*rules, kind="disposition"):
    begun = versions.begin(PolicySet, by=None, scope=kind)
    return versions.change(begun, body=as_body(rules), by=None)


@pytest.fixture
def now():
    return lifecycle.database_now()


def test_an_install_begins_with_three_promises_of_sales_and_one_of_both():
    found = [(each.subject_kind, each.promised) for each in Policy.objects.in_force()]
    assert found == [
        ("disposition", "48 hours"), ("dispute_answer", "48 hours"), ("first_touch", "1 working hour"),
        ("worked", "1 business day"),
    ]  # fmt: skip


class TestPublish:
    @pytest.mark.parametrize(
        ("rule", "sentence"),
        [
            (Rule(""), "Give it a name."),
            (Rule("Never", target=0), "between 1 and 1000"),
            (Rule("When", reminders=[120]), "1 to 99 per cent"),
            (Rule("Twice", unit=WORKING, floor_hours=10), "for elapsed hours alone"),
            (Rule("Odd", when={"match": "all", "of": [{"field": "no", "operator": "is"}]}), "cannot be asked"),
        ],
    )
    def test_what_cannot_count_is_refused_with_a_sentence(self, rule, sentence):
        with pytest.raises(ValidationError, match=sentence):
            policies.publish(draft=draft(rule), by=None)
        assert policy().name.startswith("Sales answers")

    def test_what_runs_stays_as_it_was(self, now):
        [lead] = arrive((Milestone.MQL, now))
        before = facts([lead])
        policies.publish(draft=draft(Rule("Faster", target=4)), by=None)
        assert facts([lead]) == before

    def test_applied_to_running_the_new_due_time_is_logged(self, now):
        by = make_user(Role.REVOPS)
        [lead] = arrive((Milestone.MQL, now))
        old = clock_of(lead).due_at
        policies.publish(draft=draft(Rule("Faster", target=24)), by=by, apply_to_running=True)
        clock = clock_of(lead)
        assert (clock.due_at, clock.policy.name, clock.next_at) == (now + 24 * HOUR, "Faster", now + 12 * HOUR)
        event = clock.events.get(kind="recalculated")
        assert event.actor == by
        assert event.detail["due_at"] == [old.isoformat(), clock.due_at.isoformat()]
        assert "applied" in event.detail["why"]

    def test_closed_overdue_and_about_to_be_overdue_ones_are_left_alone(self, now):
        [closed], [overdue], [soon] = (arrive((Milestone.MQL, now - hours * HOUR)) for hours in (30, 60, 30))
        lifecycle.accept(lead_ids=[closed], cause=cause(now - HOUR))
        before = facts([closed, overdue, soon])
        published = policies.publish(draft=draft(Rule("Faster", target=24)), by=None, apply_to_running=True)
        assert facts([closed, overdue, soon]) == before
        assert published.applied == Applied(moved=0, left=1)

    def test_a_pause_is_kept(self, now):
        [lead] = arrive((Milestone.MQL, now - 10 * HOUR))
        reason = PauseReason.objects.get(key="waiting")
        pausing.pause(clock_ids=[clock_of(lead).pk], reason=reason, cause=cause(now - 5 * HOUR))
        policies.publish(draft=draft(Rule("Faster", target=24)), by=None, apply_to_running=True)
        clock = clock_of(lead)
        assert (clock.due_at, clock.paused_until) == (now + 86 * HOUR, now + 67 * HOUR)
        assert clock.next_at == clock.paused_until

    def test_it_is_as_many_statements_for_one_clock_and_for_many(self, now):
        def statements(leads):
            arrive((Milestone.MQL, now), leads=leads)
            fresh = draft(Rule("Other", target=30 + leads))
            with CaptureQueriesContext(connection) as captured:
                policies.publish(draft=fresh, by=None, apply_to_running=True)
            return len(captured)

        assert statements(1) == statements(50)


class TestPreview:
    def test_it_says_what_would_have_been_kept(self, now):
        leads = [arrive((Milestone.MQL, now - timedelta(days=days)))[0] for days in (10, 20, 30)]
        lifecycle.accept(lead_ids=leads[:1], cause=cause(now - timedelta(days=10) + 3 * HOUR))
        lifecycle.accept(lead_ids=leads[1:2], cause=cause(now - timedelta(days=20) + 30 * HOUR))
        arrive((Milestone.MQL, now - timedelta(days=200)))
        Lead.objects.filter(pk=leads[2]).update(title="Director")
        fresh = draft(Rule("Not directors", when=DIRECTORS, is_promised=False), Rule("A day", target=24))
        found = preview(fresh, at=now, zone=ZoneInfo("UTC"))
        assert [(each.n, each.met, each.breached) for each in found.rules] == [(0, 0, 0), (2, 1, 1)]
        assert (found.without, found.was) == (1, Attainment(met=2, breached=1))
        assert sum(found.load) == 2
        assert Policy.objects.filter(name="A day").count() == 0

    def test_it_lists_running_clocks_with_their_old_and_new_due_times(self, now):
        [follows], [stays] = (arrive((Milestone.MQL, now - hours * HOUR)) for hours in (1, 30))
        found = preview(draft(Rule("A day", target=24)), at=now, zone=ZoneInfo("UTC"))
        assert [(each.clock.lead_id, each.due_at) for each in found.moves] == [(follows, now + 23 * HOUR)]
        assert [each.clock.lead_id for each in found.held] == [stays]
        assert clock_of(follows).due_at == now + 47 * HOUR

    def test_a_touch_is_previewed_from_acceptance(self, now):
        [lead] = arrive((Milestone.MQL, now - timedelta(days=9)))
        lifecycle.accept(lead_ids=[lead], cause=cause(now - timedelta(days=8)))
        touch(lead, now - timedelta(days=7))
        fresh = draft(Rule("Three hours", target=3), kind="worked")
        found = preview(fresh, at=now, zone=ZoneInfo("UTC"))
        assert (found.rules[0].n, found.total) == (1, Attainment(met=0, breached=1))


class TestCalendars:
    @pytest.fixture
    def office(self):
        calendar = calendars.add(name="Office", time_zone="UTC", week={n: [Hours(0, 1440)] for n in range(1, 8)})
        Company.objects.update(calendar=calendar)
        promise(Rule("Within 20 working hours", target=20, unit=WORKING))
        return calendar

    def test_an_edit_moves_running_clocks_and_logs_it(self, office, now):
        [lead] = arrive((Milestone.MQL, now))
        old = clock_of(lead).due_at
        calendars.change(calendar_id=office.pk, facts={}, week={n: [Hours(0, 600)] for n in range(1, 8)})
        clock = clock_of(lead)
        assert clock.due_at > old
        assert clock.events.get(kind="recalculated").detail["due_at"] == [old.isoformat(), clock.due_at.isoformat()]

    def test_what_would_turn_overdue_waits_to_be_confirmed(self, office, now):
        calendars.change(calendar_id=office.pk, facts={}, week={n: [Hours(0, 60)] for n in range(1, 8)})
        [lead] = arrive((Milestone.MQL, now - timedelta(days=5)))
        before = facts([lead])
        calendars.change(calendar_id=office.pk, facts={}, week={n: [Hours(0, 1440)] for n in range(1, 8)})
        assert facts([lead]) == before
        [held] = recalculating.by_calendar(None, now)
        assert held.turns_overdue(now)
        assert recalculating.apply(moves=[held], by=None, why="Confirmed") == 1
        assert clock_of(lead).is_breached(now)
        assert kinds(lead) == ["started", "recalculated"]
        assert clock_of(lead).next_at >= now, "the sweep is not called late because of it"

    def test_whoever_edited_is_told_that_due_times_wait(self, office, now):
        by = make_user(Role.REVOPS)
        calendars.change(calendar_id=office.pk, facts={}, week={n: [Hours(0, 60)] for n in range(1, 8)})
        arrive((Milestone.MQL, now - timedelta(days=5)))
        arrive((Milestone.MQL, now))
        calendars.change(calendar_id=office.pk, facts={}, week={n: [Hours(0, 1440)] for n in range(1, 8)}, by=by)
        told = Notification.objects.get(user=by)
        assert (told.title, told.url) == ("1 due time waits for you to confirm it", "/setup/slas/held/")
        assert (
            told.body == "Office was edited: 1 due time followed. This one has not, since it would be overdue at once."
        )

    def test_whose_edit_makes_nothing_overdue_is_told_nothing(self, office, now):
        arrive((Milestone.MQL, now))
        by = make_user(Role.REVOPS)
        calendars.change(calendar_id=office.pk, facts={}, week={n: [Hours(0, 600)] for n in range(1, 8)}, by=by)
        assert not Notification.objects.filter(user=by).exists()

    def test_closed_clocks_do_not_move(self, office, now):
        [lead] = arrive((Milestone.MQL, now - HOUR))
        lifecycle.accept(lead_ids=[lead], cause=cause(now))
        before = facts([lead])
        calendars.change(calendar_id=office.pk, facts={}, week={1: [Hours(0, 600)]})
        assert facts([lead]) == before
        assert "recalculated" not in kinds(lead)


def test_clocks_of_elapsed_hours_hang_on_no_calendar():
    arrive((Milestone.MQL, datetime(2026, 3, 2, tzinfo=UTC)))
    assert set(Clock.objects.values_list("calendar", "calendar_of")) == {(None, "")}
