"""What the demo company argues about, and what it promised about deals: contested breaches, a deal that both claim."""

from alignment.ops import versions
from alignment.people.models import Company, User
from leads.lifecycle import database_now
from leads.models import Opportunity
from leads.models.opportunity import DealState, SourcedBy
from sla import contesting, disputes, policies
from sla.models import Clock, PolicySet
from sla.models.policy import TargetUnit
from sla.rules import Rule, as_body
from sla.verdict import late

BREACHES = (
    "She answered from the trade fair on the same day: my call is in the notes, it was only logged on Monday.",
    "The form had a typo in the address, so that my mail came back twice before I had the right one.",
)
CLAIM = "Their head of operations came to our booth in spring; the badge scan was imported a week too late."


def tell(people: dict[str, User]) -> None:
    """Tell it, after the leads and deals are there. `people` are the demo's logins by role."""
    _breaches(people)
    _sourcing(people)
    _deals(people)


def _breaches(people: dict[str, User]) -> None:
    """Two that sales contests: marketing lets one pass, the other waits for its answer."""
    now = database_now()
    broken = Clock.objects.dispositions().filter(late(now), cancelled_at=None, is_silent=False)
    marketing = Company.get().marketing_head
    for number, (clock, evidence) in enumerate(zip(broken.order_by("-due_at", "pk"), BREACHES, strict=False)):
        dispute = contesting.contest_breach(clock_id=clock.pk, evidence=evidence, by=people["rep"])
        if number == 0 and marketing:
            disputes.answer(dispute_id=dispute.pk, agrees=True, text="I see the call. It was in time.", by=marketing)


def _sourcing(people: dict[str, User]) -> None:
    """A deal that counts as sales' own, and that marketing says it brought."""
    rows = Opportunity.objects.filter(state=DealState.OPEN, sourced_by=SourcedBy.SALES, withdrawn_at=None)
    deal = next((each for each in rows.order_by("-opened_at", "pk") if contesting.contestable_sourcing(each)), None)
    if deal:
        contesting.contest_sourcing(
            opportunity_id=deal.pk, claimed=SourcedBy.MARKETING, evidence=CLAIM, by=people["marketer"]
        )


def _deals(people: dict[str, User]) -> None:
    """Sales keeps open deals up to date."""
    rule = Rule(
        "Sales updates every open deal within five business days", target=5, unit=TargetUnit.BUSINESS_DAYS.value,
        reminders=(75,), pauses=("away", "later"),
    )  # fmt: skip
    draft = versions.begin(PolicySet, by=people["revops"], scope="deal_update")
    draft = versions.change(draft, body=as_body([rule]), by=people["revops"])
    policies.publish(draft=draft, by=people["revops"], note="Agreed in the quarterly review")
