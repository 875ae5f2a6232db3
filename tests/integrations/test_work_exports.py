"""Tasks and calls of a CRM come in as what sales did with leads that are known, and what it means to do next."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from alignment.integrations.models import ImportProblem
from alignment.people.models import Role
from leads import following
from leads.models import ExternalReference, FollowUp, Lead, Touchpoint
from tests.factories import make_lead, make_user
from tests.integrations.exports import table
from tests.leads.stories import by

pytestmark = pytest.mark.django_db

SALESFORCE_TASKS = [
    "Id", "WhoId", "WhatId", "Subject", "ActivityDate", "Status", "Priority", "OwnerId", "Description", "Type",
    "IsDeleted", "AccountId", "IsClosed", "CreatedDate", "TaskSubtype", "CallDurationInSeconds", "CallType",
    "CallDisposition", "CompletedDateTime",
]  # fmt: skip
SALESFORCE_TASK_REPORT = [
    "Assigned", "Activity ID", "Subject", "Date", "Status", "Task Subtype", "Call Result", "Company / Account", "Lead",
    "Email", "Comments",
]  # fmt: skip
HUBSPOT_TASKS = [
    "Record ID", "Task Title", "Task Status", "Task Type", "Due Date", "Completed at", "Assigned to", "Priority",
    "Associated Contact IDs", "Associated Contact",
]  # fmt: skip
HUBSPOT_CALLS = [
    "Record ID", "Call Title", "Call Outcome", "Call Direction", "Call Duration", "Activity date",
    "Activity assigned to", "Associated Contact IDs", "Associated Contact",
]  # fmt: skip
HUBSPOT_CALL_OBJECTS = [
    "hs_object_id", "hs_call_title", "hs_call_disposition", "hs_call_direction", "hs_timestamp", "hubspot_owner_id",
    "Associated Contact IDs",
]  # fmt: skip
HUBSPOT_ENGAGEMENTS = ["Engagement ID", "Engagement Type", "Subject", "Engagement Date", "Call Outcome", "Contact IDs"]

WHO = "00Q5g00000AbcdeEAB"
TASK = {
    "Id": "00T5g00000Task1EAA", "WhoId": WHO, "Subject": "Call about the demo", "ActivityDate": "2024-02-01",
    "Status": "Completed", "IsDeleted": "false", "IsClosed": "true", "TaskSubtype": "Call", "CallType": "Outbound",
    "CallDisposition": "Left voicemail", "CompletedDateTime": "2024-02-01T10:00:00.000Z",
}  # fmt: skip
OPEN = {**TASK, "Id": "00T5g00000Open1EAA", "Status": "Not Started", "IsClosed": "false", "CompletedDateTime": ""}


@pytest.fixture
def lead():
    """A lead that Salesforce and HubSpot know by their ids."""
    lead = make_lead("sql", email="ana@acme.example")
    for system, external_id in (("salesforce", WHO), ("hubspot", "501")):
        ExternalReference.objects.create(system=system, external_id=external_id, lead=lead)
    return lead


def touches():
    return list(Touchpoint.objects.order_by("pk").values_list("kind", "title", "direction", "is_engaged"))


def in_days(days: int) -> str:
    return f"{timezone.now() + timedelta(days=days):%Y-%m-%d}"


@pytest.mark.parametrize(
    ("said", "touch"),
    [
        ({"CallDisposition": "Connected"}, ("call", "Reached by phone: Call about the demo", "outbound", True)),
        ({"CallDisposition": "No Answer"}, ("call", "Called, no answer: Call about the demo", "outbound", False)),
        ({"CallDisposition": "Busy"}, ("call", "Called, no answer: Call about the demo", "outbound", False)),
        ({}, ("call", "Left a voicemail: Call about the demo", "outbound", False)),
        ({"CallDisposition": "Our own"}, ("call", "Called: Call about the demo", "outbound", False)),
        (
            {"CallDisposition": "", "TaskSubtype": "Task", "Type": "Email"},
            ("e-mail", "Sent an e-mail: Call about the demo", "outbound", False),
        ),
        ({"CallDisposition": "", "CallType": "Inbound"}, ("call", "Called us: Call about the demo", "inbound", True)),
    ],
)  # fmt: skip
def test_what_came_of_a_task_is_what_a_rep_would_have_logged(bring, lead, said, touch):
    counts = bring(table(SALESFORCE_TASKS, {**TASK, **said}))
    assert (counts["created"], touches()) == (1, [touch])
    assert Touchpoint.objects.get().at == datetime(2024, 2, 1, 10, tzinfo=UTC)


def test_a_finished_to_do_a_deferred_and_a_deleted_one_say_nothing_of_the_buyer(bring, lead):
    to_do = {**TASK, "TaskSubtype": "Task", "CallDisposition": "", "CallType": ""}
    said = bring(table(SALESFORCE_TASKS, to_do, {**TASK, "Id": "00T5g00000Task2EAA", "IsDeleted": "true"}))
    assert (said["skipped"], touches()) == (2, [])


def test_sales_has_worked_on_the_lead(bring, lead):
    assert lead.journeys.get().worked_at is None
    bring(table(SALESFORCE_TASKS, {**TASK, "CompletedDateTime": f"{timezone.now():%Y-%m-%dT%H:%M:%S}.000Z"}))
    assert lead.journeys.get().worked_at is not None


def test_unknown_leads_are_rejected_with_the_reason(bring, lead):
    nobody = {**TASK, "Id": "00T5g00000Task3EAA", "WhoId": "00Q5g00000NobodyEAH"}
    said = bring(table(SALESFORCE_TASKS, TASK, nobody, {**nobody, "Id": "00T5g00000Task4EAA", "WhoId": ""}))
    assert (said["created"], said["rejected"], Lead.objects.count()) == (1, 2, 1)
    reasons = ImportProblem.objects.filter(kind="rejected").order_by("line").values_list("message", flat=True)
    assert list(reasons) == [
        "No lead has the ids or addresses of this row: import the leads first.", "The row names no lead.",
    ]  # fmt: skip


def test_an_open_task_is_the_next_step_the_one_that_comes_first(bring, lead):
    rows = [
        {**OPEN, "Id": f"00T5g00000Open{n}EAA", "Subject": name, "ActivityDate": in_days(days)}
        for n, (name, days) in enumerate([("Too late", -9), ("Send the offer", 3), ("Call again", 8)])
    ]
    said = bring(table(SALESFORCE_TASKS, *rows))
    assert (said["planned"], said["created"]) == (1, 0)
    plan = FollowUp.objects.get()
    assert (plan.next_step, f"{plan.next_on}") == ("Send the offer", in_days(3))


def test_what_somebody_planned_here_stays(bring, lead):
    following.plan(lead_ids=[lead.pk], step="Visit them", on=timezone.localdate(), cause=by())
    assert bring(table(SALESFORCE_TASKS, {**OPEN, "ActivityDate": in_days(1)}))["planned"] == 0
    assert FollowUp.objects.get().next_step == "Visit them"


def test_a_file_that_comes_twice_changes_nothing(bring, lead):
    file = table(SALESFORCE_TASKS, TASK, {**OPEN, "ActivityDate": in_days(2)})
    first = bring(file)
    before = (list(Touchpoint.objects.values()), list(FollowUp.objects.values()))
    again = bring(file)
    assert (first["created"], first["planned"]) == (1, 1)
    assert (again["created"], again["planned"], again["unchanged"]) == (0, 0, 2)
    assert (list(Touchpoint.objects.values()), list(FollowUp.objects.values())) == before


def test_a_report_of_salesforce_names_leads_by_address_and_who_did_it(bring, lead):
    rep = make_user(Role.REP, email="kim@seller.example")
    row = {
        "Assigned": "kim@seller.example", "Activity ID": "00T5g00000Task5", "Subject": "Call", "Date": "1/20/2024",
        "Status": "Completed", "Task Subtype": "Call", "Call Result": "Connected", "Email": "ANA@acme.example",
    }  # fmt: skip
    assert bring(table(SALESFORCE_TASK_REPORT, row))["created"] == 1
    assert Touchpoint.objects.get().actor == rep


def test_tasks_of_hubspot(bring, lead):
    task = {
        "Record ID": "71", "Task Title": "Write to Ana", "Task Status": "COMPLETED", "Task Type": "EMAIL",
        "Due Date": "2024-03-05", "Completed at": "2024-03-04 09:30", "Associated Contact IDs": "501;999",
    }  # fmt: skip
    by_name = {**task, "Record ID": "72", "Associated Contact IDs": "", "Associated Contact": "Ana (ana@acme.example)"}
    still_open = {**task, "Record ID": "73", "Task Status": "NOT_STARTED", "Due Date": in_days(4)}
    said = bring(table(HUBSPOT_TASKS, task, by_name, still_open))
    assert (said["created"], said["planned"]) == (2, 1)
    assert touches() == [("e-mail", "Sent an e-mail: Write to Ana", "outbound", False)] * 2
    assert FollowUp.objects.get().next_step == "Write to Ana"


def test_calls_of_hubspot_by_their_labels_and_by_their_keys(bring, lead):
    call = {"Record ID": "81", "Call Title": "Intro", "Call Outcome": "No answer", "Call Direction": "OUTBOUND",
            "Activity date": "2024-03-05 10:00", "Associated Contact IDs": "501"}  # fmt: skip
    bring(table(HUBSPOT_CALLS, call, {**call, "Record ID": "82", "Call Outcome": ""}))
    told = {
        "hs_object_id": "83", "hs_call_title": "Demo", "hs_call_direction": "OUTBOUND", "Associated Contact IDs": "501",
        "hs_call_disposition": "f240bbac-87c9-4f6e-bf70-924b57d47db7", "hs_timestamp": "2024-03-06T10:00:00Z",
    }  # fmt: skip
    bring(table(HUBSPOT_CALL_OBJECTS, told))
    assert [(title, engaged) for _, title, _, engaged in touches()] == [
        ("Called, no answer: Intro", False), ("Called: Intro", False), ("Reached by phone: Demo", True),
    ]  # fmt: skip


def test_the_export_of_all_engagements_of_hubspot(bring, lead):
    row = {"Engagement ID": "91", "Engagement Type": "MEETING", "Subject": "Demo", "Engagement Date": "2024-03-05",
           "Contact IDs": "501"}  # fmt: skip
    wrote = {**row, "Engagement ID": "92", "Engagement Type": "INCOMING_EMAIL"}
    note = {**row, "Engagement ID": "93", "Engagement Type": "NOTE"}
    said = bring(table(HUBSPOT_ENGAGEMENTS, row, wrote, note))
    assert (said["created"], said["skipped"]) == (2, 1)
    assert touches() == [("meeting", "Met: Demo", "outbound", True), ("e-mail", "Wrote: Demo", "inbound", True)]
