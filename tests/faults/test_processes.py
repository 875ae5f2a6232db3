"""The promise holds while parts of the running stack are dead, hung or emptied."""

import signal
from contextlib import contextmanager

import psycopg2
import redis

from alignment.celery import app
from tests.faults.running import IS_NIGHTLY, Load, celery, stay, until

RESTARTS = 20 if IS_NIGHTLY else 3
WITHOUT_BROKER_SECONDS = 60 if IS_NIGHTLY else 8


def test_what_is_due_is_found_by_the_poked_sweep(demo):
    demo.finds_breaches(demo.overdue(10))


# Beat ---------------------------------------------------------------------------------------------------------


def test_beat_dead_for_ten_minutes(demo):
    """The second trigger stands in, and does not pretend that beat lives."""
    with demo.hanging("beat"):
        demo.rows("UPDATE ops_heartbeat SET at = at - interval '10 minutes'")
        demo.finds_breaches(demo.overdue(10), "without beat")
        silent = "SELECT count(*) FROM ops_heartbeat WHERE name = 'sweep' AND at < now() - interval '2 minutes'"
        assert demo.rows(silent) == [(1,)], "the warning stays"
    until(lambda: demo.rows(silent) == [(0,)], "the heartbeat is back")
    demo.is_sound()


def test_two_beats_at_once(demo, tmp_path):
    second = celery(demo, "beat", "--pidfile=", f"--schedule={tmp_path / 'schedule'}")
    try:
        for _ in range(3):
            demo.finds_breaches(demo.overdue(5), "with two beats")
        assert second.poll() is None, "the second one ran"
    finally:
        second.kill()
        second.wait()
    demo.is_sound()


def test_the_same_tasks_ten_times(demo):
    lead_ids = demo.overdue(20)
    tasks = ("sla.tasks.sweep", "alignment.ops.tasks.deliver", "alignment.ops.tasks.post_due_mail")
    with app.connection_for_write(broker_url(demo)) as broker:
        for name in [name for name in tasks for _ in range(10)]:
            app.send_task(name, connection=broker)
    demo.finds_breaches(lead_ids)
    demo.is_sound()


def broker_url(demo):
    """As Celery writes it."""
    return demo.addresses()["env"]["REDIS_URL"].replace("unix://", "redis+socket://", 1)


# The broker ---------------------------------------------------------------------------------------------------


def test_the_second_trigger_stands_in_for_beat_and_broker(demo):
    with demo.hanging("beat", "valkey"):
        demo.finds_breaches(demo.overdue(10), "while both hang")
    demo.is_sound()


def test_a_broker_that_is_emptied_stopped_and_started_again_under_load(demo, token):
    with Load(demo, token, "broker") as load:
        lead_ids = [demo.overdue(10)]
        with redis.Redis.from_url(demo.addresses()["env"]["REDIS_URL"]) as broker:
            broker.flushall()
        with demo.hanging("valkey"):
            lead_ids.append(demo.overdue(10))
            stay(WITHOUT_BROKER_SECONDS)
            load.goes_on()
        for _ in range(RESTARTS):
            demo.restart("valkey")
            load.goes_on()
        lead_ids.append(demo.overdue(10))
    load.lost_nothing()
    demo.finds_breaches(",".join(lead_ids))
    demo.is_sound()


# Workers ------------------------------------------------------------------------------------------------------


def test_workers_that_die_again_and_again_lose_nothing(demo):
    lead_ids = demo.overdue(3000)
    for _ in range(3):
        demo.restart("worker")
    demo.finds_breaches(lead_ids)
    demo.is_sound()


@contextmanager
def shifted(demo, seconds):
    """The worker's machine has the wrong time."""
    demo.shift.write_text(str(seconds))
    demo.restart("worker")
    try:
        yield
    finally:
        demo.shift.unlink()
        demo.restart("worker")


def test_a_worker_whose_clock_is_two_hours_ahead(demo):
    """Beat's pokes look old to it, so that only the second trigger acts; what is due says the database."""
    with shifted(demo, 7200):
        until(lambda: demo.rows(SWEPT_LATELY) == [(0,)], "no poke is taken any more")
        late, early = demo.overdue(4, hours=49), demo.overdue(4, hours=47)
        demo.finds_breaches(late, "by a worker that is ahead")
        assert_none_breached(demo, early)
    until(lambda: demo.rows(SWEPT_LATELY) == [(1,)], "pokes are taken again")
    demo.is_sound()


def test_a_worker_whose_clock_is_two_hours_behind(demo):
    with shifted(demo, -7200):
        late, early = demo.overdue(4, hours=49), demo.overdue(4, hours=47)
        demo.finds_breaches(late, "by a worker that is behind")
        assert_none_breached(demo, early)
    demo.is_sound()


SWEPT_LATELY = "SELECT count(*) FROM ops_heartbeat WHERE name = 'sweep' AND at > now() - interval '12 seconds'"


def assert_none_breached(demo, lead_ids):
    clocks = f"SELECT id FROM sla_clock WHERE lead_id = ANY('{{{lead_ids}}}')"
    breaches = f"SELECT count(*) FROM sla_clockevent WHERE kind = 'breached' AND clock_id IN ({clocks})"
    assert demo.rows(breaches) == [(0,)], "an hour is left"


# A row that cannot be handled ---------------------------------------------------------------------------------

POISON = """
    CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.kind = 'breached' AND EXISTS (
            SELECT FROM sla_clock clock JOIN leads_lead lead ON lead.id = clock.lead_id
            WHERE clock.id = NEW.clock_id AND lead.name = 'Buyer 7' AND lead.id > {after}
        ) THEN RAISE EXCEPTION 'spoilt'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER poison BEFORE INSERT ON sla_clockevent FOR EACH ROW EXECUTE FUNCTION poison()
"""


def test_a_row_that_cannot_be_handled_is_set_aside_and_the_rest_goes_on(demo, token):
    ((after,),) = demo.rows("SELECT coalesce(max(id), 0) FROM leads_lead")
    demo.rows(POISON.format(after=after))
    try:
        lead_ids = demo.overdue(10).split(",")
        poisoned = lead_ids.pop(7)
        demo.finds_breaches(",".join(lead_ids), "beside a row that cannot be handled")
        parked = f"SELECT count(*) FROM sla_clock WHERE lead_id = {poisoned} AND parked_at IS NOT NULL"
        until(lambda: demo.rows(parked) == [(1,)], "the row is set aside")
        assert demo.rows("SELECT count(*) > 0 FROM ops_notification WHERE kind = 'clock_parked'") == [(True,)]
    finally:
        demo.rows("DROP FUNCTION poison CASCADE")
    demo.rows(f"UPDATE sla_clock SET next_at = now() WHERE lead_id = {poisoned}")
    demo.finds_breaches(poisoned, "once it is mended")
    demo.is_sound()


# The database -------------------------------------------------------------------------------------------------


def test_a_database_that_dies_and_is_restarted_under_load_loses_nothing(demo, token):
    with Load(demo, token, "database") as load:
        lead_ids = demo.overdue(1000)
        # Killed, and shut down as an administrator does it.
        for number in (signal.SIGKILL, signal.SIGINT):
            ((began_at,),) = demo.rows(BEGAN)
            demo.kill("postgres", number)
            until(lambda began_at=began_at: is_another(demo, began_at), "the database is back")
            load.goes_on()
    load.lost_nothing()
    demo.finds_breaches(lead_ids)
    demo.is_sound()


BEGAN = "SELECT pg_postmaster_start_time()"


def is_another(demo, began_at):
    """Whether a database answers that is not the one of before."""
    try:
        return demo.rows(BEGAN) != [(began_at,)]
    except psycopg2.OperationalError:
        return False
