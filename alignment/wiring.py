"""What happens when…: every signal and every receiver, in the order in which they run.

- Leads move → their deals follow, their clocks are settled, open pages hear of it.
- Leads change hands → open pages hear of it.
- Touches are recorded → open pages hear of it.
- Somebody signs in or out, or fails to → the audit log says so.

Receivers run inside the transaction of the write that sent the signal.
"""

from typing import Any

from alignment.lib.announcements import announce
from leads import deals
from leads.holders import Handover
from leads.lifecycle import Moved
from leads.signals import holders_changed, leads_moved, touches_recorded
from leads.touches import Touched
from sla import clocks


def connect() -> None:
    """Connect all of them; called once, when the apps are ready."""
    leads_moved.connect(deals_follow, dispatch_uid="deals_follow")
    leads_moved.connect(clocks_settle, dispatch_uid="clocks_settle")
    leads_moved.connect(pages_hear_of_moves, dispatch_uid="pages_hear_of_moves")
    holders_changed.connect(pages_hear_of_handovers, dispatch_uid="pages_hear_of_handovers")
    touches_recorded.connect(pages_hear_of_touches, dispatch_uid="pages_hear_of_touches")


def deals_follow(batch: Moved, **kwargs: Any) -> None:
    """A won or lost journey closes its deal; an undone one opens it again."""
    deals.follow(lead_ids=batch.lead_ids, cause=batch.cause)


def clocks_settle(batch: Moved, **kwargs: Any) -> None:
    """Clocks start at the hand-off and stop at the answer."""
    clocks.settle(moved=batch)


def pages_hear_of_moves(batch: Moved, **kwargs: Any) -> None:
    """Queues, lead pages and funnels fetch themselves again."""
    announce("leads", batch.lead_ids)


def pages_hear_of_handovers(batch: Handover, **kwargs: Any) -> None:
    """The queues of both holders change."""
    announce("leads", batch.lead_ids)


def pages_hear_of_touches(batch: Touched, **kwargs: Any) -> None:
    """The timeline of an open lead page grows."""
    announce("leads", batch.lead_ids)
