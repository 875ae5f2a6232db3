"""What happens when…: every signal and every receiver, in the order in which they run.

- Leads move → those that came in, or whose pass ended, are scored, their deals follow, those handed over in no one's
  hands, or open again in those of who has left, are routed, their clocks are settled, the audit log says who moved them
  past entry criteria, open pages hear of it.
- Leads change hands → their clocks note it; those that come to a team with scoring rules of its own, or leave it, are
  scored; open pages hear of it.
- Touches are recorded → the leads are scored (and are MQLs if they cross the threshold); clocks that wait for a touch
  are settled, paused ones go on; open pages hear of it.
- Facts of leads are edited → they are scored, open pages hear of it.
- Facts of accounts are changed, or since when they are customers → their profile follows, their leads are scored.
- People change the list of target accounts, or a new version of profiles finds others → their leads are scored.
- Deals make accounts customers, or no longer do → a job scores their leads.
- What comes next with a lead is planned → open pages hear of it.
- One side tells the other what it thinks of a lead → open pages hear of it.
- A deal is changed by itself → it counts as updated, open pages hear of it.
- Leads are merged, or a merge is undone → they are scored, the audit log says by whom, open pages hear of it.
- A channel says that it is gone → it is stopped, and RevOps is told.
- Somebody signs in or out, or fails to → the audit log says so.
- A person, a team, the company, an API token, a calendar or an absence is changed → the audit log says who changed
  what, and nobody is made to leave to whom routing sends leads by name.
- A working calendar is changed → running clocks that go by it follow, unless they would turn overdue by it.

Receivers run inside the transaction of the write that sent the signal.
"""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import Model

from alignment.lib.announcements import announce
from alignment.ops import audit, channels
from alignment.ops.models import Destination
from alignment.ops.notifications import notify
from alignment.ops.signals import destination_gone
from alignment.people.models import Absence, ApiToken, Company, Team, User, WorkingCalendar
from alignment.people.signals import record_changed
from leads.accounts import AccountsChanged
from leads.deals import following as deal_following
from leads.deals.changes import Changed
from leads.editing import Edited
from leads.following import Followed
from leads.holders import Handover
from leads.lifecycle import Moved
from leads.merging.merging import Merged
from leads.merging.unmerging import Unmerged
from leads.profiles import matching as profiles
from leads.routing import pools, reopening, route
from leads.scoring import following as scores
from leads.signals import (
    accounts_changed,
    customers_changed,
    deals_changed,
    feedback_given,
    follow_ups_changed,
    holders_changed,
    leads_edited,
    leads_merged,
    leads_moved,
    leads_unmerged,
    profiles_changed,
    targets_changed,
    touches_recorded,
)
from leads.touches import Touched
from sla import clocks, recalculating
from sla.subjects import deals as deal_clocks


def connect() -> None:
    """Connect all of them; called once, when the apps are ready."""
    leads_moved.connect(moves_score, dispatch_uid="moves_score")
    leads_moved.connect(deals_follow, dispatch_uid="deals_follow")
    leads_moved.connect(leads_are_routed, dispatch_uid="leads_are_routed")
    leads_moved.connect(clocks_settle, dispatch_uid="clocks_settle")
    leads_moved.connect(deal_clocks_hear_of_moves, dispatch_uid="deal_clocks_hear_of_moves")
    leads_moved.connect(audit_overrides, dispatch_uid="audit_overrides")
    leads_moved.connect(pages_hear_of_moves, dispatch_uid="pages_hear_of_moves")
    holders_changed.connect(clocks_note_handovers, dispatch_uid="clocks_note_handovers")
    holders_changed.connect(handovers_score, dispatch_uid="handovers_score")
    holders_changed.connect(pages_hear_of_handovers, dispatch_uid="pages_hear_of_handovers")
    touches_recorded.connect(touches_score, dispatch_uid="touches_score")
    touches_recorded.connect(clocks_hear_of_touches, dispatch_uid="clocks_hear_of_touches")
    touches_recorded.connect(deal_clocks_hear_of_touches, dispatch_uid="deal_clocks_hear_of_touches")
    touches_recorded.connect(pages_hear_of_touches, dispatch_uid="pages_hear_of_touches")
    accounts_changed.connect(profiles_follow_accounts, dispatch_uid="profiles_follow_accounts")
    accounts_changed.connect(account_changes_score, dispatch_uid="account_changes_score")
    targets_changed.connect(target_changes_score, dispatch_uid="target_changes_score")
    profiles_changed.connect(profile_changes_score, dispatch_uid="profile_changes_score")
    customers_changed.connect(customer_changes_score, dispatch_uid="customer_changes_score")
    leads_edited.connect(edits_score, dispatch_uid="edits_score")
    leads_edited.connect(pages_hear_of_edits, dispatch_uid="pages_hear_of_edits")
    follow_ups_changed.connect(pages_hear_of_plans, dispatch_uid="pages_hear_of_plans")
    feedback_given.connect(pages_hear_of_feedback, dispatch_uid="pages_hear_of_feedback")
    deals_changed.connect(deal_clocks_hear_of_changes, dispatch_uid="deal_clocks_hear_of_changes")
    deals_changed.connect(pages_hear_of_deals, dispatch_uid="pages_hear_of_deals")
    leads_merged.connect(merges_score, dispatch_uid="merges_score")
    leads_merged.connect(audit_merges, dispatch_uid="audit_merges")
    leads_merged.connect(pages_hear_of_merges, dispatch_uid="pages_hear_of_merges")
    leads_unmerged.connect(merges_score, dispatch_uid="undone_merges_score")
    leads_unmerged.connect(audit_undone_merges, dispatch_uid="audit_undone_merges")
    leads_unmerged.connect(pages_hear_of_undone_merges, dispatch_uid="pages_hear_of_undone_merges")
    destination_gone.connect(channel_stops, dispatch_uid="channel_stops")
    user_logged_in.connect(audit.logged_in, dispatch_uid="audit_logged_in")
    user_logged_out.connect(audit.logged_out, dispatch_uid="audit_logged_out")
    user_login_failed.connect(audit.login_failed, dispatch_uid="audit_login_failed")
    record_changed.connect(audit_changes, dispatch_uid="audit_changes")
    record_changed.connect(clocks_follow_calendars, dispatch_uid="clocks_follow_calendars")
    record_changed.connect(leads_keep_somebody, dispatch_uid="leads_keep_somebody")


def moves_score(batch: Moved, **kwargs: Any) -> None:
    """First of all: what follows a hand-over may ask for the score."""
    scores.after_moves(batch)


def touches_score(batch: Touched, **kwargs: Any) -> None:
    """A touch that brings its lead over the threshold makes it an MQL."""
    scores.after_touches(batch)


def edits_score(batch: Edited, **kwargs: Any) -> None:
    """Who a person is says how well they fit."""
    scores.after_edits(batch)


def handovers_score(batch: Handover, **kwargs: Any) -> None:
    """A team that tries rules first has its leads scored by them. After the clocks: one that crosses starts its own."""
    scores.after_handovers(batch)


def profiles_follow_accounts(batch: AccountsChanged, **kwargs: Any) -> None:
    """Before their leads are scored: the tier of the profile is part of the fit."""
    profiles.follow(account_ids=batch.account_ids)


def account_changes_score(batch: AccountsChanged, **kwargs: Any) -> None:
    """Where somebody works says how well they fit."""
    scores.after_account_changes(batch)


def target_changes_score(batch: AccountsChanged, **kwargs: Any) -> None:
    """Whom both teams want says how well their people fit."""
    scores.after_account_changes(batch)


def profile_changes_score(batch: AccountsChanged, **kwargs: Any) -> None:
    """So does the profile that was found for them."""
    scores.after_new_profiles(batch)


def customer_changes_score(batch: AccountsChanged, **kwargs: Any) -> None:
    """Who works at a customer is not for sales."""
    scores.after_account_changes(batch)


def merges_score(batch: Merged | Unmerged, **kwargs: Any) -> None:
    """The touches of both count for the one that stays; each has its own again when the merge is undone."""
    scores.after_merges(batch.lead_ids, batch.cause)


def deals_follow(batch: Moved, **kwargs: Any) -> None:
    """A won or lost journey closes its deal; an undone one opens it again."""
    deal_following.follow(lead_ids=batch.lead_ids, cause=batch.cause)


def leads_are_routed(batch: Moved, **kwargs: Any) -> None:
    """Whoever was handed to sales and is in no one's hands gets a holder, and so does who is open again in the hands of
    somebody who has left. After the deals, which leads may join, and which go along.
    """
    route.follow(moved=batch)
    reopening.follow(moved=batch)


def clocks_settle(batch: Moved, **kwargs: Any) -> None:
    """Clocks start at the hand-off and stop at the answer."""
    clocks.settle(moved=batch)


def clocks_note_handovers(batch: Handover, **kwargs: Any) -> None:
    """A receipt shows who held a lead for how long; the buyer's clock goes on."""
    clocks.reassigned(handover=batch)


def clocks_follow_calendars(row: Model, by: User | None, **kwargs: Any) -> None:
    """Running clocks are due by the hours as they are now; what would turn overdue by that waits to be confirmed."""
    if isinstance(row, WorkingCalendar):
        recalculating.calendar_changed(calendar_id=row.pk, by=by)


def clocks_hear_of_touches(batch: Touched, **kwargs: Any) -> None:
    """Sales' own touches may be what was promised; the buyer's end a pause."""
    clocks.touched(touched=batch)


def deal_clocks_hear_of_changes(batch: Changed, **kwargs: Any) -> None:
    """Whatever is changed of a deal keeps it up to date."""
    clocks.follow_up(kind=deal_clocks.KIND, keys=batch.opportunity_ids, cause=batch.cause)


def deal_clocks_hear_of_moves(batch: Moved, **kwargs: Any) -> None:
    """So does a move of its lead: what that changed of the deal is a row."""
    with_deals = {each.lead_id for each in batch.taken if deal_clocks.may_concern(each)}
    if with_deals:
        clocks.follow_up(kind=deal_clocks.KIND, keys=deal_clocks.concerned(with_deals), cause=batch.cause)


def deal_clocks_hear_of_touches(batch: Touched, **kwargs: Any) -> None:
    """So does a talk with somebody of its buying group."""
    if batch.worked:
        clocks.follow_up(kind=deal_clocks.KIND, keys=deal_clocks.concerned(batch.worked), cause=batch.cause)


def audit_overrides(batch: Moved, **kwargs: Any) -> None:
    """Who moves leads past their entry criteria answers for it. A lead that only arrives was moved by nobody."""
    past = [taken.lead_id for taken in batch.taken if taken.is_override and taken.before]
    if past:
        audit.record(action="criteria_overridden", actor_id=batch.cause.actor_id, subject_kind="lead", subject_ids=past)


def pages_hear_of_moves(batch: Moved, **kwargs: Any) -> None:
    """Queues, lead pages and funnels fetch themselves again."""
    announce("leads", batch.lead_ids)


def pages_hear_of_handovers(batch: Handover, **kwargs: Any) -> None:
    """The queues of both holders change."""
    announce("leads", batch.lead_ids)


def pages_hear_of_touches(batch: Touched, **kwargs: Any) -> None:
    """The timeline of an open lead page grows."""
    announce("leads", batch.lead_ids)


def pages_hear_of_plans(batch: Followed, **kwargs: Any) -> None:
    """Queues are grouped by what comes next."""
    announce("leads", batch.lead_ids)


def pages_hear_of_feedback(batch: tuple[int, ...], **kwargs: Any) -> None:
    """The timeline of an open lead page grows."""
    announce("leads", batch)


def pages_hear_of_edits(batch: Edited, **kwargs: Any) -> None:
    """Names and facts on lists and lead pages change."""
    announce("leads", batch.lead_ids)


def pages_hear_of_deals(batch: Changed, **kwargs: Any) -> None:
    """Lists of deals and the deal's page fetch themselves again; those of moves listen to leads."""
    announce("deals", batch.opportunity_ids)


def audit_merges(batch: Merged, **kwargs: Any) -> None:
    """Each tombstone has its entry; the merge itself says what was chosen."""
    gone = [pk for losers in batch.losers.values() for pk in losers]
    audit.record(action="lead_merged", actor_id=batch.cause.actor_id, subject_kind="lead", subject_ids=gone)


def pages_hear_of_merges(batch: Merged, **kwargs: Any) -> None:
    """Losers leave the lists; survivors tell more."""
    announce("leads", batch.lead_ids)


def audit_undone_merges(batch: Unmerged, **kwargs: Any) -> None:
    """Each lead that stands again has its entry."""
    audit.record(
        action="merge_undone",
        actor_id=batch.cause.actor_id,
        subject_kind="lead",
        subject_ids=batch.lead_ids,
        detail={"merge": batch.merge_id, "survivor": batch.survivor_id},
    )


def pages_hear_of_undone_merges(batch: Unmerged, **kwargs: Any) -> None:
    """The leads are in the lists again."""
    announce("leads", [batch.survivor_id, *batch.lead_ids])


def channel_stops(destination: Destination, why: str, **kwargs: Any) -> None:
    """Nothing more is sent there; what it should hear of waits."""
    channels.stop(channel=destination, why=why)
    notify(notices=channels.gone_notices(destination, why))


def leads_keep_somebody(row: Any, changed: dict[str, Any], **kwargs: Any) -> None:
    """Nobody leaves to whom routing sends leads by name; raises ValidationError, which takes the change back."""
    if isinstance(row, User) and changed.get("is_active") == [True, False]:
        pools.refuse_to_lose(user_id=row.pk)


def audit_changes(
    row: User | Team | Company | ApiToken | WorkingCalendar | Absence,
    changed: dict[str, Any],
    by: User | None,
    **kwargs: Any,
) -> None:
    """Fields of a person are named without their content, except what decides about rights."""
    told = (
        changed
        if not isinstance(row, User)
        else {name: values if name in {"role", "team", "is_active"} else None for name, values in changed.items()}
    )
    kind = row._meta.model_name or ""
    action = "role_changed" if kind == "user" and "role" in changed else f"{kind}_changed"
    audit.record(action=action, actor=by, subject_kind=kind, subject_ids=[row.pk], detail=told)
