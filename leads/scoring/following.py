"""When leads are scored: after touches, moves, edits, changes of accounts and holders, in the transaction of each."""

from collections.abc import Collection

from django.db.models import Exists, OuterRef

from leads.accounts import AccountsChanged
from leads.causes import Cause
from leads.editing import Edited
from leads.holders import Handover
from leads.lifecycle import Moved
from leads.milestones import Kind, Outcome
from leads.models import Journey, Lead
from leads.models.score import CrossedBy
from leads.scoring import by_account
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
    _after_wins(moved)


def _after_wins(moved: Moved) -> None:
    """A won lead makes its company a customer by itself where it has no deal; a deal says so of its own."""
    turned = {
        taken.lead_id for taken in moved.taken
        if ((taken.before or (None, ""))[1] == Outcome.WON) != (taken.after[1] == Outcome.WON)
    }  # fmt: skip
    if not turned:
        return
    without_deal = Lead.objects.filter(pk__any_of=turned, account__isnull=False).exclude(
        Exists(Journey.objects.filter(lead=OuterRef("pk"), pass_no=OuterRef("pass_no"), opportunity__isnull=False))
    )
    account_ids = tuple(without_deal.values_list("account_id", flat=True).distinct())
    after_account_changes(AccountsChanged(moved.cause, account_ids, leads_locked=True))


def after_touches(touched: Touched) -> None:
    """Who did something is scored."""
    score(lead_ids=touched.lead_ids, cause=touched.cause, by=CrossedBy.TOUCH)


def after_edits(edited: Edited) -> None:
    """Other facts are another fit."""
    score(lead_ids=edited.lead_ids, cause=edited.cause, by=CrossedBy.FACTS)


def after_account_changes(changed: AccountsChanged) -> None:
    """Everybody who works there has another fit."""
    by_account.follow(changed, by=CrossedBy.FACTS)


def after_new_profiles(changed: AccountsChanged) -> None:
    """So they have by new rules; what becomes of those that cross by rules is the choice of the scoring version."""
    by_account.follow(changed, by=CrossedBy.RELEASE)


def after_handovers(handover: Handover) -> None:
    """While a team tries rules of its own, leads that come to it or leave it are scored by those of where they are; who
    crosses by that does so by other rules.
    """
    if handover.during_pilot:
        score(lead_ids=handover.lead_ids, cause=handover.cause, by=CrossedBy.RELEASE, if_by_other_rules=True)


def after_merges(lead_ids: Collection[int], cause: Cause) -> None:
    """The one that stays has the touches of all of them."""
    score(lead_ids=lead_ids, cause=cause, by=CrossedBy.TOUCH)
