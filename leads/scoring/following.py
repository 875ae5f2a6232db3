"""When leads are scored: after touches, moves and edits, in the transaction of each."""

from collections.abc import Collection

from leads.accounts import AccountsChanged
from leads.causes import Cause
from leads.editing import Edited
from leads.lifecycle import Moved
from leads.milestones import Kind
from leads.models import Lead
from leads.models.score import CrossedBy
from leads.scoring.applying import score
from leads.touches import Touched

# After these the engagement that counts begins elsewhere, or the lead is a customer's.
_CHANGES_WHAT_COUNTS = frozenset({Kind.RECYCLE, Kind.REJECT, Kind.LOSE, Kind.WIN, Kind.REOPEN, Kind.UNDO, Kind.CORRECT})


def after_moves(moved: Moved) -> None:
    """Who came in is scored, and handed over where that is enough; what a pass ended with counts no longer.

    A lead that sales has just given back, or whose hand-over was undone, is never handed over again by that.
    """
    arrived = {taken.lead_id for taken in moved.taken if taken.before is None}
    changed = {taken.lead_id for taken in moved.taken if taken.kind in _CHANGES_WHAT_COUNTS} - arrived
    score(lead_ids=arrived, cause=moved.cause, by=CrossedBy.TOUCH)
    score(lead_ids=changed, cause=moved.cause, by=None)


def after_touches(touched: Touched) -> None:
    """Who did something is scored."""
    score(lead_ids=touched.lead_ids, cause=touched.cause, by=CrossedBy.TOUCH)


def after_edits(edited: Edited) -> None:
    """Other facts are another fit."""
    score(lead_ids=edited.lead_ids, cause=edited.cause, by=CrossedBy.FACTS)


def after_account_changes(changed: AccountsChanged) -> None:
    """Everybody who works there has another fit; the same statements for any number of accounts and leads."""
    concerned = Lead.objects.standing().filter(account__any_of=set(changed.account_ids))
    score(lead_ids=list(concerned.values_list("pk", flat=True)), cause=changed.cause, by=CrossedBy.FACTS)


def after_merges(lead_ids: Collection[int], cause: Cause) -> None:
    """The one that stays has the touches of all of them."""
    score(lead_ids=lead_ids, cause=cause, by=CrossedBy.TOUCH)
