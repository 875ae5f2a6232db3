"""Changing many leads by the API: the verbs of the pages, in the background above a thousand, once for each key."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alignment.ops import jobs
from alignment.people.models import Role, Scope
from leads.bulk import running
from leads.milestones import CauseSource, Outcome
from leads.models import Lead, LeadTransition, Reason, Source
from leads.models.bulk import BulkChange
from tests.api.asking import api, pointers, problem
from tests.factories import make_lead, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def asking():
    return api()


def reason():
    return Reason.objects.offered("reject").first().key


def test_leads_are_rejected_by_their_ids_and_each_has_its_result(asking):
    open_lead, closed = make_lead("mql"), make_lead("mql")
    asking.post(f"leads/{closed.pk}/reject/", {"reason": reason()})
    answer = asking.post("bulk-changes/reject/", {"leads": [open_lead.pk, closed.pk], "reason": reason()})
    assert answer.status_code == 201
    told = answer.json()
    assert (told["total"], told["job"]) == (2, None)
    assert told["counts"] == {"waiting": 0, "done": 1, "unchanged": 0, "refused": 1}
    rows = asking.get(f"bulk-changes/{told['id']}/leads/").json()["results"]
    assert [(row["lead"], row["state"]) for row in rows] == [(open_lead.pk, "done"), (closed.pk, "refused")]
    assert rows[1]["message"]
    assert Lead.objects.get(pk=open_lead.pk).outcome == Outcome.REJECTED
    assert LeadTransition.objects.filter(lead=open_lead).last().source == CauseSource.API
    refused = asking.get(f"bulk-changes/{told['id']}/leads/", {"state": "refused"}).json()["results"]
    assert [row["lead"] for row in refused] == [closed.pk]


def test_a_lead_that_nobody_knows_is_named_and_none_is_changed(asking):
    lead = make_lead("mql")
    answer = asking.post("bulk-changes/accept/", {"leads": [lead.pk, 999_999_999]})
    assert problem(answer, 422)["errors"] == [{"pointer": "/leads", "detail": "There is no lead 999999999."}]
    assert not BulkChange.objects.exists()


def test_what_was_asked_names_the_new_holder(asking):
    rep = make_user(Role.REP, name="Júlia Rocha")
    given = {"leads": [make_lead("mql").pk], "owner": rep.pk, "why": "Holidays"}
    assert asking.post("bulk-changes/reassign/", given).json()["said"] == "Owner: Júlia Rocha. Why: Holidays"


def test_all_that_filters_find(asking):
    meant, other = make_lead("mql", source="Website"), make_lead("mql")
    answer = asking.post("bulk-changes/accept/", {"filters": {"source": "website", "state": "waiting"}}).json()
    assert (answer["total"], answer["counts"]["done"]) == (1, 1)
    assert {lead.pk: lead.milestone for lead in Lead.objects.all()} == {meant.pk: 3, other.pk: 2}
    assert BulkChange.objects.get().query == "state=waiting&source=website"


def test_above_a_thousand_it_is_background_work_that_can_be_polled(asking, monkeypatch):
    monkeypatch.setattr(running, "AT_ONCE", 2)
    leads = [make_lead("mql").pk for _ in range(5)]
    answer = asking.post("bulk-changes/accept/", {"leads": leads})
    assert answer.status_code == 202
    told = asking.get(answer["Location"]).json()
    assert (told["job"]["state"], told["counts"]["waiting"]) == ("queued", 5)
    for _ in range(3):
        for job in jobs.waiting():
            jobs.run(job)
    told = asking.get(f"bulk-changes/{told['id']}/").json()
    assert (told["job"]["state"], told["job"]["done"], told["counts"]["done"]) == ("done", 5, 5)


def test_it_happens_once_for_each_key(asking):
    lead = make_lead("mql")
    body, key = {"leads": [lead.pk], "note": "Called"}, {"Idempotency-Key": "fair-7"}
    first = asking.post("bulk-changes/accept/", body, **key)
    again = asking.post("bulk-changes/accept/", body, **key)
    assert (first.json(), again.status_code) == (again.json(), 201)
    assert again["Idempotency-Replayed"] == "true"
    assert BulkChange.objects.count() == 1


def test_facts_are_set_and_taken_away(asking):
    lead = make_lead(source="Website")
    problem(asking.post("bulk-changes/facts/", {"leads": [lead.pk]}), 422)
    assert asking.post("bulk-changes/facts/", {"leads": [lead.pk], "source": None}).json()["counts"]["done"] == 1
    assert Lead.objects.get().source is None
    told = asking.post("bulk-changes/facts/", {"leads": [lead.pk], "source": "website"}).json()
    assert Lead.objects.get().source == Source.objects.get(key="website")
    assert told["said"] == "Source: Website"


def test_it_is_taken_back(asking):
    lead = make_lead("mql")
    told = asking.post("bulk-changes/accept/", {"leads": [lead.pk]}).json()
    assert asking.post(f"bulk-changes/{told['id']}/undo/").json()["undone_at"]
    assert Lead.objects.get().milestone == 2
    problem(asking.post(f"bulk-changes/{told['id']}/undo/"), 409)


def test_what_is_asked_wrongly_is_named(asking):
    lead = make_lead("mql")
    assert pointers(asking.post("bulk-changes/accept/", {})) == {"/leads"}
    assert pointers(asking.post("bulk-changes/accept/", {"leads": [lead.pk], "filters": {"q": "x"}})) == {"/leads"}
    assert pointers(asking.post("bulk-changes/accept/", {"filters": {}})) == {"/filters"}
    assert pointers(asking.post("bulk-changes/accept/", {"filters": {"stage": "x"}})) == {"/filters/stage"}
    assert pointers(asking.post("bulk-changes/reject/", {"leads": [lead.pk]})) == {"/reason"}
    assert pointers(asking.post("bulk-changes/accept/", {"leads": [999]})) == {"/leads"}
    stranger = make_user(Role.MARKETER)
    assert pointers(asking.post("bulk-changes/reassign/", {"leads": [lead.pk], "owner": stranger.pk})) == {"/owner"}


def test_who_may():
    mine, others = make_lead("mql", owner=(rep := make_user(Role.REP))), make_lead("mql", owner=make_user())
    told = api(user=rep).post("bulk-changes/accept/", {"leads": [mine.pk, others.pk]}).json()
    assert (told["counts"]["done"], told["counts"]["refused"]) == (1, 1)
    problem(api(Role.REP).get(f"bulk-changes/{told['id']}/"), 403)
    problem(api(Role.REP).post("bulk-changes/target/", {"leads": [mine.pk]}), 403)
    writes = api(Role.REVOPS, Scope.READ, Scope.LEADS)
    problem(writes.post("bulk-changes/reassign/", {"leads": [mine.pk], "owner": rep.pk}), 403)
    problem(api().get("bulk-changes/999/"), 404)


def test_queries_do_not_depend_on_the_number_of_leads(asking):
    def queries(count):
        leads = [make_lead("mql").pk for _ in range(count)]
        with CaptureQueriesContext(connection) as captured:
            assert asking.post("bulk-changes/accept/", {"leads": leads}).json()["counts"]["done"] == count
        return len(captured)

    assert queries(2) == queries(8)
