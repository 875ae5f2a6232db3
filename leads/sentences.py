"""What pages say about moves."""

from collections.abc import Mapping
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
}
"""What somebody did with a lead, after their name."""

FIRST = (Code.ALREADY, Code.CONFLICT)


def why_refused(refusal: Refusal, *, viewer: User, now: datetime) -> str:
    """Who was first (“Bruno Sá accepted it 2 minutes ago.”) where that is why, else the refusal's own sentence."""
    move = refusal.standing
    if refusal.code not in FIRST or move is None or move.kind not in DID:
        return refusal.message
    if move.actor_id is None:
        return f"{refusal.message} A rule or an import was first, {_ago(move.recorded_at, now)}."
    return who_did(move, viewer=viewer, now=now)


def who_did(move: Move | LeadTransition, *, viewer: User, now: datetime) -> str:
    """What somebody did (“Bruno Sá accepted it 2 minutes ago.”); the kind of `move` is one of `DID`."""
    who = "You" if move.actor_id == viewer.pk else User.objects.get(pk=move.actor_id).name
    return f"{who} {DID[Kind(move.kind)]} {_ago(move.recorded_at, now)}."


def _ago(moment: datetime, now: datetime) -> str:
    if (now - moment).total_seconds() < 60:
        return "just now"
    return f"{timesince(moment, now, depth=1)} ago".replace("\xa0", " ")
