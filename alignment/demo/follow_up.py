"""What follows a disposition in the demo company: reasons in discussion, nurture, disputes, next steps, comments."""

from datetime import timedelta

from django.utils import timezone

from alignment.people.models import Company, User
from leads import feedback, following, lifecycle, reasons
from leads.causes import Cause, Promise
from leads.decisions import Step
from leads.milestones import CauseSource, Kind, Milestone, Outcome
from leads.models import Journey, Lead, NurtureTrack, Reason
from leads.models.reason_proposal import Change
from leads.models.stage import ReasonKind
from sla import contesting, disputes


def tell(people: dict[str, User]) -> None:
    """Tell it, after the leads are there. `people` are the demo's logins by role."""
    _reasons(people)
    _tracks()
    _disputes(people)
    _plans(people)


def _reasons(people: dict[str, User]) -> None:
    """One change that both heads signed, and one that waits for sales."""
    company = Company.objects.select_related("marketing_head", "sales_head").get()
    assert company.marketing_head
    assert company.sales_head
    student = reasons.propose(
        kind=ReasonKind.REJECT, change=Change.ADD, by=people["rep"],
        wanted={"label": "Student or job seeker", "counts_as_miss": True},
        why="Eleven of them came with the benchmark report, and “wrong persona” hides it.",
    )  # fmt: skip
    for head in (company.marketing_head, company.sales_head):
        reasons.sign(proposal_id=student.pk, by=head)
    budget = Reason.objects.get(kind=ReasonKind.REJECT, key="no_budget")
    reasons.propose(
        kind=ReasonKind.REJECT, change=Change.EDIT, by=company.marketing_head, reason_id=budget.pk,
        wanted={"label": "No budget this year", "counts_as_miss": False},
        why="A budget that is spent already is nothing that a campaign can know.",
    )  # fmt: skip


TRACKS = {
    "newsletter": "A mail every other week: customer stories, new features, one question.",
    "long_term": "A call for news each half year, and the benchmark report when it comes out.",
    "event": "Slides and recording, then an invitation to the next one.",
}
TAKES_AFTER = timedelta(days=45)


def _tracks() -> None:
    """What the tracks are, and the leads that are no MQL after a while on the newsletter since then."""
    for key, description in TRACKS.items():
        NurtureTrack.objects.filter(key=key).update(description=description)
    newsletter = NurtureTrack.objects.get(key="newsletter")
    NurtureTrack.objects.filter(pk=newsletter.pk).update(takes_unqualified=True, takes_after_days=TAKES_AFTER.days)
    late = Journey.objects.newest().filter(
        outcome="", reached=Milestone.MGL, entered_at__lt=timezone.now() - TAKES_AFTER
    )
    again = timedelta(days=newsletter.revisit_after_days)
    steps = [
        Step(
            lead_id, Kind.NURTURE, at=entered_at + TAKES_AFTER, track_id=newsletter.pk,
            revisit_on=(entered_at + TAKES_AFTER + again).date(),
        )
        for lead_id, entered_at in late.order_by("lead").values_list("lead_id", "entered_at")
    ]  # fmt: skip
    lifecycle.move(steps=steps, cause=Cause(CauseSource.DEMO, promise=Promise.HISTORY))


EVIDENCE = (
    "Asked for a quote for 40 planners two days before, and the form says so.",
    "She signs for planning in all four plants: see her answer to the webinar's survey.",
    "The number in the form works, I have just called it: he waits to hear from us.",
)


def _disputes(people: dict[str, User]) -> None:
    """Three rejections that marketing contests: one not agreed, one taken back, one that waits for an answer."""
    rejected = Lead.objects.standing().filter(outcome=Outcome.REJECTED).order_by("-moved_at")
    for number, (lead, evidence) in enumerate(zip(rejected, EVIDENCE, strict=False)):
        dispute = contesting.contest_move(lead_id=lead.pk, evidence=evidence, by=people["marketer"])
        if number < 2:
            said = "He told me that it is for next year." if number == 0 else "You are right, I was too fast."
            disputes.answer(dispute_id=dispute.pk, agrees=number == 1, text=said, by=people["manager"])


# What the demo rep has planned: days from today, and the step; then how long some leads sleep.
STEPS = (
    (-2, "Send the offer for two plants"), (-1, "Call back about the pilot"), (0, "Answer the question on roles"),
    (0, "Call after their board meeting"), (1, "Send the customer story"), (3, "Demo with the planning team"),
    (6, "Ask what the budget round said"), (12, "Check in before the holidays"),
)  # fmt: skip
SLEEPS = (2, 5)
COMMENTS = (
    "Knew the benchmark report by heart: more of these, please.",
    "Third student this month from this list. Can the form ask for the company?",
    "Their planner was at the webinar too, and wants the slides.",
)


def _plans(people: dict[str, User]) -> None:
    """Next steps and sleeping leads in the demo rep's queue, and what reps tell marketing."""
    rep = people["rep"]
    cause = Cause(CauseSource.DEMO, actor_id=rep.pk)
    today = timezone.localdate()
    worked = Lead.objects.in_sales().filter(owner=rep).order_by("-moved_at").values_list("pk", flat=True)
    planned = list(worked[: len(STEPS) + len(SLEEPS)])
    for lead_id, (days, step) in zip(planned, STEPS, strict=False):
        following.plan(lead_ids=[lead_id], step=step, on=today + timedelta(days=days), cause=cause)
    for lead_id, days in zip(planned[len(STEPS) :], SLEEPS, strict=False):
        following.snooze(lead_ids=[lead_id], until=today + timedelta(days=days), cause=cause)
    told = Lead.objects.standing().filter(owner=rep, campaign__owner=people["marketer"]).order_by("-moved_at")
    for lead, text in zip(told, COMMENTS, strict=False):
        feedback.give(lead_id=lead.pk, text=text, by=rep)
