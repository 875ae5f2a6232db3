"""What sales does with a lead, logged with one key where it happens."""

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


def log(*, lead_id: int, activity: Activity, cause: Cause, note: str = "") -> Touched:
    """Record a human outbound touch; of these four only a conversation is an engaged one."""
    kind, said = SAID[activity]
    touch = Touch(
        lead_id=lead_id,
        at=cause.at or lifecycle.database_now(),
        kind=kind,
        title=(f"{said}: {note}" if note else said)[:TITLE_LENGTH],
        direction=Direction.OUTBOUND,
        is_engaged=activity == Activity.CONNECTED,
        actor_id=cause.actor_id,
    )
    return record(touches=[touch], cause=cause)
