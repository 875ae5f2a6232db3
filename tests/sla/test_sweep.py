"""The sweep records each breach once, and tells who has to know."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alignment.ops import mailing
from alignment.ops.models import Destination, Heartbeat, Notification, OutboxMessage
from alignment.people.models import Company, Role, Side
from leads import lifecycle
from leads.causes import Promise
from leads.decisions import Step
from leads.milestones import Kind, Milestone
from sla import tasks
from sla.ladder import BREACH
from sla.models import ClockEvent
from sla.notices import FEW
from sla.sweep import RETRY_PARKED_AFTER, Swept, sweep
from tests.factories import make_team, make_user
from tests.ops.processes import Thread, listening
from tests.sla.stories import HOUR, NOON, arrive, cause, clock_of, drop_promises, kinds

pytestmark = pytest.mark.django_db

LOOK = 'SELECT "sla_clock"."next_at" AS "next_at" FROM'
DUE = NOON + 48 * HOUR
LATER = DUE + HOUR


@pytest.fixture
def rep():
    team = make_team(Side.SALES)
    team.manager = make_user(Role.MANAGER, team=team)
    team.save()
    return make_user(Role.REP, team=team)


def told(kind="breach"):
    """Who was told, in order."""
    return sorted(Notification.objects.filter(kind=kind).values_list("user_id", flat=True))


class TestBreach:
    def test_it_comes_after_the_due_time_not_at_it(self, rep):
        [lead] = arrive(owner_id=rep.pk)
        sweep(at=DUE - HOUR)
        assert sweep(at=DUE) == Swept()
        assert not clock_of(lead).is_breached(DUE)
        after = DUE + timedelta(microseconds=1)
        assert sweep(at=after) == Swept(claimed=1, breached=1)
        assert clock_of(lead).is_breached(after)

    def test_it_took_effect_at_the_due_time_and_was_recorded_when_it_was_seen(self):
        [lead] = arrive()
        sweep(at=LATER)
        breach = clock_of(lead).events.get(kind="breached")
        assert (breach.at, breach.recorded_at, breach.actor) == (DUE, LATER, None)

    def test_the_clock_goes_on_running_and_is_not_looked_at_again_when_its_ladder_has_ended(self, rep):
        [lead] = arrive(owner_id=rep.pk)
        sweep(at=LATER)
        assert clock_of(lead).is_running
        assert sweep(at=LATER + 30 * 24 * HOUR) == Swept(claimed=1, stepped=2)
        clock = clock_of(lead)
        assert (clock.is_running, clock.next_at) == (True, None)
        assert sweep(at=LATER + 60 * 24 * HOUR) == Swept()
        assert kinds(lead) == ["started", "breached", "escalated", "escalated"]

    def test_by_default_now_is_the_present_time(self):
        now = lifecycle.database_now()
        late, early = arrive((Milestone.MQL, now - 49 * HOUR)), arrive((Milestone.MQL, now - 47 * HOUR))
        sweep()
        assert kinds(late[0]) == ["started", "breached"]
        assert kinds(early[0]) == ["started", "reminded"]

    def test_an_answer_after_the_breach_is_late_and_breaks_nothing_twice(self):
        [lead] = arrive()
        sweep(at=LATER)
        lifecycle.accept(lead_ids=[lead], cause=cause(LATER + HOUR))
        assert kinds(lead) == ["started", "breached", "stopped"]

    def test_a_late_answer_that_is_taken_back_is_not_told_twice(self, rep):
        [lead] = arrive(owner_id=rep.pk)
        sweep(at=LATER)
        lifecycle.accept(lead_ids=[lead], cause=cause(LATER + HOUR))
        lifecycle.undo(lead_id=lead, cause=cause())
        assert sweep(at=LATER + 2 * HOUR) == Swept(claimed=1, breached=0)
        assert kinds(lead) == ["started", "breached", "stopped", "reopened"]
        assert told() == sorted([rep.pk, rep.team.manager_id])

    def test_an_answer_in_time_is_never_a_breach(self):
        [lead] = arrive()
        lifecycle.accept(lead_ids=[lead], cause=cause(DUE - HOUR))
        assert sweep(at=LATER) == Swept()
        assert kinds(lead) == ["started", "met"]

    def test_a_merged_lead_never_escalates(self):
        [lead] = arrive()
        lifecycle.move(steps=[Step(lead, Kind.MERGE)], cause=cause())
        assert sweep(at=LATER) == Swept()

    def test_a_retired_policy_keeps_what_it_promised(self):
        [lead] = arrive()
        drop_promises()
        sweep(at=LATER)
        assert kinds(lead) == ["started", "breached"]


class TestTold:
    def test_the_holder_and_the_manager_in_the_app_and_by_mail(self, rep):
        [lead] = arrive(owner_id=rep.pk)
        sweep(at=LATER)
        assert told() == sorted([rep.pk, rep.team.manager_id])
        notice = Notification.objects.get(user=rep)
        assert notice.title == "No answer within 48 hours: Ada"
        assert notice.url == f"/leads/{lead}/"
        mails = OutboxMessage.objects.values_list("address", flat=True)
        assert sorted(mails) == sorted([rep.email, rep.team.manager.email])

    def test_its_button_leads_who_signs_in_to_the_page_where_the_answer_is_given(self, rep, client):
        [lead] = arrive(owner_id=rep.pk)
        sweep(at=LATER)
        notice = Notification.objects.get(user=rep)
        assert notice.action == "Answer it"
        assert notice.url in OutboxMessage.objects.get(address=rep.email).html
        assert client.get(notice.url).headers["Location"] == f"{reverse('account_login')}?next={notice.url}"
        client.force_login(rep)
        page = client.get(notice.url).content.decode()
        assert all(reverse(f"lead_{move}", args=[lead]) in page for move in ("accept", "reject", "recycle"))

    def test_a_manager_who_is_asked_to_hand_it_over_gets_the_page_for_that(self, rep):
        [lead] = arrive(owner_id=rep.pk)
        sweep(at=LATER + 7 * 24 * HOUR)
        proposal = Notification.objects.get(title__startswith="Hand over?")
        assert (proposal.user, proposal.action) == (rep.team.manager, "Hand it over")
        assert proposal.url == reverse("clock", args=[clock_of(lead).pk])

    def test_a_manager_who_holds_the_lead_is_told_once(self, rep):
        arrive(owner_id=rep.team.manager_id)
        sweep(at=LATER)
        assert told() == [rep.team.manager_id]

    def test_of_a_lead_in_no_ones_hands_all_managers_of_sales_hear(self, rep):
        other, marketing, gone = make_team(Side.SALES), make_team(Side.MARKETING), make_team(Side.SALES)
        for team, fields in ((other, {}), (marketing, {}), (gone, {"is_active": False})):
            team.manager = make_user(Role.MANAGER, team=team, **fields)
            team.save()
        arrive()
        sweep(at=LATER)
        assert told() == sorted([rep.team.manager_id, other.manager_id])
        assert "Nobody holds this lead." in Notification.objects.first().body

    def test_without_any_manager_the_head_of_sales_hears(self):
        rep, head = make_user(Role.REP), make_user(Role.EXECUTIVE)
        Company.objects.update(sales_head=head)
        arrive(owner_id=rep.pk)
        arrive()
        sweep(at=LATER)
        assert told() == sorted([rep.pk, head.pk, head.pk])

    def test_history_is_recorded_and_nobody_is_told(self, rep):
        [lead] = arrive(owner_id=rep.pk, promise=Promise.HISTORY)
        assert sweep(at=LATER) == Swept(claimed=1, breached=1)
        assert kinds(lead) == ["started", "breached"]
        assert told() == []


class TestManyAtOnce:
    """Hundreds of leads that are overdue in the same minute are one thing to hear of, and each has its breach."""

    def sums(self, user, kind="breach"):
        return list(Notification.objects.filter(user=user, kind=kind).order_by("id").values_list("title", "url"))

    def test_who_would_be_told_of_many_is_told_how_many(self, rep):
        arrive(leads=FEW + 1, owner_id=rep.pk)
        arrive(owner_id=make_user(Role.REP, team=rep.team).pk)
        sweep(at=LATER)
        assert self.sums(rep) == [("6 leads are overdue", "/queue/")]
        assert self.sums(rep.team.manager) == [("7 leads are overdue", "/queue/")]
        assert ClockEvent.objects.filter(kind="breached").count() == FEW + 2

    def test_a_few_are_told_one_by_one(self, rep):
        arrive(leads=FEW, owner_id=rep.pk)
        sweep(at=LATER)
        assert len(self.sums(rep)) == FEW

    def test_the_batches_of_a_sweep_add_up(self, rep):
        arrive(leads=30, owner_id=rep.pk)
        sweep(limit=10, at=LATER)
        assert self.sums(rep) == [("30 leads are overdue", "/queue/")]
        assert OutboxMessage.objects.count() == 0, "the mail waits until the number stands still"
        Notification.objects.update(mail_at=NOON)
        mailing.post_due()
        assert sorted(OutboxMessage.objects.values_list("address", "subject")) == sorted(
            (user.email, "30 leads are overdue") for user in (rep, rep.team.manager)
        )

    def test_an_hour_later_it_is_another_sum(self, rep):
        arrive(leads=FEW + 1, owner_id=rep.pk)
        arrive((Milestone.MQL, NOON + 2 * HOUR), leads=FEW + 3, owner_id=rep.pk)
        sweep(at=LATER)
        sweep(at=LATER + 2 * HOUR)
        assert [title for title, _ in self.sums(rep)] == ["6 leads are overdue", "8 leads are overdue"]

    def test_reminders_add_up_too(self, rep):
        arrive(leads=FEW + 1, owner_id=rep.pk)
        sweep(at=NOON + 25 * HOUR)
        assert [title for title, _ in self.sums(rep, "reminder")] == ["6 leads are due soon"]

    def test_a_channel_hears_of_many_in_one_message(self, rep):
        Destination.objects.create(transport="slack", name="#sales", url="https://slack.example", occasions=["breach"])
        arrive(leads=FEW + 1, owner_id=rep.pk)
        arrive(leads=FEW + 1)
        sweep(at=LATER)
        (hook,) = OutboxMessage.objects.exclude(destination=None)
        assert hook.subject == "12 leads are overdue"
        assert "{count}" not in hook.body


class TestBadRow:
    @pytest.fixture
    def poison(self):
        """Makes the database refuse the breach of one lead."""
        name = "tests_poison"

        def spoil(lead_id):
            with connection.cursor() as cursor:
                cursor.execute(
                    f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                    f"IF NEW.kind = 'breached' AND NEW.clock_id = {clock_of(lead_id).pk} "
                    "THEN RAISE EXCEPTION 'spoilt'; END IF; RETURN NEW; END $$;"
                    f"CREATE TRIGGER {name} BEFORE INSERT ON sla_clockevent FOR EACH ROW EXECUTE FUNCTION {name}()"
                )

        def mend():
            with connection.cursor() as cursor:
                cursor.execute(f"DROP FUNCTION {name} CASCADE")

        return spoil, mend

    def test_it_is_set_aside_with_an_alert_and_the_rest_goes_on(self, poison, rep):
        spoil, _ = poison
        admin = make_user(Role.REVOPS)
        leads = arrive(leads=20, owner_id=rep.pk)
        spoil(leads[7])
        assert sweep(at=LATER) == Swept(claimed=20, breached=19, parked=1)
        bad = clock_of(leads[7])
        assert (bad.parked_at, bad.next_at) == (LATER, LATER + RETRY_PARKED_AFTER)
        assert "spoilt" in bad.parked_why
        assert kinds(leads[7]) == ["started", "parked"]
        assert told("clock_parked") == [admin.pk]
        assert ClockEvent.objects.filter(kind="breached").count() == 19
        assert sweep(at=LATER + RETRY_PARKED_AFTER) == Swept()

    def test_it_is_tried_again_by_itself_and_comes_back_when_it_is_mended(self, poison):
        spoil, mend = poison
        [lead] = arrive()
        spoil(lead)
        sweep(at=LATER)
        again = LATER + 2 * RETRY_PARKED_AFTER
        assert sweep(at=again) == Swept(claimed=1, parked=1)
        mend()
        assert sweep(at=again + 2 * RETRY_PARKED_AFTER) == Swept(claimed=1, breached=1)
        clock = clock_of(lead)
        assert (clock.parked_at, clock.parked_why, clock.rung) == (None, "", 100)

    def test_it_can_still_be_answered(self, poison):
        spoil, mend = poison
        [lead] = arrive()
        spoil(lead)
        sweep(at=LATER)
        mend()
        lifecycle.accept(lead_ids=[lead], cause=cause(LATER + HOUR))
        clock = clock_of(lead)
        assert (clock.stopped_at, clock.parked_at) == (LATER + HOUR, None)


class TestCost:
    @pytest.mark.django_db(transaction=True)
    def test_with_nothing_due_it_is_two_queries_however_many_clocks_run(self):
        arrive((Milestone.MQL, lifecycle.database_now()), leads=300)
        with CaptureQueriesContext(connection) as captured:
            assert sweep() == Swept()
        statements = [each["sql"] for each in captured if each["sql"] not in ("BEGIN", "COMMIT")]
        assert len(statements) == 2

    @pytest.mark.django_db(transaction=True)
    def test_what_is_due_is_found_in_the_index_of_what_is_due(self):
        """Without a sort, without a look at clocks that are not due, and also where the planner knows nothing yet."""
        arrive((Milestone.MQL, lifecycle.database_now()), leads=300)
        [late] = arrive((Milestone.MQL, lifecycle.database_now() - 49 * HOUR))
        with CaptureQueriesContext(connection) as captured:
            assert sweep().claimed == 1
        assert clock_of(late).rung == BREACH
        (looks, claims) = ([each["sql"] for each in captured if part in each["sql"]] for part in (LOOK, "SKIP LOCKED"))
        with connection.cursor() as cursor:

            def plan(statement):
                cursor.execute(f"EXPLAIN {statement}")
                return "\n".join(row for (row,) in cursor.fetchall())

            unknown = plan(looks[0])
            cursor.execute("ANALYZE sla_clock")
            known = [plan(looks[0]), plan(claims[0])]
        for found in (unknown, *known):
            assert "using clock_next" in found, found
            assert "Sort" not in found, found
            assert "Seq Scan on sla_clock" not in found, found

    def test_a_batch_is_the_same_statements_for_one_clock_and_for_a_thousand(self, rep):
        def statements(leads):
            Notification.objects.all().delete()
            arrive(leads=leads, owner_id=rep.pk)
            with CaptureQueriesContext(connection) as captured:
                assert sweep(limit=1500, at=LATER).breached == leads
            return len(captured)

        assert statements(1) == statements(FEW)
        assert statements(FEW + 1) == statements(1000)

    def test_more_than_a_batch_is_handled_in_one_sweep(self):
        arrive(leads=25)
        assert sweep(limit=10, at=LATER) == Swept(claimed=25, breached=25)

    def test_a_batch_looks_at_nothing_that_was_due_before_the_end_of_the_one_before(self):
        """The entries of what was handled stay in the index for as long as some reader's snapshot is older."""
        for hours in range(3):
            arrive((Milestone.MQL, NOON + hours * HOUR))
        with CaptureQueriesContext(connection) as captured:
            assert sweep(limit=2, at=LATER + 2 * HOUR).breached == 3
        looks, claims = ([each["sql"] for each in captured if part in each["sql"]] for part in (LOOK, "SKIP LOCKED"))
        reminder_of_the_second = NOON + 25 * HOUR
        for statement in (looks[1], claims[1]):
            assert f">= '{reminder_of_the_second.isoformat()}'" in statement

    def test_it_begins_no_batch_after_its_time(self):
        arrive(leads=3)
        assert sweep(limit=1, at=LATER, within=timedelta(0)) == Swept()


def test_the_task_shows_a_sign_of_life():
    [lead] = arrive((Milestone.MQL, lifecycle.database_now() - 49 * HOUR))
    tasks.sweep()
    assert kinds(lead) == ["started", "breached"]
    beat = Heartbeat.objects.get(name="sweep")
    assert beat.detail["claimed"] == 1
    assert beat.detail["seconds"] > 0
    tasks.sweep()
    assert Heartbeat.objects.get(name="sweep").detail == beat.detail, "what it did last, not that there was nothing"


@pytest.mark.django_db(transaction=True)
def test_open_pages_hear_of_a_batch_once():
    leads = arrive(leads=30)
    with listening() as listener:
        sweep(at=LATER)
        heard = [payload for payload in listener.heard() if '"leads"' in payload]
        assert len(heard) == 1
        assert all(str(lead) in heard[0] for lead in leads)
        sweep(at=LATER)
        assert listener.heard() == []


@pytest.mark.django_db(transaction=True)
def test_a_sweep_does_not_wait_for_an_answer_in_progress():
    held, free = arrive(leads=2)
    with transaction.atomic():
        lifecycle.accept(lead_ids=[held], cause=cause(DUE - HOUR))
        assert Thread(lambda: sweep(at=LATER)).end() == Swept(claimed=1, breached=1)
    assert kinds(held) == ["started", "met"]
    assert kinds(free) == ["started", "breached"]
