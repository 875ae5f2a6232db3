"""Changing many leads at once: preview, refusals one by one, background work above a thousand, the file, undo."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from alignment.ops import jobs
from alignment.ops.models import AuditEntry, Notification
from alignment.people.models import Role, Side
from leads import lifecycle
from leads.bulk import running
from leads.causes import Cause
from leads.milestones import CauseSource
from leads.models import (
    BulkChange,
    BulkRow,
    HolderInterval,
    Lead,
    LeadTransition,
    NurtureTrack,
    Reason,
    Segment,
    Source,
    TargetAccount,
)
from leads.models.bulk import BulkState
from leads.profiles import targets
from tests.factories import make_lead, make_pool, make_routing, make_user
from tests.leads.stories import by
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def revops(client):
    revops = make_user(Role.REVOPS, name="Rae")
    client.force_login(revops)
    return revops


@pytest.fixture
def rep(client):
    rep = make_user(Role.REP, name="Júlia Rocha")
    client.force_login(rep)
    return rep


def address(leads, do, **asked):
    query = "&".join([f"do={do}", *(f"id={lead.pk}" for lead in leads), *(f"{k}={v}" for k, v in asked.items())])
    return f"{reverse('bulk')}?{query}"


def ask(client, leads, do, **asked):
    return client.get(address(leads, do, **asked))


def do(client, leads, name, asked=None, **data):
    response = client.post(address(leads, name, **(asked or {})), data)
    assert response.status_code == 302, text(response)
    return BulkChange.objects.latest("pk")


def states(change):
    return dict(change.rows.order_by("lead").values_list("lead__name", "state"))


def reason():
    return Reason.objects.offered("reject").first()


# Before -------------------------------------------------------------------------------------------------------------


def test_the_preview_says_how_many_and_who_is_refused_and_why(client, rep):
    mine, done, others = make_lead(owner=rep), make_lead("sql", owner=rep, name="Done"), make_lead(owner=make_user())
    lifecycle.accept(lead_ids=[mine.pk], cause=Cause(CauseSource.PAGE, actor_id=rep.pk))
    fresh = make_lead(owner=rep)
    response = ask(client, [mine, done, others, fresh], "accept")
    told = text(response)
    assert "1 of 4 can be accepted" in told
    assert "You accepted it just now." in told
    assert "(the holder), a manager of sales or a RevOps admin may accept, reject or recycle this lead." in told
    assert Lead.objects.get(pk=fresh.pk).stage.key == "mql", "a preview changes nothing"


def test_the_preview_of_a_rejection_needs_no_reason_yet(client, rep):
    assert "All 2 can be rejected" in text(ask(client, [make_lead(owner=rep), make_lead(owner=rep)], "reject"))


def test_nothing_chosen_goes_back_to_the_list_with_its_filters(client, rep):
    response = client.get(f"{reverse('bulk')}?do=reject&state=open&q=acme", follow=True)
    assert response.redirect_chain[0][0] == "/leads/?state=open&q=acme"
    assert "Choose at least one lead first." in text(response)


@pytest.mark.parametrize(
    ("role", "name"), [(Role.REP, "reassign"), (Role.EXECUTIVE, "facts"), (Role.MARKETER, "reassign")]
)
def test_what_a_role_may_not_do_is_neither_offered_nor_done(client, role, name):
    client.force_login(make_user(role))
    lead = make_lead()
    assert ask(client, [lead], name).status_code == 403
    assert f'value="{name}"' not in client.get(reverse("leads")).content.decode()


# Doing it -----------------------------------------------------------------------------------------------------------


def test_each_lead_has_its_result(client, rep):
    mine, others = make_lead(owner=rep, name="Mine"), make_lead(owner=make_user(), name="Other")
    change = do(client, [mine, others], "reject", reason=reason().pk, note="Too small")
    assert states(change) == {"Mine": "done", "Other": "refused"}
    move = LeadTransition.objects.filter(lead=mine).latest("seq")
    assert (move.kind, move.reason, move.actor, move.note.text) == ("reject", reason(), rep, "Too small")
    assert change.said == f"Why are these not sales-ready? {reason()}. Note: Too small"
    shown = text(client.get(change.get_absolute_url()))
    assert "Done 1" in shown
    assert "Refused 1" in shown
    assert AuditEntry.objects.get(action="bulk_changed").detail == {"kind": "reject", "leads": 2}


def test_what_is_missing_is_said_on_the_field_and_nothing_is_done(client, rep):
    lead = make_lead(owner=rep)
    response = client.post(address([lead], "reject"), {"note": "Kept"})
    assert response.status_code == 422
    assert "Choose a reason" in text(response)
    assert "Kept" in response.content.decode()
    assert not BulkChange.objects.exists()


def test_recycling_takes_track_and_day(client, rep):
    leads = [make_lead(owner=rep) for _ in range(3)]
    track = NurtureTrack.objects.create(name="Newsletter", revisit_after_days=30)
    day = timezone.localdate() + timedelta(days=9)
    do(client, leads, "recycle", track=track.pk, revisit_on=day.isoformat())
    moves = LeadTransition.objects.filter(kind="recycle")
    assert {(move.track_id, move.revisit_on) for move in moves} == {(track.pk, day)}
    assert moves.count() == 3


def test_handing_over_says_why_on_every_lead(client, revops):
    leads = [make_lead(owner=make_user()), make_lead()]
    holder = make_user(Role.REP, name="Ada")
    assert client.post(address(leads, "reassign"), {"owner": holder.pk}).status_code == 422
    do(client, leads, "reassign", owner=holder.pk, why="Holidays")
    assert set(Lead.objects.values_list("owner", flat=True)) == {holder.pk}
    now = HolderInterval.objects.filter(held__upper_inf=True)
    assert {(one.user_id, one.why, one.actor_id) for one in now} == {(holder.pk, "Holidays", revops.pk)}


def test_leads_are_routed_anew_by_the_rules_and_put_back(client, revops):
    holder, rep = make_user(), make_user()
    leads = [make_lead(owner=holder, name="Open"), make_lead(owner=holder, name="Closed")]
    lifecycle.reject(lead_ids=[leads[1].pk], reason_id=reason().pk, cause=Cause(CauseSource.API))
    assert "No routing rules are published yet." in text(ask(client, leads, "route"))
    make_routing(make_pool(rep))
    change = do(client, leads, "route", why="New patches")
    assert states(change) == {"Open": "done", "Closed": "refused"}
    assert Lead.objects.get(name="Open").owner == rep
    held = HolderInterval.objects.get(lead=leads[0], held__upper_inf=True)
    assert (held.why, held.actor) == ("New patches", revops)
    client.post(reverse("bulk_undo", args=[change.pk]))
    assert Lead.objects.get(name="Open").owner == holder


def test_facts_change_what_was_chosen_and_leave_the_rest(client, revops):
    old, new = Source.objects.create(key="old", name="Old"), Source.objects.create(key="new", name="New")
    segment = Segment.objects.create(key="retail", name="Retail")
    first, second = make_lead(name="First"), make_lead(name="Second")
    Lead.objects.update(source=old, segment=segment)
    Lead.objects.filter(pk=second.pk).update(source=new, segment=None)
    change = do(client, [first, second], "facts", source=new.pk, empty=["segment"])
    assert set(Lead.objects.values_list("source", "segment")) == {(new.pk, None)}
    assert states(change) == {"First": "done", "Second": "unchanged"}
    both = client.post(address([first], "facts"), {"segment": segment.pk, "empty": ["segment"]})
    assert "Either choose a segment or take it away." in text(both)
    assert "Choose what to change." in text(client.post(address([first], "facts"), {}))


def test_their_accounts_become_target_accounts(client, revops):
    first, colleague = (
        make_lead(name=name, email=f"{name}@acme.example", company_name="Acme") for name in ("First", "Colleague")
    )
    known, lone = make_lead(name="Known", company_name="Globex"), make_lead(name="Lone", email="")
    Lead.objects.filter(pk=lone.pk).update(account=None)
    targets.add(account_ids=[known.account_id], cause=by(revops.pk))
    shown = text(ask(client, [first, colleague, known, lone], "target"))
    assert "3 of 4 can be added" in shown
    change = do(client, [first, colleague, known, lone], "target", note="Fair")
    assert states(change) == {"First": "done", "Colleague": "done", "Known": "unchanged", "Lone": "refused"}
    listed = TargetAccount.objects.filter(removed_at=None).values_list("account", "note")
    assert set(listed) == {(first.account_id, "Fair"), (known.account_id, "")}
    client.post(reverse("bulk_undo", args=[change.pk]))
    assert TargetAccount.objects.get(removed_at=None).account_id == known.account_id


def test_all_that_match_are_meant_whatever_page_shows(client, revops):
    for number in range(60):
        make_lead("mgl" if number % 2 else "mql", name=f"Lead {number}")
    response = client.get(f"{reverse('bulk')}?do=accept&all=1&stage=mql")
    assert "All 30 can be accepted" in text(response)
    change = do(client, [], "accept", {"all": 1, "stage": "mql"}, expected=30)
    assert (change.total, running.counts(change)["done"]) == (30, 30)
    assert change.query == "stage=mql"


def test_a_list_that_has_changed_is_shown_again_before_anything_is_done(client, revops):
    make_lead()
    response = client.post(f"{reverse('bulk')}?do=accept&all=1&stage=mql", {"expected": 7})
    assert response.status_code == 409
    assert "The list has changed since you looked" in text(response)
    assert not BulkChange.objects.exists()


def test_a_lead_that_was_merged_meanwhile_is_refused(client, revops):
    change = running.start(
        action=running.ACTIONS["accept"], params={}, leads=Lead.objects.filter(pk__in=[make_lead().pk]), actor=revops
    )
    gone = make_lead()
    kept = make_lead()
    Lead.objects.filter(pk=gone.pk).update(merged_into=kept)
    BulkRow.objects.create(change=change, lead=gone)
    running._take(change, [gone.pk])
    row = change.rows.get(lead=gone)
    assert (row.state, row.message) == ("refused", "This lead was merged or taken back.")


def test_export_is_the_list_of_the_chosen_ones(client, rep):
    first, _, third = make_lead(name="First"), make_lead(name="Second"), make_lead(name="Third")
    response = client.get(address([first, third], "export"), follow=True)
    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    assert {row[1] for row in rows[1:]} == {"First", "Third"}


def test_many_cost_as_many_queries_as_few(client, revops):
    def queries(count):
        leads = [make_lead(name=f"Lead {number}", owner=make_user()) for number in range(count)]
        with CaptureQueriesContext(connection) as captured:
            ask(client, leads, "reject")
            do(client, leads, "reject", reason=reason().pk)
        return len(captured)

    assert queries(2) == queries(25)


# In the background --------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_more_than_a_thousand_are_done_in_the_background_and_told(client, monkeypatch):
    monkeypatch.setattr(running, "AT_ONCE", 4)
    manager = make_user(Role.MANAGER, Side.SALES, name="Max")
    client.force_login(manager)
    leads = [make_lead(name=f"Lead {number}") for number in range(9)]
    lifecycle.accept(lead_ids=[leads[0].pk], cause=Cause(CauseSource.API))
    change = do(client, leads, "accept")
    waiting = text(client.get(change.get_absolute_url()))
    assert "Waiting for its turn" in waiting
    assert "0 leads" in waiting
    assert "Take it back" not in waiting

    jobs.run(change.job_id)
    counted = running.counts(change)
    assert (counted["done"], counted["refused"], counted["waiting"]) == (8, 1, 0)
    change.refresh_from_db()
    assert (change.job.state, change.job.done, change.job.total) == ("done", 9, 9)
    assert change.job.result == {"done": 8, "unchanged": 0, "refused": 1}
    told = Notification.objects.get()
    assert (told.user, told.title, told.url) == (manager, "Accept: 9 leads is done", change.get_absolute_url())
    assert client.get(reverse("job", args=[change.job_id])).headers["Location"] == change.get_absolute_url()

    client.post(reverse("bulk_undo", args=[change.pk]))
    change.refresh_from_db()
    jobs.run(change.undo_job_id)
    assert Lead.objects.filter(stage__key="mql").count() == 8
    assert "8" in text(client.get(change.get_absolute_url()))


# Afterwards ---------------------------------------------------------------------------------------------------------


def test_moves_are_taken_back_where_nothing_came_after(client, rep):
    stays, back = make_lead(owner=rep, name="Stays"), make_lead(owner=rep, name="Back")
    change = do(client, [stays, back], "accept")
    lifecycle.recycle(lead_ids=[stays.pk], cause=Cause(CauseSource.PAGE, actor_id=rep.pk))
    client.post(reverse("bulk_undo", args=[change.pk]))
    assert Lead.objects.get(pk=back.pk).stage.key == "mql"
    assert Lead.objects.get(pk=stays.pk).outcome == "recycled"
    rows = {row.lead.name: row for row in change.rows.select_related("lead")}
    assert rows["Stays"].kept.startswith("The lead has moved on since")
    assert rows["Back"].undone_at
    again = client.post(reverse("bulk_undo", args=[change.pk]), follow=True)
    assert "It was taken back already." in text(again)


def test_holders_and_facts_are_put_back(client, revops):
    before, holder, later = make_user(name="Before"), make_user(name="Holder"), make_user(name="Later")
    source = Source.objects.create(key="new", name="New")
    first, second = make_lead(owner=before), make_lead(owner=before)
    handed = do(client, [first, second], "reassign", owner=holder.pk, why="Holidays")
    Lead.objects.get(pk=second.pk)
    running.start(
        action=running.ACTIONS["reassign"], params={"owner": later.pk, "why": "Again"},
        leads=Lead.objects.filter(pk=second.pk), actor=revops,
    )  # fmt: skip
    facts = do(client, [first], "facts", source=source.pk)

    client.post(reverse("bulk_undo", args=[handed.pk]))
    client.post(reverse("bulk_undo", args=[facts.pk]))
    assert Lead.objects.get(pk=first.pk).owner == before
    assert Lead.objects.get(pk=second.pk).owner == later
    assert Lead.objects.get(pk=first.pk).source is None
    assert handed.rows.get(lead=second).kept == "It was changed again since."


def test_after_a_day_it_stays(client, rep):
    change = do(client, [make_lead(owner=rep)], "accept")
    BulkChange.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert "Take it back" not in text(client.get(change.get_absolute_url()))
    assert "24 hours" in text(client.post(reverse("bulk_undo", args=[change.pk]), follow=True))


def test_others_neither_see_it_nor_take_it_back(client, rep):
    change = do(client, [make_lead(owner=rep)], "accept")
    client.force_login(make_user())
    assert client.get(change.get_absolute_url()).status_code == 403
    assert client.post(reverse("bulk_undo", args=[change.pk])).status_code == 403


def test_the_results_are_a_file(client, rep):
    mine, others = make_lead(owner=rep, name="Mine"), make_lead(owner=make_user(), name="=Other")
    change = do(client, [mine, others], "accept")
    response = client.get(change.get_absolute_url(), {"format": "csv", "state": BulkState.REFUSED})
    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    assert rows[0] == ["Id", "Name", "E-mail", "Result", "Why"]
    assert [row[1:4:2] for row in rows[1:]] == [["'=Other", "Refused"]]
    assert AuditEntry.objects.filter(action="exported", subject_kind="bulk").exists()
