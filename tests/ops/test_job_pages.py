"""Background work as people see it: progress, figures, stopping, going on, the news at the end, and the API."""

import pytest
from django.urls import reverse

from alignment.ops import jobs
from alignment.ops.models import AuditEntry, Job, JobState, Notification
from alignment.people import tokens
from alignment.people.models import Role, Scope
from tests.factories import make_job, make_user
from tests.ops.runners import on_slice

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nothing_happens_in_slices():
    on_slice.clear()


@pytest.fixture
def ada():
    return make_user(Role.REP, name="Ada")


@pytest.fixture
def page(client, ada):
    client.force_login(ada)
    return client


def text(response):
    return " ".join(response.content.decode().split())


def test_a_job_that_runs_shows_how_far_it_is(page, ada):
    job = make_job(ada, done=1_200, total=5_000)
    shown = text(page.get(job.get_absolute_url()))
    assert "1,200 of 5,000 rows" in shown
    assert 'aria-valuenow="1200"' in shown
    assert 'width="24.00%"' in shown
    assert "Stop here" in shown
    assert '<noscript><meta http-equiv="refresh"' in shown


def test_the_fragment_is_the_state_alone(page, ada):
    job = make_job(ada)
    fragment = page.get(job.get_absolute_url(), headers={"HX-Request": "true", "HX-Target": "job-state"})
    assert "<html" not in fragment.content.decode()
    assert 'id="job-state"' in fragment.content.decode()


def test_a_job_that_ended_shows_its_figures(page, ada):
    job = jobs.enqueue("count", params={"upto": 25}, actor=ada)
    jobs.run(job.pk)
    shown = text(page.get(job.get_absolute_url()))
    assert "25 rows done" in shown
    assert "<dt>Last</dt><dd>25</dd>" in shown
    assert "Stop here" not in shown
    assert "meta http-equiv" not in shown


def test_who_started_it_is_told_once_when_it_is_done(ada):
    job = jobs.enqueue("count", params={"upto": 25}, actor=ada)
    jobs.run(job.pk)
    told = Notification.objects.get()
    assert (told.user, told.title, told.body) == (ada, "Count is done", "25 last.")
    assert told.url == f"/jobs/{job.pk}/"


def test_who_started_it_is_told_why_it_stopped_and_can_go_on(page, ada):
    def stop():
        raise jobs.JobError("The disk is full.")

    on_slice[10] = stop
    job = jobs.enqueue("count", params={"upto": 30}, actor=ada)
    jobs.run(job.pk)
    assert Notification.objects.get().title == "Count stopped"
    assert "It stopped after 10 rows: The disk is full." in text(page.get(job.get_absolute_url()))

    on_slice.clear()
    page.post(reverse("job_resume", args=[job.pk]))
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done) == (JobState.DONE, 30)
    assert list(Notification.objects.order_by("pk").values_list("title", flat=True)) == [
        "Count stopped",
        "Count is done",
    ]


def test_a_job_that_nobody_started_tells_nobody():
    job = jobs.enqueue("count", params={"upto": 5})
    jobs.run(job.pk)
    assert not Notification.objects.exists()


def test_stopping_is_kept_in_the_audit_log_and_told_to_who_started_it(client, ada):
    revops = make_user(Role.REVOPS, name="Rae")
    job = make_job(ada, done=10)
    client.force_login(revops)
    client.post(reverse("job_stop", args=[job.pk]))
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert AuditEntry.objects.get(action="job_stopped").actor == revops
    told = Notification.objects.get()
    assert (told.user, told.title) == (ada, "Count was stopped by Rae")
    again = client.post(reverse("job_stop", args=[job.pk]), follow=True)
    assert "It had ended already." in text(again)


def test_others_neither_see_nor_stop_it(page):
    job = make_job(make_user())
    assert page.get(job.get_absolute_url()).status_code == 403
    assert page.post(reverse("job_stop", args=[job.pk])).status_code == 403
    job.refresh_from_db()
    assert job.state == JobState.QUEUED


def test_the_list_has_what_one_started_and_for_revops_all(page, ada, client, django_assert_max_num_queries):
    mine = [make_job(ada) for _ in range(3)]
    other = make_job(make_user())
    with django_assert_max_num_queries(6):
        rows = page.get(reverse("jobs")).context["rows"]
    assert [row["job"].pk for row in rows] == [job.pk for job in reversed(mine)]
    client.force_login(make_user(Role.REVOPS))
    assert client.get(reverse("jobs")).context["rows"][0]["job"] == other


def test_the_list_goes_on_page_by_page(page, ada):
    Job.objects.bulk_create(Job(kind="count", created_by=ada) for _ in range(53))
    first = page.get(reverse("jobs"))
    second = page.get(reverse("jobs"), {"before": first.context["next"]})
    assert (len(first.context["rows"]), len(second.context["rows"]), second.context["next"]) == (50, 3, None)


def test_nothing_was_started_yet(page):
    assert "Nothing that takes long was started" in text(page.get(reverse("jobs")))


def test_a_program_reads_its_own_jobs(client, ada):
    job = jobs.enqueue("count", params={"upto": 25}, actor=ada)
    jobs.run(job.pk)
    other = make_job(make_user())
    _, token = tokens.make(user=ada, name="Watch", scopes=[Scope.READ], days=1)
    headers = {"Authorization": f"Bearer {token}"}
    listed = client.get("/api/v1/jobs/", headers=headers).json()["results"]
    assert [(each["id"], each["state"], each["figures"]) for each in listed] == [(job.pk, "done", {"Last": 25})]
    one = client.get(f"/api/v1/jobs/{job.pk}/?fields=done,total,noun", headers=headers).json()
    assert one == {"done": 25, "total": 25, "noun": "rows"}
    assert client.get(f"/api/v1/jobs/{other.pk}/", headers=headers).status_code == 403
    assert client.get("/api/v1/jobs/999999/", headers=headers).status_code == 404
