"""Feedback across the hand-off: what sales tells marketing about a lead, and marketing sales. The only writer of it."""

from datetime import timedelta

from django.db import transaction
from django.urls import reverse

from alignment.ops.notifications import Notice, notify
from alignment.people.models import Company, Side, User
from leads import lifecycle
from leads.models import Feedback, Lead
from leads.signals import feedback_given

REWORD_WITHIN = timedelta(minutes=15)


class TooLateError(Exception):
    """The words stand: whoever read them may have acted on them."""


@transaction.atomic
def give(*, lead_id: int, text: str, by: User) -> Feedback:
    """Tell the other side, and let it know: sales the campaign's owner, marketing the holder of the lead.

    Raises Lead.DoesNotExist for a lead that was merged or taken back.
    """
    lead = Lead.objects.standing().select_related("campaign__owner", "owner").get(pk=lead_id)
    given = Feedback.objects.create(
        lead=lead, author=by, side=by.side or "", text=text.strip(), at=lifecycle.database_now()
    )
    notify(notices=[_notice(given, lead, user_id) for user_id in _concerned(lead, by)])
    feedback_given.send(sender=give, batch=(lead_id,))
    return given


@transaction.atomic
def reword(*, feedback_id: int, text: str, by: User) -> Feedback:
    """Mend one's own words. Raises Feedback.DoesNotExist for somebody else's, and TooLateError."""
    given = Feedback.objects.select_for_update(no_key=True).get(pk=feedback_id, author=by)
    now = lifecycle.database_now()
    if now > given.at + REWORD_WITHIN:
        raise TooLateError("This was read by now. Write another one instead.")
    given.text, given.edited_at = text.strip(), now
    given.save(update_fields=["text", "edited_at"])
    feedback_given.send(sender=reword, batch=(given.lead_id,))
    return given


def _concerned(lead: Lead, by: User) -> list[int]:
    """Who is told: where nobody runs the campaign the head of marketing, where nobody holds the lead nobody."""
    told: list[int | None] = []
    if by.side != Side.MARKETING:
        runs = lead.campaign.owner_id if lead.campaign else None
        told.append(runs or Company.get().marketing_head_id)
    if by.side != Side.SALES:
        told.append(lead.owner_id)
    return [user_id for user_id in dict.fromkeys(told) if user_id and user_id != by.pk]


def _notice(given: Feedback, lead: Lead, user_id: int) -> Notice:
    about = f", {lead.campaign}" if lead.campaign else ""
    return Notice(
        user_id=user_id, kind="feedback", title=f"{given.author} about {lead.display_name}{about}", body=given.text,
        url=f"{reverse('lead', args=[lead.pk])}?kind=feedback", dedupe_key=f"feedback:{given.pk}",
        subject_kind="lead", subject_id=lead.pk,
    )  # fmt: skip
