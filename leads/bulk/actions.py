"""What can be done with many leads at once: who may, what it asks, the verb, and the verb that takes it back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from django import forms

from alignment.lib.batch import Row
from alignment.people.models import User
from leads import answering, editing, lifecycle, withdrawing
from leads.bulk import forms as bulk_forms
from leads.causes import Cause
from leads.decisions import Refusal, Step
from leads.disposition_forms import RecycleForm
from leads.forms import AssignForm, MoveForm
from leads.holders import Assignment, hold
from leads.milestones import Kind
from leads.models import Lead, Reason
from leads.models.bulk import BulkKind, BulkRow
from leads.profiles import targets
from leads.routing import reassigning
from leads.routing.forms import RouteAgainForm
from leads.sentences import why_all_refused

Params = Mapping[str, Any]
Refused = dict[int, str]
"""Lead → why."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a verb made of a set of leads: what each changed one was before (`BulkRow.before`), and why others were
    refused. Leads in neither were so already.
    """

    before: Mapping[int, Row]
    refused: Refused


@dataclass(frozen=True, slots=True)
class Action:
    """`policy` is asked for each lead. `take` changes leads that exist and that the actor may change; `refuses` says
    which of them it would refuse now; `undo` takes changes back and says which it left, and why.
    """

    kind: BulkKind
    icon: str
    past: str
    policy: str
    form: type[forms.Form]
    take: Callable[[Sequence[int], Params, Cause, User], Done]
    refuses: Callable[[Sequence[int], Params, Cause, User], Refused]
    undo: Callable[[Sequence[BulkRow], Params, Cause], Refused]
    # What the preview tries where the form is not filled in yet.
    example: Callable[[], dict[str, Any]] = dict

    @property
    def label(self) -> str:
        return str(self.kind.label)


# Moves --------------------------------------------------------------------------------------------------------


def _moved(moved: lifecycle.Moved, user: User) -> Done:
    done = {taken.lead_id: {"move": moved.transition_id(taken)} for taken in moved.taken}
    return Done(done, _sentences(moved.refused, moved.recorded_at, user))


def _sentences(refusals: Iterable[Refusal], now: datetime, user: User) -> Refused:
    return why_all_refused(refusals, viewer=user, now=now)


def _accept(lead_ids: Sequence[int], params: Params, cause: Cause, user: User) -> Done:
    return _moved(answering.accept(lead_ids=lead_ids, cause=cause, note=params.get("note", "")), user)


def _reject(lead_ids: Sequence[int], params: Params, cause: Cause, user: User) -> Done:
    reason, note = params["reason"], params.get("note", "")
    return _moved(lifecycle.reject(lead_ids=lead_ids, reason_id=reason, cause=cause, note=note), user)


def _recycle(lead_ids: Sequence[int], params: Params, cause: Cause, user: User) -> Done:
    again = params.get("revisit_on")
    moved = lifecycle.recycle(
        lead_ids=lead_ids, cause=cause, reason_id=params.get("reason"), track_id=params.get("track"),
        revisit_on=date.fromisoformat(again) if again else None, note=params.get("note", ""),
    )  # fmt: skip
    return _moved(moved, user)


def _would_refuse(kind: Kind, lead_ids: Sequence[int], params: Params, cause: Cause, user: User) -> Refused:
    steps = [Step(pk, kind, reason_id=params.get("reason")) for pk in lead_ids]
    return _sentences(lifecycle.would_refuse(steps=steps, cause=cause), lifecycle.database_now(), user)


def _undo_moves(rows: Sequence[BulkRow], params: Params, cause: Cause) -> Refused:
    steps = [Step(row.lead_id, Kind.UNDO, transition_id=row.before["move"]) for row in rows]
    return {each.lead_id: each.message for each in lifecycle.move(steps=steps, cause=cause).refused}


def _any_reason() -> dict[str, Any]:
    reason = Reason.objects.offered("reject").first()
    return {"reason": reason.pk if reason else None}


# Holders and facts --------------------------------------------------------------------------------------------


def _reassign(lead_ids: Sequence[int], params: Params, cause: Cause, user: User) -> Done:
    assignments = [Assignment(pk, params.get("owner")) for pk in lead_ids]
    handed = hold(assignments=assignments, cause=cause, why=params.get("why", ""))
    return Done({pk: {"owner_id": list(told)} for pk, told in handed.changes.items()}, {})


def _route(lead_ids: Sequence[int], params: Params, cause: Cause, user: User) -> Done:
    refused = reassigning.refusals(lead_ids)
    open_ids = [pk for pk in lead_ids if pk not in refused]
    before = dict(Lead.objects.filter(pk__any_of=open_ids).values_list("pk", "owner_id"))
    decided = reassigning.route_again(lead_ids=open_ids, cause=cause, why=params["why"]) if open_ids else []
    pairs = {each.facts.lead_id: [before[each.facts.lead_id], each.user_id] for each in decided}
    return Done({pk: {"owner_id": pair} for pk, pair in pairs.items() if pair[0] != pair[1]}, refused)


def _would_not_route(lead_ids: Sequence[int], params: Params, cause: Cause, user: User) -> Refused:
    return reassigning.refusals(lead_ids)


def _classify(lead_ids: Sequence[int], params: Params, cause: Cause, user: User) -> Done:
    changed = editing.classify(lead_ids=lead_ids, changes=_columns(params), cause=cause)
    return Done({pk: {name: list(pair) for name, pair in told.items()} for pk, told in changed.items()}, {})


def _columns(params: Params) -> dict[str, int | None]:
    """Column → value: what was chosen, and nothing for what was emptied."""
    chosen = {f"{name}_id": params[name] for name in bulk_forms.CLASSES if params.get(name)}
    return {**dict.fromkeys((f"{name}_id" for name in params.get("empty", [])), None), **chosen}


def _nothing_refused(lead_ids: Sequence[int], params: Params, cause: Cause, user: User) -> Refused:
    return {}


def _put_back(rows: Sequence[BulkRow], params: Params, cause: Cause) -> Refused:
    changes = {row.lead_id: {name: (pair[0], pair[1]) for name, pair in row.before.items()} for row in rows}
    stays = withdrawing.restore(changes=changes, cause=cause)
    return dict.fromkeys(stays, "It was changed again since.")


# Target accounts ----------------------------------------------------------------------------------------------

NO_ACCOUNT = "It belongs to no account: give it a company first."


def _target(lead_ids: Sequence[int], params: Params, cause: Cause, user: User) -> Done:
    of_lead = _accounts(lead_ids)
    wanted = {account for account in of_lead.values() if account}
    listed = targets.add(account_ids=sorted(wanted), cause=cause, note=params.get("note", ""), leads_locked=True)
    added = set(listed.account_ids)
    done: dict[int, Row] = {pk: {"account": account} for pk, account in of_lead.items() if account in added}
    return Done(done, _without_account(of_lead))


def _lacks_account(lead_ids: Sequence[int], params: Params, cause: Cause, user: User) -> Refused:
    return _without_account(_accounts(lead_ids))


def _accounts(lead_ids: Sequence[int]) -> dict[int, int | None]:
    return dict(Lead.objects.filter(pk__any_of=list(lead_ids)).values_list("pk", "account"))


def _without_account(of_lead: Mapping[int, int | None]) -> Refused:
    return {pk: NO_ACCOUNT for pk, account in of_lead.items() if account is None}


def _off_the_list(rows: Sequence[BulkRow], params: Params, cause: Cause) -> Refused:
    targets.remove(account_ids={row.before["account"] for row in rows}, cause=cause, leads_locked=True)
    return {}


ACTIONS: Mapping[str, Action] = {
    action.kind.value: action
    for action in (
        Action(
            BulkKind.ACCEPT, "check", "accepted", "lead.dispose", MoveForm,
            _accept, partial(_would_refuse, Kind.ACCEPT), _undo_moves,
        ),
        Action(
            BulkKind.REJECT, "x", "rejected", "lead.dispose", bulk_forms.BulkRejectForm,
            _reject, partial(_would_refuse, Kind.REJECT), _undo_moves, _any_reason,
        ),
        Action(
            BulkKind.RECYCLE, "rotate-ccw", "recycled", "lead.dispose", RecycleForm,
            _recycle, partial(_would_refuse, Kind.RECYCLE), _undo_moves,
        ),
        Action(
            BulkKind.REASSIGN, "user-round-check", "handed over", "lead.assign", AssignForm,
            _reassign, _nothing_refused, _put_back,
        ),
        Action(
            BulkKind.ROUTE, "route", "routed", "lead.assign", RouteAgainForm,
            _route, _would_not_route, _put_back,
        ),
        Action(
            BulkKind.FACTS, "pencil", "changed", "lead.edit", bulk_forms.BulkFactsForm,
            _classify, _nothing_refused, _put_back,
        ),
        Action(
            BulkKind.TARGET, "target", "added", "targets.manage", bulk_forms.BulkTargetForm,
            _target, _lacks_account, _off_the_list,
        ),
    )
}  # fmt: skip
"""By name, in the order in which a list offers them."""
