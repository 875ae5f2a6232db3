"""The list of reasons changes when both sides have signed, and only then."""

import re
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.urls import reverse
from django.utils import timezone

from alignment.ops.models import AuditEntry, Notification
from alignment.people.models import Company, Role, Side
from leads import reasons
from leads.causes import Cause
from leads.merging import twins
from leads.milestones import CauseSource, Kind, Outcome
from leads.models import Journey, Lead, LeadTransition, Merge, NurtureTrack, Reason, ReasonProposal
from leads.models.reason_proposal import Change, Verdict
from tests.factories import make_lead, make_reason_proposal, make_user
from tests.pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def heads():
    """The heads of marketing and sales, an executive and a manager."""
    marketing, sales = make_user(Role.EXECUTIVE, name="Ada Okafor"), make_user(Role.MANAGER, name="Grace Adeyemi")
    Company.objects.update(marketing_head=marketing, sales_head=sales)
    return {Side.MARKETING: marketing, Side.SALES: sales}


def first(kind="reject"):
    return Reason.objects.offered(kind).first()


def labels(kind="reject"):
    return list(Reason.objects.offered(kind).values_list("label", flat=True))


# Two signatures -----------------------------------------------------------------------------------------------


def test_a_change_waits_for_both_heads_and_keeps_what_stood_before(heads):
    reason = first()
    proposal = make_reason_proposal(wanted={"label": "No budget this year", "counts_as_miss": False})
    assert first().label == reason.label

    reasons.sign(proposal_id=proposal.pk, by=heads[Side.SALES])
    assert first().label == reason.label

    reasons.sign(proposal_id=proposal.pk, by=heads[Side.MARKETING])
    changed = first()
    proposal.refresh_from_db()
    assert (changed.label, changed.counts_as_miss) == ("No budget this year", False)
    assert proposal.verdict == Verdict.AGREED
    assert proposal.before == {"label": reason.label, "counts_as_miss": True}


def test_who_proposes_has_signed_for_their_side_and_the_other_head_is_asked(heads):
    proposal = make_reason_proposal(heads[Side.MARKETING])

    assert (proposal.marketing_signed_by, proposal.sales_signed_by) == (heads[Side.MARKETING], None)
    asked = Notification.objects.filter(kind="reason_proposed").values_list("user", flat=True)
    assert list(asked) == [heads[Side.SALES].pk]


def test_a_head_cannot_sign_for_the_other_side(heads):
    proposal = make_reason_proposal(heads[Side.MARKETING])

    with pytest.raises(ValidationError, match="waits for the other side"):
        reasons.sign(proposal_id=proposal.pk, by=heads[Side.MARKETING])
    assert ReasonProposal.objects.open().get() == proposal


def test_for_a_side_without_a_head_a_revops_admin_signs(heads):
    Company.objects.update(sales_head=None)
    revops = make_user(Role.REVOPS)
    proposal = make_reason_proposal(heads[Side.MARKETING])

    reasons.sign(proposal_id=proposal.pk, by=revops)

    proposal.refresh_from_db()
    assert (proposal.verdict, proposal.sales_signed_by) == (Verdict.AGREED, revops)


def test_without_any_head_what_revops_proposes_is_in_force_at_once():
    proposal = make_reason_proposal(
        make_user(Role.REVOPS), change=Change.ADD, reason_id=None, wanted={"label": "Student", "counts_as_miss": True}
    )

    added = Reason.objects.get(label="Student")
    assert (added.key, added.counts_as_miss, proposal.reason) == ("student", True, added)
    assert labels()[-1] == "Student"


def test_a_declined_proposal_changes_nothing_and_tells_who_made_it(heads):
    before = labels()
    proposal = make_reason_proposal()
    reasons.decline(proposal_id=proposal.pk, by=heads[Side.SALES], why="It means something else.")

    proposal.refresh_from_db()
    assert (proposal.verdict, proposal.closed_why) == (Verdict.DECLINED, "It means something else.")
    assert labels() == before
    told = Notification.objects.get(user=proposal.proposed_by)
    assert told.title.startswith("Declined by Grace Adeyemi")


def test_what_is_closed_names_who_was_first(heads):
    proposal = make_reason_proposal()
    reasons.decline(proposal_id=proposal.pk, by=heads[Side.SALES], why="No.")

    with pytest.raises(ValidationError, match="Grace Adeyemi was first: this proposal is declined"):
        reasons.sign(proposal_id=proposal.pk, by=heads[Side.MARKETING])


def test_every_step_is_in_the_audit_log(heads):
    proposal = make_reason_proposal(heads[Side.MARKETING])
    reasons.sign(proposal_id=proposal.pk, by=heads[Side.SALES])

    entries = AuditEntry.objects.filter(subject_kind="reason_proposal", subject_id=proposal.pk).order_by("id")
    assert [entry.action for entry in entries] == [
        "reason_proposed", "reason_signed", "reason_signed", "reason_proposal_agreed",
    ]  # fmt: skip


# What cannot be proposed --------------------------------------------------------------------------------------


def test_a_retired_reason_is_offered_no_more_and_can_be_taken_up_again(heads):
    reason = first()
    for change in (Change.RETIRE, Change.TAKE_UP):
        proposal = make_reason_proposal(heads[Side.SALES], change=change, wanted={}, reason_id=reason.pk)
        reasons.sign(proposal_id=proposal.pk, by=heads[Side.MARKETING])
        assert (reason.label in labels()) == (change == Change.TAKE_UP)


def test_the_last_reason_of_a_list_stays(heads):
    Reason.objects.filter(kind="recycle").exclude(pk=first("recycle").pk).update(is_offered=False)

    with pytest.raises(ValidationError, match="last reason"):
        make_reason_proposal(kind="recycle", change=Change.RETIRE, reason_id=first("recycle").pk, wanted={})


def test_two_proposals_about_one_reason_cannot_be_open(heads):
    make_reason_proposal()
    with pytest.raises(ValidationError, match="waits for its signatures"):
        make_reason_proposal()


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"label": "wrong persona"}, "of this name"),
        ({"proposes_recycle": True, "means_duplicate": True}, "not both"),
        ({"label": "No budget", "counts_as_miss": True}, "stands already"),
    ],
)
def test_a_proposal_that_makes_no_sense_is_refused(heads, wanted, said):
    with pytest.raises(ValidationError, match=said):
        make_reason_proposal(wanted=wanted)


def test_only_a_rejection_says_what_follows():
    with pytest.raises(IntegrityError):
        Reason.objects.filter(kind="lose").update(counts_as_miss=True)


def test_a_new_reason_gets_a_key_that_is_free():
    revops = make_user(Role.REVOPS)
    for label in ("No budget!", "No   budget?"):
        make_reason_proposal(revops, change=Change.ADD, reason_id=None, wanted={"label": label})

    keys = (
        Reason.objects.filter(kind="reject", key__startswith="no_budget").order_by("id").values_list("key", flat=True)
    )
    assert list(keys) == ["no_budget", "no_budget_1", "no_budget_2"]


def test_reasons_change_places():
    before = labels()
    revops = make_user(Role.REVOPS)
    reasons.move(reason_id=first().pk, down=False, by=revops)
    assert labels() == before

    reasons.move(reason_id=first().pk, down=True, by=revops)
    assert labels() == [before[1], before[0], *before[2:]]
    assert AuditEntry.objects.filter(action="reasons_reordered").count() == 1


# The pages ----------------------------------------------------------------------------------------------------


def test_a_rep_proposes_from_the_page_and_the_heads_sign_there(client, heads):
    client.force_login(make_user(Role.REP, name="Ravi Menon"))
    reason = first()
    asked = {"label": "No money", "counts_as_miss": "on", "why": "Shorter."}
    response = client.post(reverse("setup_reason", args=[reason.pk]), asked, follow=True)
    assert "It waits for its signatures." in text(response)
    assert "“No budget” becomes “No money”." in text(response)
    proposal = ReasonProposal.objects.open().get()
    assert reverse("setup_reason_sign", args=[proposal.pk]) not in response.content.decode()

    for head in heads.values():
        client.force_login(head)
        client.post(reverse("setup_reason_sign", args=[proposal.pk]))
    assert first().label == "No money"


def test_declining_needs_a_why_and_a_second_answer_is_409(client, heads):
    client.force_login(heads[Side.SALES])
    proposal = make_reason_proposal()
    address = reverse("setup_reason_decline", args=[proposal.pk])

    lacking = client.post(address, {"why": " "})
    assert (lacking.status_code, "Say why not" in text(lacking)) == (422, True)
    assert client.post(address, {"why": "No."}).status_code == 302
    again = client.post(address, {"why": "No."})
    assert again.status_code == 409
    assert "Grace Adeyemi was first" in text(again)


def test_a_refused_proposal_keeps_what_was_typed(client, heads):
    client.force_login(make_user(Role.MARKETER))
    response = client.post(reverse("setup_reason_new"), {"label": "No budget", "why": "Because."})

    assert response.status_code == 422
    assert "The list has a reason of this name." in text(response)
    assert "Because.</textarea>" in response.content.decode()


def test_the_page_asks_the_same_queries_however_much_was_proposed(client, heads, django_assert_max_num_queries):
    client.force_login(heads[Side.SALES])
    for _ in range(3):
        reasons.withdraw(proposal_id=make_reason_proposal().pk, by=heads[Side.SALES])
    with django_assert_max_num_queries(16):
        client.get(reverse("setup_reasons"))


# “Not now” ----------------------------------------------------------------------------------------------------


@pytest.fixture
def lead(client):
    rep = make_user(Role.REP)
    client.force_login(rep)
    return make_lead(owner=rep, name="Marina Alves")


def reject(client, lead, **asked):
    reason = Reason.objects.get(kind="reject", key=asked.pop("key", "no_need_now"))
    return client.post(reverse("lead_reject", args=[lead.pk]), {"reason": reason.pk, **asked}, follow=True)


def test_not_now_recycles_the_lead_until_a_day_that_is_chosen_in_place(client, lead):
    day = timezone.localdate() + timedelta(days=40)
    track = NurtureTrack.objects.get(key="long_term")
    response = reject(client, lead, instead="on", revisit_on=day.isoformat(), track=track.pk, note="After the audit.")

    journey = Journey.objects.get(lead=lead)
    assert (journey.outcome, journey.revisit_on, journey.track) == (Outcome.RECYCLED, day, track)
    assert journey.reason.key == "not_now"
    assert "Recycled Marina Alves to Long-term nurture, to look at again on" in text(response)


def test_not_now_without_the_tick_is_a_rejection(client, lead):
    reject(client, lead, revisit_on="2020-01-01")

    assert Journey.objects.get(lead=lead).outcome == Outcome.REJECTED


def test_a_reason_that_proposes_nothing_ignores_what_stands_in_the_hidden_fields(client, lead):
    reject(client, lead, key="no_budget", instead="on", revisit_on="no date", track="99")

    assert Journey.objects.get(lead=lead).outcome == Outcome.REJECTED


@pytest.mark.parametrize("day", ["", "2020-01-01", "soon"])
def test_a_day_that_is_none_is_said_beside_it(client, lead, day):
    response = reject(client, lead, instead="on", revisit_on=day, note="Kept.")

    assert response.status_code == 422
    assert response.context["form"].errors["revisit_on"]
    assert "Kept.</textarea>" in response.content.decode()
    assert Journey.objects.get(lead=lead).outcome == ""


def test_the_page_lists_reasons_in_the_order_in_which_they_are_offered(client, lead):
    reasons.move(reason_id=first().pk, down=True, by=make_user(Role.REVOPS))
    page = client.get(reverse("setup_reasons"))

    [shown] = [rows for kind, rows in page.context["lists"] if kind == "reject"]
    assert [reason.label for reason in shown] == labels()


# Duplicates ---------------------------------------------------------------------------------------------------


def test_a_duplicate_is_merged_with_the_lead_that_is_named(client, lead):
    known = make_lead("sql", name="M. Alves", owner=make_user())
    response = reject(client, lead, key="duplicate", same_as=known.email)

    lead.refresh_from_db()
    assert (lead.merged_into, Journey.objects.get(lead=lead).outcome) == (known, Outcome.MERGED)
    assert f"M. Alves and lead {lead.pk} are one lead now." in text(response)


def test_the_lead_that_is_further_is_kept_whichever_was_named(client, lead):
    young = make_lead("mgl", name="M. Alves")
    response = reject(client, lead, key="duplicate", same_as=str(young.pk))

    young.refresh_from_db()
    assert young.merged_into == lead
    assert "It still waits for an answer." in text(response)


@pytest.mark.parametrize("further", ["sql", "mgl"])
def test_a_merged_duplicate_keeps_its_note_and_can_be_undone_where_it_was_said(client, lead, further):
    known = make_lead(further, name="M. Alves", owner=lead.owner)
    response = reject(client, lead, key="duplicate", same_as=str(known.pk), note="Same person, new job.")

    merge = Merge.objects.get()
    kept, gone = merge.survivor, {lead.pk, known.pk} - {merge.survivor_id}
    undo = reverse("merge_undo", args=[merge.pk])
    assert f'hx-post="{undo}"' in response.content.decode()
    page = text(client.get(reverse("lead", args=[kept.pk])))
    assert re.search(rf"Lead {gone.pop()} merged into this one .* Same person, new job\.", page)

    undone = client.post(undo, headers={"HX-Request": "true"})
    assert "The merge is undone" in text(undone)
    assert not Lead.objects.filter(merged_into__isnull=False).exists()
    late = client.post(undo, headers={"HX-Request": "true"})
    assert (late.status_code, "This merge was undone already." in text(late)) == (409, True)


def test_a_lead_that_comes_back_keeps_its_note(client, lead):
    reject(client, lead)
    client.force_login(make_user(Role.MANAGER))
    client.post(reverse("lead_requalify", args=[lead.pk]), {"note": "Asked again at the fair."})

    move = LeadTransition.objects.filter(lead=lead, kind=Kind.REQUALIFY).select_related("note").get()
    assert move.note.text == "Asked again at the fair."


def test_two_deals_cannot_become_one_lead_by_a_rejection(client, lead):
    both = [make_lead("sqo", name=name, owner=lead.owner) for name in ("Ana", "Ana Costa")]
    assert twins.merge(lead=both[0], other=both[1], cause=Cause(CauseSource.API)).refused


@pytest.mark.parametrize("same_as", ["Alves", "nobody@buyer.example", "999999"])
def test_a_name_that_means_no_other_lead_or_several_is_said_beside_it(client, lead, same_as):
    for number in range(2):
        make_lead(name=f"Alves {number}")
    response = reject(client, lead, key="duplicate", same_as=same_as)

    assert response.status_code == 422
    assert "This names no other lead, or several" in text(response)
    assert same_as in response.content.decode()


def test_a_duplicate_of_nobody_known_is_rejected(client, lead):
    reject(client, lead, key="duplicate")

    assert Journey.objects.get(lead=lead).outcome == Outcome.REJECTED


def test_the_form_suggests_who_it_may_be(client, lead):
    make_lead(name="Marina Alves", company_name="Globex")
    page = client.get(reverse("lead_reject", args=[lead.pk])).content.decode()

    assert "Marina Alves, Globex</option>" in page
    assert f'<option value="{lead.pk}">' not in page
