"""What became of leads, as lists are filtered by it."""

from collections.abc import Mapping

from django.db.models import F, Q

from leads.milestones import Milestone, Outcome

WAITING = Q(outcome="", milestone=Milestone.MQL)

UNTOUCHED = Q(outcome="", milestone=Milestone.SQL, journeys__pass_no=F("pass_no"), journeys__worked_at=None)
"""Sales accepted, and nobody has reached out since."""

STATES: Mapping[str, tuple[str, Q]] = {
    "open": ("Open", Q(outcome="")),
    "waiting": ("Waiting for sales", WAITING),
    "in_sales": ("With sales", Q(outcome="", milestone__in=[Milestone.SQL, Milestone.SQO])),
    "untouched": ("Accepted, never touched", UNTOUCHED),
    "won": ("Won", Q(outcome=Outcome.WON)),
    "lost": ("Lost", Q(outcome=Outcome.LOST)),
    "rejected": ("Rejected", Q(outcome=Outcome.REJECTED)),
    "recycled": ("In nurture", Q(outcome=Outcome.RECYCLED)),
    "attached": ("In another lead's deal", Q(outcome=Outcome.ATTACHED)),
}
"""Key → (name, condition)."""
