"""What is too much for one request is a job: the preview of all that was owed, and rules applied to what runs."""

import pytest

from alignment.ops import jobs, versions
from alignment.ops.models import Job, Notification
from alignment.people.models import Role
from leads import lifecycle
from leads.lifecycle import database_now
from leads.milestones import Milestone
from sla import applying, policies, preview, preview_jobs, recalculating
from sla.models import Clock, PolicySet
from sla.rules import Rule, as_body
from tests.factories import make_user
from tests.sla.stories import HOUR, arrive, cause, clock_of

pytestmark = pytest.mark.django_db(transaction=True)


def drafted(*rules):
    draft = versions.begin(PolicySet, by=None, scope="disposition")
    return versions.change(draft, body=as_body(rules), by=None)


def history():
    """Leads of the last weeks: some answered in a day, some in three, some that wait."""
    now = database_now()
    for days in range(2, 40, 3):
        for hours in (20, 70, None):
            at = now - days * 24 * HOUR
            [lead] = arrive((Milestone.MQL, at))
            if hours and days * 24 > hours:
                lifecycle.accept(lead_ids=[lead], cause=cause(at + hours * HOUR))
    arrive((Milestone.MQL, now - HOUR), leads=3)


class TestPreview:
    def test_the_job_finds_what_the_page_finds(self, monkeypatch):
        history()
        draft, by = drafted(Rule("In a day", target=24), Rule("Never asked", target=8)), make_user(Role.REVOPS)
        monkeypatch.setattr(preview_jobs, "SLICE", 2)
        job = preview_jobs.begin(draft=draft, by=by)
        jobs.run(job.pk)
        job.refresh_from_db()
        found = preview_jobs.read(job)
        page = preview.preview(draft, at=database_now(), zone=by.zone)
        assert (job.state, job.done, job.total) == ("done", job.done, job.done)
        for name in ("n", "met", "breached"):
            assert [getattr(each, name) for each in found.rules] == [getattr(each, name) for each in page.rules]
        assert (found.load, found.without, found.was) == (page.load, page.without, page.was)
        assert (found.n_moves, found.n_held) == (page.n_moves, page.n_held)
        assert {(each.clock.pk, each.due_at) for each in found.moves} == {
            (each.clock.pk, each.due_at) for each in page.moves
        }

    def test_the_page_offers_it_where_there_is_more_and_shows_how_it_goes(self, client, monkeypatch):
        history()
        monkeypatch.setattr(preview, "MOST", 5)
        drafted(Rule("In a day", target=24))
        client.force_login(make_user(Role.REVOPS))
        assert "Look at all of it" in client.get("/setup/slas/disposition/draft/preview/").content.decode()
        begun = client.post("/setup/slas/disposition/draft/preview/all/", follow=True)
        assert "Waiting for its turn" in begun.content.decode()
        jobs.run(Job.objects.get(kind=preview_jobs.KIND).pk)
        page = client.get(begun.redirect_chain[-1][0]).content.decode()
        assert '<td data-label="How many" class="num">42</td>' in page


class TestApplying:
    def test_few_follow_at_once(self):
        [lead] = arrive((Milestone.MQL, database_now()))
        draft = drafted(Rule("Within a day", target=24))
        policies.publish(draft=draft, by=None, apply_to_running=True)
        assert clock_of(lead).due_at - clock_of(lead).started_at == 24 * HOUR
        assert not Job.objects.exists()

    def test_many_are_a_job_in_slices_that_tells_when_it_is_done(self, monkeypatch):
        monkeypatch.setattr(applying, "AT_ONCE", 3)
        monkeypatch.setattr(applying, "SLICE", 2)
        leads = arrive((Milestone.MQL, database_now()), leads=5)
        [old] = arrive((Milestone.MQL, database_now() - 30 * HOUR))
        by = make_user(Role.REVOPS)
        draft = drafted(Rule("Within a day", target=24))
        policies.publish(draft=draft, by=by, apply_to_running=True)
        job = Job.objects.get(kind=applying.KIND)
        assert {each.policy.target for each in Clock.objects.select_related("policy")} >= {48}
        jobs.run(job.pk)
        job.refresh_from_db()
        assert (job.state, job.done, job.result) == ("done", 6, {"moved": 5, "left_as_they_are": 1})
        assert {clock_of(lead).due_at - clock_of(lead).started_at for lead in leads} == {24 * HOUR}
        assert clock_of(old).due_at - clock_of(old).started_at == 48 * HOUR
        assert Notification.objects.filter(user=by, kind="job").count() == 1

    def test_it_ends_where_another_version_counts_by_now(self, monkeypatch):
        monkeypatch.setattr(applying, "AT_ONCE", 0)
        [lead] = arrive((Milestone.MQL, database_now()))
        policies.publish(draft=drafted(Rule("Within a day", target=24)), by=None, apply_to_running=True)
        policies.publish(draft=drafted(Rule("Within a week", target=168)), by=None)
        job = Job.objects.get(kind=applying.KIND)
        jobs.run(job.pk)
        job.refresh_from_db()
        assert (job.state, job.result["moved"]) == ("done", 0)
        assert clock_of(lead).policy.target == 48

    def test_slices_leave_no_clock_out(self):
        arrive((Milestone.MQL, database_now()), leads=4)
        now = database_now()
        first = recalculating.running_after(0, "disposition", now, 3)
        rest = recalculating.running_after(first[-1].pk, "disposition", now, 3)
        assert len({each.pk for each in (*first, *rest)}) == recalculating.count_running("disposition", now) == 4
