"""A mail that a user sent in copy: recorded as an activity of theirs for each lead that it went to."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.conf import settings

from alignment.integrations.mail_drop.reading import Letter, UnreadableError, read
from alignment.lib.emails import email_key_or_blank
from alignment.people.models import User
from leads import activities, lifecycle, touches
from leads.causes import Cause
from leads.milestones import CauseSource
from leads.models import Lead
from leads.models.touchpoint import Direction
from leads.touches import Touch

SYSTEM = "mail"


class Outcome(StrEnum):
    """What became of a mail."""

    RECORDED = "recorded"
    KNOWN = "known"
    NO_LEAD = "no_lead"
    NO_USER = "no_user"
    AUTOMATIC = "automatic"
    UNPROVEN = "unproven"
    UNREADABLE = "unreadable"


SAID = {
    Outcome.RECORDED: "It stands in the timeline of the leads that it went to.",
    Outcome.KNOWN: "It was recorded before.",
    Outcome.NO_LEAD: "It went to nobody who is a lead.",
    Outcome.NO_USER: "Its sender is no active user.",
    Outcome.AUTOMATIC: "It was sent by a program.",
    Outcome.UNPROVEN: "The mail server does not confirm its sender (DMARC).",
    Outcome.UNREADABLE: "It cannot be read.",
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a mail, in words, and the leads that have it in their timeline now."""

    outcome: Outcome
    said: str
    lead_ids: tuple[int, ...] = ()


def receive(raw: bytes) -> Receipt:
    """Record a mail. Receiving it again changes nothing; only its subject is kept, never its text."""
    try:
        letter = read(raw, authserv=settings.MAIL_AUTHSERV)
    except UnreadableError as error:
        return Receipt(Outcome.UNREADABLE, str(error))
    if letter.is_automatic:
        return _only(Outcome.AUTOMATIC)
    if settings.MAIL_AUTHSERV and letter.authenticated != "pass":
        return _only(Outcome.UNPROVEN)
    sender = User.objects.active().filter(email=letter.sender).first()
    if sender is None:
        return _only(Outcome.NO_USER)
    lead_ids = _leads(letter)
    if not lead_ids:
        return _only(Outcome.NO_LEAD)
    stored = _record(letter, lead_ids, sender)
    return Receipt(Outcome.RECORDED, SAID[Outcome.RECORDED], stored) if stored else _only(Outcome.KNOWN)


def _only(outcome: Outcome) -> Receipt:
    return Receipt(outcome, SAID[outcome])


def _leads(letter: Letter) -> list[int]:
    """The leads among the recipients; one query."""
    keys = {key for address in letter.recipients if (key := email_key_or_blank(address))}
    found = Lead.objects.filter(email_key__in=keys, withdrawn_at=None).order_by("pk")
    return sorted({merged or pk for pk, merged in found.values_list("pk", "merged_into_id")})


def _record(letter: Letter, lead_ids: list[int], sender: User) -> tuple[int, ...]:
    now = lifecycle.database_now()
    title = f"E-mail: {letter.subject}" if letter.subject else "Sent an e-mail"
    cause = Cause(CauseSource.API, actor_id=sender.pk)
    mails = [
        Touch(
            lead_id=pk, at=_at(letter, now), kind="e-mail", title=title[: activities.TITLE_LENGTH],
            direction=Direction.OUTBOUND, is_engaged=False, actor_id=sender.pk, system=SYSTEM,
            external_id=f"{letter.key}:{pk}",
        )
        for pk in lead_ids
    ]  # fmt: skip
    return touches.record(touches=mails, cause=cause).lead_ids


def _at(letter: Letter, now: datetime) -> datetime:
    """When it was sent; clocks of other machines are not believed to be ahead."""
    return min(letter.sent_at or now, now)
