"""A process that dies between any two writes: what it began is taken back, or goes on, and nothing happens twice."""

import os
import subprocess
import sys
from uuid import uuid4

import pytest

from tests.faults import overdue
from tests.faults.running import until
from tests.runtime.stacks import ROOT


@pytest.fixture(scope="module", autouse=True)
def _manager(demo):
    """Somebody who hears of breaches."""
    demo.inside(overdue.manager)


def test_a_sweep_that_dies_at_any_write(demo):
    for failpoint in ("sweep.claimed", "sweep.events", "sweep.told", "sweep.committed"):
        with demo.dying_at(failpoint):
            lead_ids = demo.overdue(3)
        demo.finds_breaches(lead_ids, f"after a death at {failpoint}")
    demo.is_sound()


def test_a_sender_that_dies_before_or_after_a_mail_left(demo):
    for failpoint in ("outbox.claimed", "outbox.sent"):
        with demo.dying_at(failpoint):
            demo.finds_breaches(demo.overdue(1))
        # What the dead sender had claimed is due again when its lease is over.
        demo.rows("UPDATE ops_outboxmessage SET due_at = now() WHERE sent_at IS NULL")
        until(lambda: demo.rows("SELECT count(*) FROM ops_outboxmessage WHERE sent_at IS NULL") == [(0,)], "mail left")
    mails = "".join(path.read_text() for path in (demo.state / "mail").iterdir())
    sent = [pk for (pk,) in demo.rows("SELECT id FROM ops_outboxmessage WHERE destination_id IS NULL")]
    assert sent
    assert [pk for pk in sent if f"<outbox.{pk}." not in mails] == [], "every mail left, at least once"
    demo.is_sound()


def test_a_list_by_mail_whose_maker_dies(demo):
    demo.finds_breaches(demo.overdue(12))
    with demo.dying_at("mail_lists.claimed"):
        demo.rows("UPDATE ops_notification SET mail_at = now() WHERE mail_at IS NOT NULL")
    due = "SELECT count(*) FROM ops_notification WHERE mail_at IS NOT NULL"
    until(lambda: demo.rows(due) == [(0,)], "the list is made")
    lists = "SELECT count(*) FROM ops_outboxmessage WHERE subject ~ '^[0-9,]+ leads are overdue'"
    sums = "SELECT count(*) FROM ops_notification WHERE stands_for > 1 AND kind = 'breach'"
    assert demo.rows(lists) == demo.rows(sums)
    demo.is_sound()


def test_long_work_whose_worker_dies_at_any_slice(demo):
    lead_ids = demo.overdue(1200)
    with demo.dying_at("jobs.taken"):
        job = demo.inside(lambda: overdue.hand_all([int(pk) for pk in lead_ids.split(",")]))
    for failpoint in ("jobs.sliced", "jobs.committed"):
        with demo.dying_at(failpoint):
            # The lease of the dead run is over.
            demo.rows(f"UPDATE ops_job SET leased_until = now() WHERE id = {job} AND leased_until IS NOT NULL")
    demo.rows(f"UPDATE ops_job SET leased_until = now() WHERE id = {job} AND leased_until IS NOT NULL")
    until(lambda: demo.rows(f"SELECT state FROM ops_job WHERE id = {job}") == [("done",)], "the job is done")
    held = f"SELECT count(*), count(DISTINCT lead_id) FROM leads_holderinterval WHERE lead_id = ANY('{{{lead_ids}}}')"
    assert demo.rows(held) == [(1200, 1200)], "each was handed over once"
    demo.is_sound()


def test_a_web_process_that_dies_at_any_write_of_a_request(demo, token):
    for failpoint in ("api.written", "api.committed", "moves.written", "moves.followed"):
        address = f"{failpoint}-{uuid4()}@buyer.example"
        with demo.dying_at(failpoint):
            lead = demo.post(token, "leads/", {"email": address}, key=failpoint)["id"]
            demo.post(token, f"leads/{lead}/hand-over/", {}, key=f"{failpoint}-over")
        assert demo.rows(f"SELECT count(*) FROM leads_lead WHERE email = '{address}'") == [(1,)]
        moves = f"SELECT count(*) FROM leads_leadtransition WHERE lead_id = {lead}"
        clocks = f"SELECT count(*) FROM sla_clock WHERE lead_id = {lead} AND subject_kind = 'disposition'"
        assert demo.rows(f"SELECT ({moves}), ({clocks})") == [(2, 1)], f"it came in and was handed over, {failpoint}"
    demo.is_sound()


@pytest.mark.parametrize(("demo_variable", "said", "exit_code"), [("", "alive\n", 0), ("1", "", -9)])
def test_in_production_no_failpoint_is_armed(tmp_path, demo_variable, said, exit_code):
    """There the variable alone does nothing."""
    (tmp_path / "here").touch()
    code = "from alignment.lib import failpoints; failpoints.reached('here'); print('alive')"
    result = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "--command", code],
        env=os.environ | {"ACCORD_FAILPOINTS": str(tmp_path), "ACCORD_DEMO": demo_variable},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (result.stdout, result.returncode) == (said, exit_code), result.stderr
