"""Disputes: who contests what, who answers until when, and what the verdict does."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from alignment.ops.models import AuditEntry, Notification
from alignment.people.models import Role, Side
from leads import lifecycle
from leads.causes import Cause
from leads.milestones import CauseSource, Outcome
from leads.models import Lead, Reason
from sla import contesting, dispute_list, disputes
from sla.models import Clock, Dispute
from sla.models.dispute import Verdict
from sla.tasks import escalate_disputes
from tests.api.asking import api
from tests.factories import make_dispute, make_lead, make_user
from tests.pages import rows_of, text

pytestmark = pytest.mark.django_db

BY_API = Cause(CauseSource.API)


@pytest.fixture
def manager():
    """The manager of the rep's team."""
    manager = make_user(Role.MANAGER, name="Grace Adeyemi")
    manager.team.manager = manager
    manager.team.save()
    return manager


@pytest.fixture
def lead(manager):
    return make_lead(owner=make_user(Role.REP, team=manager.team), name="Marina Alves")


def reject(lead):
    reason = Reason.objects.offered("reject").first()
    lifecycle.reject(lead_ids=[lead.pk], reason_id=reason.pk, cause=BY_API)


def outcome(lead):
    return Lead.objects.values_list("outcome", "stage__key").get(pk=lead.pk)


# Contesting ---------------------------------------------------------------------------------------------------


def test_marketing_contests_a_rejection_and_the_manager_of_the_team_is_asked(lead, manager):
    dispute = make_dispute(lead)

    assert (dispute.kind, dispute.asked, dispute.state) == ("rejection", manager, "Waits for sales")
    assert dispute.answer_due_at - dispute.raised_at == timedelta(hours=48)
    told = Notification.objects.get(user=manager, kind="dispute_raised")
    assert told.url == reverse("dispute", args=[dispute.pk])


def test_sales_contests_a_qualification(lead):
    marketer = make_user(Role.MARKETER)
    marketer.team.manager = marketer
    marketer.team.save()
    dispute = contesting.contest_move(lead_id=lead.pk, evidence="A student.", by=lead.owner)

    assert (dispute.kind, dispute.asked, dispute.transition.to_stage.key) == ("qualification", marketer, "mql")


@pytest.mark.parametrize(
    ("role", "is_rejected"), [(Role.REP, True), (Role.MARKETER, False), (Role.EXECUTIVE, True), (Role.EXECUTIVE, False)]
)
def test_nobody_contests_what_their_own_side_did(lead, role, is_rejected):
    if is_rejected:
        reject(lead)
    with pytest.raises(ValidationError, match="nothing to contest"):
        contesting.contest_move(lead_id=lead.pk, evidence="No.", by=make_user(role))


def test_a_move_is_contested_once_and_only_while_it_counts(lead):
    make_dispute(lead)
    with pytest.raises(ValidationError):
        contesting.contest_move(lead_id=lead.pk, evidence="Again.", by=make_user(Role.MARKETER))

    other = make_lead(owner=lead.owner)
    reject(other)
    lifecycle.undo(lead_id=other.pk, cause=BY_API)
    with pytest.raises(ValidationError):
        contesting.contest_move(lead_id=other.pk, evidence="Late.", by=make_user(Role.MARKETER))


# Answer and verdict -------------------------------------------------------------------------------------------


def test_who_agrees_with_a_contested_rejection_reopens_the_lead(lead, manager):
    dispute = disputes.answer(dispute_id=make_dispute(lead).pk, agrees=True, text="Too fast.", by=manager)

    assert (dispute.verdict, dispute.remedy.kind) == (Verdict.UPHELD, "reopen")
    assert outcome(lead) == ("", "mql")
    assert Notification.objects.filter(user=dispute.raised_by, kind="dispute_closed").count() == 1
    assert Dispute.objects.upheld().get() == dispute


def test_who_agrees_with_a_contested_qualification_takes_the_lead_back_to_nurture(lead):
    dispute = contesting.contest_move(lead_id=lead.pk, evidence="A student.", by=lead.owner)
    disputes.answer(dispute_id=dispute.pk, agrees=True, text="Right.", by=make_user(Role.MANAGER, Side.MARKETING))

    assert outcome(lead)[0] == Outcome.RECYCLED


@pytest.mark.parametrize(("verdict", "stands"), [(Verdict.UPHELD, ("", "mql")), (Verdict.STANDS, ("rejected", "mql"))])
def test_what_is_not_agreed_revops_decides(lead, manager, verdict, stands):
    revops = make_user(Role.REVOPS)
    dispute = disputes.answer(dispute_id=make_dispute(lead).pk, agrees=False, text="It is right.", by=manager)
    assert (dispute.state, outcome(lead)[0]) == ("Waits for RevOps", Outcome.REJECTED)
    assert Notification.objects.filter(user=revops, kind="dispute_escalated").count() == 1

    disputes.decide(dispute_id=dispute.pk, verdict=verdict, why="Looked at it.", by=revops)
    assert outcome(lead) == stands
    actions = AuditEntry.objects.filter(subject_kind="lead", subject_id=lead.pk, action__startswith="dispute")
    assert list(actions.order_by("id").values_list("action", flat=True)) == [
        "dispute_raised", "dispute_answered", f"dispute_{verdict}",
    ]  # fmt: skip


def test_what_is_not_answered_in_time_goes_to_revops_once(lead, manager):
    revops = make_user(Role.REVOPS)
    dispute = make_dispute(lead)
    escalate_disputes()
    assert Dispute.objects.escalated().count() == 0

    for _ in range(2):
        disputes.escalate_overdue(at=dispute.answer_due_at)
    assert Dispute.objects.escalated().get() == dispute
    told = Notification.objects.filter(kind="dispute_escalated").values_list("user", flat=True)
    assert sorted(told) == sorted([manager.pk, revops.pk])


def test_a_late_answer_still_counts_and_two_answers_do_not(lead, manager):
    dispute = make_dispute(lead)
    disputes.escalate_overdue(at=timezone.now() + timedelta(days=3))
    disputes.answer(dispute_id=dispute.pk, agrees=True, text="Yes.", by=manager)

    with pytest.raises(ValidationError, match="Grace Adeyemi was first"):
        disputes.answer(dispute_id=dispute.pk, agrees=False, text="No.", by=manager)


def test_revops_does_not_decide_before_the_answer_is_due(lead):
    with pytest.raises(ValidationError, match="not due yet"):
        disputes.decide(dispute_id=make_dispute(lead).pk, verdict=Verdict.STANDS, why="No.", by=make_user(Role.REVOPS))


def test_a_lead_that_moved_on_by_itself_is_left_where_it_stands(lead, manager):
    dispute = make_dispute(lead)
    lifecycle.requalify(lead_ids=[lead.pk], cause=BY_API)
    closed = disputes.answer(dispute_id=dispute.pk, agrees=True, text="Yes.", by=manager)

    assert (closed.verdict, closed.remedy) == (Verdict.UPHELD, None)
    assert Lead.objects.get(pk=lead.pk).pass_no == 2


# Pages --------------------------------------------------------------------------------------------------------


def test_until_when_it_is_answered_is_told_in_the_readers_zone(client, lead, manager):
    client.force_login(make_user(Role.MARKETER, time_zone="Asia/Kolkata"))
    reject(lead)
    given = {"evidence": "They asked for an offer."}
    response = client.post(reverse("lead_dispute", args=[lead.pk]), given, follow=True)
    until = Dispute.objects.get().answer_due_at.astimezone(ZoneInfo("Asia/Kolkata"))
    assert f"Contested. Grace Adeyemi answers by {until:%-d %B, %H:%M}." in text(response)


def test_from_the_lead_page_in_two_clicks(client, lead, manager):
    client.force_login(make_user(Role.MARKETER))
    reject(lead)
    address = reverse("lead_dispute", args=[lead.pk])
    assert f'href="{address}"' in client.get(reverse("lead", args=[lead.pk])).content.decode()

    lacking = client.post(address, {"evidence": "", "evidence_url": "no link"})
    assert (lacking.status_code, len(lacking.context["form"].errors)) == (422, 2)
    response = client.post(address, {"evidence": "They asked for an offer."}, follow=True)
    due = date_format(timezone.localtime(Dispute.objects.get().answer_due_at), "j F, H:i")
    assert f"Contested. Grace Adeyemi answers by {due}." in text(response)
    assert client.get(address).status_code == 409
    assert "was contested" in text(client.get(reverse("lead", args=[lead.pk])))


def test_the_manager_answers_on_the_page_and_others_may_not(client, lead, manager):
    dispute = make_dispute(lead)
    address = reverse("dispute_answer", args=[dispute.pk])
    for role in (Role.REP, Role.MARKETER, Role.REVOPS):
        client.force_login(make_user(role))
        assert client.post(address, {"text": "Yes.", "agrees": "yes"}).status_code == 403

    client.force_login(manager)
    assert "Agree and reopen the lead" in text(client.get(reverse("dispute", args=[dispute.pk])))
    assert "Say why" in text(client.post(address, {"text": "", "agrees": "yes"}))
    assert "Taken back" in text(client.post(address, {"text": "Yes.", "agrees": "yes"}, follow=True))
    assert client.post(address, {"text": "Yes.", "agrees": "yes"}).status_code == 409


def test_the_lists(client, lead, django_assert_max_num_queries):
    client.force_login(make_user(Role.EXECUTIVE))
    assert "No open disputes" in text(client.get(reverse("disputes")))
    for each in [lead, make_lead(owner=lead.owner)]:
        make_dispute(each)
    with django_assert_max_num_queries(9):
        assert "Marina Alves" in text(client.get(reverse("disputes")))
    assert "Nothing was decided yet" in text(client.get(reverse("disputes") + "?view=decided"))


def test_pages_and_the_file_have_every_dispute_once(client, lead, monkeypatch):
    monkeypatch.setattr(dispute_list, "PAGE", 2)
    rep = lead.owner
    made = [make_dispute(each) for each in [lead, *(make_lead(owner=rep) for _ in range(4))]]
    # No answer is promised to one of them any more.
    own = Clock.objects.filter(subject_kind="dispute_answer", subject_id=made[0].pk)
    own.update(cancelled_at=timezone.now(), cancelled_why="closed", next_at=None)
    client.force_login(make_user(Role.MANAGER))

    seen, address = [], reverse("disputes")
    while address:
        page = client.get(address)
        seen += [each.pk for each in page.context["list"].rows]
        address = page.context["list"].next and reverse("disputes", query={"after": page.context["list"].next})
    assert seen == [each.pk for each in [*made[1:], made[0]]]

    lines = rows_of(client.get(reverse("disputes"), {"format": "csv"}))
    assert sorted(int(line[0]) for line in lines[1:]) == sorted(seen)
    assert AuditEntry.objects.get(action="exported").subject_kind == "dispute"


# The API ------------------------------------------------------------------------------------------------------


def test_the_review_of_scoring_counts_what_was_contested_and_each_number_opens_its_disputes(client, lead, manager):
    taken_back = make_dispute(lead)
    disputes.answer(dispute_id=taken_back.pk, agrees=True, text="Yes.", by=manager)
    make_dispute(make_lead(owner=lead.owner))
    old = make_dispute(make_lead(owner=lead.owner))
    Dispute.objects.filter(pk=old.pk).update(raised_at=timezone.now() - timedelta(days=200))
    client.force_login(manager)

    page = client.get(reverse("setup_scoring_review"), {"days": 180})

    assert "Rejections, contested by marketing 2 1 1 0" in text(page)
    assert "Qualifications, contested by sales 0 0 0 0" in text(page)
    address = f"{reverse('disputes')}?view=decided&kind=rejection&verdict=upheld&days=180"
    assert address.replace("&", "&amp;") in page.content.decode()
    assert [row.pk for row in client.get(address).context["list"].rows] == [taken_back.pk]
    unknown = client.get(reverse("disputes"), {"kind": "nope", "verdict": "\0", "days": "-1"})
    assert len(unknown.context["list"].rows) == 2


def test_programs_contest_answer_and_decide(lead, manager):
    reject(lead)
    marketing = api(Role.MARKETER)
    told = marketing.post("disputes/", {"lead": lead.pk, "evidence": "They asked for an offer."})
    assert (told.status_code, told.json()["asked"]) == (201, manager.pk)
    assert marketing.post("disputes/", {"lead": lead.pk, "evidence": "Again."}).status_code == 409

    pk = told.json()["id"]
    answer = {"agrees": False, "text": "It is right."}
    assert marketing.post(f"disputes/{pk}/answer/", answer).status_code == 403
    assert api(user=manager).post(f"disputes/{pk}/answer/", answer).json()["escalated_at"]
    assert [row["id"] for row in marketing.get("disputes/?state=escalated").json()["results"]] == [pk]
    decided = api().post(f"disputes/{pk}/decide/", {"verdict": "upheld", "why": "Seen."}).json()
    assert (decided["verdict"], outcome(lead)[0]) == ("upheld", "")


# The table ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "wrong"),
    [
        ("dispute_kind_known", {"kind": "weather"}),
        ("dispute_closed_whole", {"verdict": "stands"}),
        ("dispute_answered_whole", {"answered_at": timezone.now()}),
        ("dispute_has_evidence", {"evidence": ""}),
    ],
)
def test_the_table_refuses(lead, constraint, wrong):
    dispute = make_dispute(lead)
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        Dispute.objects.filter(pk=dispute.pk).update(**wrong)
    assert refusal.value.__cause__.diag.constraint_name == constraint
