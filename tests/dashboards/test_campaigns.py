"""My campaigns: what sales did with each lead and why; every number opens its leads."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from alignment.ops.models import AuditEntry
from alignment.people.models import Role
from dashboards import campaigns
from leads import feedback, lifecycle
from leads.causes import Cause
from leads.milestones import CauseSource
from leads.models import Campaign, Reason
from tests.factories import make_lead, make_user
from tests.pages import text

pytestmark = pytest.mark.django_db

BY_API = Cause(CauseSource.API)


@pytest.fixture
def marketer(client):
    marketer = make_user(Role.MARKETER)
    client.force_login(marketer)
    return marketer


def campaign(key, owner):
    return Campaign.objects.get_or_create(key=key, defaults={"name": key.title(), "owner": owner})[0]


def lead(key, stage="mql", **facts):
    return make_lead(stage, campaign=key, **{"owner": make_user(), "left": timedelta(hours=40)} | facts)


def reject(one, key="no_budget", note=""):
    reason = Reason.objects.get(kind="reject", key=key)
    lifecycle.reject(lead_ids=[one.pk], reason_id=reason.pk, cause=BY_API, note=note)
    return one


def page(client, **asked):
    return client.get(reverse("campaigns"), asked).context["page"]


def test_what_sales_did_with_the_leads_of_my_campaigns(client, marketer):
    campaign("fair", marketer)
    campaign("other", make_user(Role.MARKETER))
    for stage in ("mql", "sql", "won"):
        lead("fair", stage)
    reject(lead("fair"))
    lifecycle.recycle(lead_ids=[lead("fair").pk], cause=BY_API)
    lead("fair", "mgl")
    lead("other")

    [row] = page(client).rows
    assert row.campaign.key == "fair"
    assert row.fate.counts == {"handed": 5, "waiting": 1, "accepted": 2, "rejected": 1, "recycled": 1, "won": 1}
    assert row.fate.acceptance == 0.5
    assert {each.campaign.key for each in page(client, whose="all").rows} == {"fair", "other"}


def test_every_number_opens_as_many_leads(client, marketer):
    campaign("fair", marketer)
    campaign("webinar", marketer)
    for key, reason in (("fair", "no_budget"), ("fair", "no_budget"), ("fair", "bad_data"), ("webinar", "bad_data")):
        reject(lead(key), reason)
    lead("fair", "sql")

    shown = page(client)
    opened = [(count, row.urls[state]) for row in shown.rows for state, count in row.fate.counts.items()] + [
        (cell.n, cell.url) for row in shown.heat for cell in row.cells
    ]
    assert len(opened) == 2 * 6 + 2 * 2
    for count, url in opened:
        assert client.get(url).context["list"].count == count, url
    assert [(row.name, [cell.n for cell in row.cells]) for row in shown.heat] == [("Fair", [2, 1]), ("Webinar", [0, 1])]


def test_a_cell_tells_why(client, marketer):
    campaign("fair", marketer)
    one = reject(lead("fair", name="Marina Alves"), note="A student, he says.")
    [row] = page(client).heat
    told = text(client.get(row.cells[0].url))

    assert "Marina Alves" in told
    assert "No budget" in told
    assert "A student, he says." in told
    assert "Rejected, no budget, Fair" in told
    assert str(one.owner) not in told


def test_leads_that_were_handed_over_before_do_not_count(client, marketer):
    campaign("fair", marketer)
    lead("fair", left=timedelta(days=-40))

    assert page(client, days="30").rows == []
    assert len(page(client, days="90").rows) == 1
    assert "No lead of these campaigns was handed over" in text(client.get(reverse("campaigns"), {"days": "30"}))


def test_reps_are_shown_to_themselves_managers_and_revops_alone(client, marketer):
    campaign("fair", marketer)
    ravi, ines = make_user(name="Ravi Menon"), make_user(name="Inês Duarte")
    for rep in (ravi, ines):
        reject(lead("fair", owner=rep))
    assert page(client).heat_of_reps == []

    address = reverse("campaign_leads")
    assert client.get(address, {"owner": ravi.pk}).status_code == 403
    for viewer, seen in ((ravi, ["Ravi Menon"]), (make_user(Role.MANAGER), ["Inês Duarte", "Ravi Menon"])):
        client.force_login(viewer)
        assert [row.name for row in page(client, whose="all").heat_of_reps] == seen
    [cell] = page(client, whose="all").heat_of_reps[0].cells
    assert client.get(cell.url).context["list"].count == 1
    client.force_login(ines)
    assert client.get(address, {"owner": ravi.pk}).status_code == 403


def test_what_sales_says_stands_there(client, marketer):
    campaign("fair", marketer)
    one = lead("fair", name="Marina Alves")
    feedback.give(lead_id=one.pk, text="The best list in years.", by=one.owner)

    assert "“The best list in years.”" in text(client.get(reverse("campaigns")))


def test_the_file_has_each_lead_and_why(client, marketer):
    campaign("fair", marketer)
    reject(lead("fair", name="=Ana"), note="No money")
    response = client.get(reverse("campaign_leads"), {"state": "rejected", "format": "csv"})
    lines = b"".join(response.streaming_content).decode().splitlines()

    assert lines[0].startswith("\ufeffLead,Name,Company,Campaign")
    assert "'=Ana" in lines[1]
    assert lines[1].endswith("No budget,yes,No money")
    assert AuditEntry.objects.get(action="exported").actor == marketer


def figures(client, **asked):
    response = client.get(reverse("campaigns"), asked | {"format": "csv"})
    rows = csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig")))
    return {(row["Part"], row["Of"], row["Figure"]): row["Value"] for row in rows}


def test_the_figures_as_a_file(client, marketer):
    fair = campaign("fair", marketer)
    Campaign.objects.filter(pk=fair.pk).update(name="=Fair")
    campaign("other", make_user(Role.MARKETER))
    for key in ("no_budget", "no_budget", "bad_data"):
        reject(lead("fair"), key)
    lead("fair", "sql")
    lead("other")
    found = figures(client)

    assert found["Campaigns", "'=Fair", "Handed over"] == "4"
    assert found["Campaigns", "'=Fair", "Accepted of answered"] == "0.25"
    assert found["Rejections by campaign", "'=Fair", "No budget"] == "2"
    assert found["Rejections by campaign", "'=Fair", "All reasons"] == "3"
    assert AuditEntry.objects.get(action="exported").actor == marketer
    assert not [key for key in found if key[1] == "Other"]
    assert figures(client, whose="all")["Campaigns", "Other", "Handed over"] == "1"
    assert "format=csv" in client.get(reverse("campaigns")).content.decode()


def test_the_file_names_reps_to_themselves_managers_and_revops_alone(client, marketer):
    campaign("fair", marketer)
    ravi, ines = make_user(name="Ravi Menon"), make_user(name="Inês Duarte")
    for rep in (ravi, ines):
        reject(lead("fair", owner=rep))

    def named():
        return {of for part, of, _ in figures(client, whose="all") if part == "Rejections by rep"}

    assert named() == set()
    for viewer, seen in ((ravi, {"Ravi Menon"}), (make_user(Role.MANAGER), {"Inês Duarte", "Ravi Menon"})):
        client.force_login(viewer)
        assert named() == seen


@pytest.mark.parametrize("days", ["x", "9" * 5_000, "٩٠", "91"])
def test_a_time_that_is_not_offered_is_the_usual(client, marketer, days):
    assert page(client, days=days).days == campaigns.USUAL_DAYS


def test_pages_of_the_list_hold_together(client, marketer, monkeypatch):
    monkeypatch.setattr(campaigns, "PAGE", 2)
    campaign("fair", marketer)
    leads = {lead("fair").pk for _ in range(5)}
    seen, after = [], ""
    while True:
        found = client.get(reverse("campaign_leads"), {"after": after} if after else {}).context["list"]
        seen += [one.lead_id for one in found.page]
        if not (after := found.next):
            break
    assert (len(seen), set(seen)) == (5, leads)


def test_the_page_asks_the_same_queries_however_many_leads(client, marketer):
    campaign("fair", marketer)
    reject(lead("fair"))
    client.get(reverse("campaigns"))

    def asked():
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("campaigns"))
        return len(queries)

    few = asked()
    for _ in range(3):
        reject(lead("fair"))
    assert asked() == few
    assert few <= 14


def test_a_marketer_starts_here(client, marketer):
    assert client.get("/").url == reverse("campaigns")
