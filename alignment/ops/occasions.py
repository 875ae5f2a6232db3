"""The occasions on which people are told something: the one list that preferences, channels and webhooks go by.

The apps that tell lie above this one, so that the list knows them by name alone, as the policy table does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from alignment.ops.models import MailMode


@dataclass(frozen=True, slots=True)
class Occasion:
    """`label` ends the sentence “Tell me when …”. What `is_shared` concerns a team and can go to a channel; the other
    occasions are between Accord and one person. `event` is its name for programs.
    """

    label: str
    event: str
    group: str
    is_shared: bool = False
    mail: MailMode = MailMode.AT_ONCE


PROMISES, LEADS, RULES, WORK = "Promises", "Leads", "What both sides agreed", "Accord itself"

OCCASIONS: Mapping[str, Occasion] = {
    "breach": Occasion("a promise is broken", "promise.breached", PROMISES, is_shared=True),
    "reminder": Occasion("a promise of yours is soon due", "promise.reminded", PROMISES),
    "escalation": Occasion("a broken promise stays unanswered", "promise.escalated", PROMISES, is_shared=True),
    "plan_behind": Occasion(
        "marketing's plan will be missed at its pace", "promise.plan_behind", PROMISES, is_shared=True
    ),
    "dispute_raised": Occasion("something is disputed", "dispute.raised", PROMISES, is_shared=True),
    "dispute_answered": Occasion("a dispute is answered", "dispute.answered", PROMISES),
    "dispute_escalated": Occasion("a dispute needs a decision", "dispute.escalated", PROMISES, is_shared=True),
    "dispute_closed": Occasion("a dispute is decided", "dispute.closed", PROMISES, is_shared=True),
    "feedback": Occasion("somebody comments on a lead of yours", "lead.commented", LEADS),
    "lead_joined_deal": Occasion("a lead joins your deal", "lead.joined_deal", LEADS),
    "lead_fell_back": Occasion("nobody could take a lead", "lead.fell_back", LEADS, is_shared=True),
    "reason_proposed": Occasion("somebody proposes a reason", "reason.proposed", RULES),
    "reason_proposal_closed": Occasion("a proposal of yours is decided", "reason.decided", RULES),
    "stage_published": Occasion("a stage has changed and needs your signature", "stage.published", RULES),
    "agreement_published": Occasion("an agreement needs your signature", "agreement.published", RULES),
    "agreement_review": Occasion("the review of an agreement is near", "agreement.review_due", RULES),
    "job": Occasion("work that you started is done", "job.done", WORK, mail=MailMode.NEVER),
    "due_times_held": Occasion(
        "a calendar you edited would make leads overdue", "promise.due_times_held", RULES, mail=MailMode.NEVER
    ),
    "clock_parked": Occasion("a promise could not be handled", "promise.parked", WORK),
    "channel_stopped": Occasion("a channel is gone", "channel.stopped", WORK),
}


def occasion(kind: str) -> Occasion:
    """What is known of a kind of notice. Raises LookupError for one that nobody could choose mail for."""
    try:
        return OCCASIONS[kind]
    except KeyError:
        raise LookupError(f"The list of occasions lacks “{kind}”.") from None


def shared() -> dict[str, Occasion]:
    """The occasions that a channel can hear of."""
    return {kind: each for kind, each in OCCASIONS.items() if each.is_shared}
