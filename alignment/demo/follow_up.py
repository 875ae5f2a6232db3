"""What follows a disposition in the demo company: the reasons that both sides discuss."""

from alignment.people.models import Company, User
from leads import reasons
from leads.models import Reason
from leads.models.reason_proposal import Change
from leads.models.stage import ReasonKind


def tell(people: dict[str, User]) -> None:
    """Tell it, after the leads are there. `people` are the demo's logins by role."""
    _reasons(people)


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
