"""What pages say about moves."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.utils.timesince import timesince

from alignment.people.models import User
from leads.decisions import Code, Refusal
from leads.milestones import Kind
from leads.models import LeadTransition
from leads.passes import Move

DID: Mapping[Kind, str] = {
    Kind.ADVANCE: "moved it on",
    Kind.ACCEPT: "accepted it",
    Kind.REJECT: "rejected it",
    Kind.RECYCLE: "recycled it",
    Kind.NURTURE: "moved it in nurture",
    Kind.REQUALIFY: "brought it back",
    Kind.WIN: "won it",
    Kind.LOSE: "lost it",
    Kind.REOPEN: "reopened it",
    Kind.ATTACH: "joined it to a deal",
    Kind.MERGE: "merged it",
    Kind.WITHDRAW: "took it back",
    Kind.CORRECT: "corrected it",
    Kind.MAP: "replaced its stage",
}
"""What somebody did with a lead, after their name."""

FIRST = (Code.ALREADY, Code.CONFLICT)


def why_all_refused(refusals: Iterable[Refusal], *, viewer: User, now: datetime) -> dict[int, str]:
    """Lead → the sentence of `why_refused`; one query for the names of all who were first."""
    told = list(refusals)
    firsts = {each.standing.actor_id for each in told if each.standing}
    names = dict(User.objects.filter(pk__in=firsts - {None}).values_list("pk", "name"))
    return {each.lead_id: why_refused(each, viewer=viewer, now=now, names=names) for each in told}


def why_refused(refusal: Refusal, *, viewer: User, now: datetime, names: Mapping[int, str] | None = None) -> str:
    """Who was first (“Bruno Sá accepted it 2 minutes ago.”) where that is why, else the refusal's own sentence."""
    move = refusal.standing
    if refusal.code not in FIRST or move is None or move.kind not in DID:
        return refusal.message
    if move.actor_id is None:
        return f"{refusal.message} A rule or an import was first, {_ago(move.recorded_at, now)}."
    return who_did(move, viewer=viewer, now=now, names=names)


def who_did(move: Move | LeadTransition, *, viewer: User, now: datetime, names: Mapping[int, str] | None = None) -> str:
    """What somebody did (“Bruno Sá accepted it 2 minutes ago.”); the kind of `move` is one of `DID`."""
    who = "You" if move.actor_id == viewer.pk else _name(move.actor_id or 0, names)
    return f"{who} {DID[Kind(move.kind)]} {_ago(move.recorded_at, now)}."


def _name(user_id: int, names: Mapping[int, str] | None) -> str:
    return names[user_id] if names is not None else User.objects.get(pk=user_id).name


def _ago(moment: datetime, now: datetime) -> str:
    if (now - moment).total_seconds() < 60:
        return "just now"
    return f"{timesince(moment, now, depth=1)} ago".replace("\xa0", " ")
