"""What sales does with a lead, logged with one key where it happens."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import TextChoices

from leads import lifecycle
from leads.causes import Cause
from leads.models.touchpoint import Direction
from leads.touches import Touch, Touched, record

TITLE_LENGTH = 200


class Activity(TextChoices):
    """What came of an attempt to reach the lead."""

    CONNECTED = "connected", "Connected"
    NO_ANSWER = "no_answer", "No answer"
    VOICEMAIL = "voicemail", "Voicemail"
    EMAILED = "emailed", "E-mailed"


SAID = {
    Activity.CONNECTED: ("call", "Reached by phone"),
    Activity.NO_ANSWER: ("call", "Called, no answer"),
    Activity.VOICEMAIL: ("call", "Left a voicemail"),
    Activity.EMAILED: ("e-mail", "Sent an e-mail"),
}
"""Activity → the kind of touch, and what a timeline says."""


@dataclass(frozen=True, slots=True)
class Logged:
    """What somebody did with a lead. `at` None: the cause's date, else now."""

    lead_id: int
    activity: Activity
    note: str = ""
    at: datetime | None = None


def log(*, lead_id: int, activity: Activity, cause: Cause, note: str = "") -> Touched:
    """Record a human outbound touch; of these four only a conversation is an engaged one."""
    return log_all(activities=[Logged(lead_id, activity, note)], cause=cause)


def log_all(*, activities: Iterable[Logged], cause: Cause) -> Touched:
    """The same for any number, by the same statements."""
    now = cause.at or lifecycle.database_now()
    return record(touches=[_touch(each, cause, now) for each in activities], cause=cause)


def _touch(logged: Logged, cause: Cause, now: datetime) -> Touch:
    kind, said = SAID[logged.activity]
    return Touch(
        lead_id=logged.lead_id,
        at=logged.at or now,
        kind=kind,
        title=(f"{said}: {logged.note}" if logged.note else said)[:TITLE_LENGTH],
        direction=Direction.OUTBOUND,
        is_engaged=logged.activity == Activity.CONNECTED,
        actor_id=cause.actor_id,
    )
