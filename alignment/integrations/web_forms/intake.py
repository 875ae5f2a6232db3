"""A submission becomes a lead, or a touch of one that is known, with what was agreed to: all of it or nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from alignment.integrations.web_forms.limits import tally
from alignment.integrations.web_forms.models import ConsentRecord, ConsentText, Outcome, Submission, WebForm
from alignment.integrations.web_forms.posting import Context
from alignment.integrations.web_forms.visitor import VisitorForm
from alignment.lib import batch
from leads import adding
from leads.causes import Cause
from leads.dimensions import dimension_key
from leads.drafts import Draft, TouchDraft
from leads.intake import Received
from leads.lifecycle import database_now
from leads.milestones import CauseSource
from leads.models import Campaign
from leads.models.lead import Consent

# The same words within this time are one submission: a double click, a reload, a proxy that tries again.
SAME_WITHIN = timedelta(minutes=10)
SYSTEM = "web form"


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a valid submission. `is_repeated`: it was stored before, and nothing was written now."""

    submission: Submission
    is_repeated: bool
    received: Received | None = None


@transaction.atomic
def submit(*, filled: VisitorForm, context: Context) -> Taken:
    """Store a valid submission: the lead, its touch and move, what was agreed to, and the submission itself.

    A known person's blanks are filled in and the touch is added; raising a hand brings them to MQL, or back in their
    next pass. The same submission twice, even at the same moment, is stored once.
    """
    form = filled.web_form
    digest = filled.digest
    key = f"{form.pk}:{context.submission_id or digest}"
    _one_at_a_time(key)
    now = database_now()
    if known := _known(form, digest, context, now):
        tally(form=form, outcome=Outcome.REPEATED)
        return Taken(known, is_repeated=True)
    reference = context.submission_id or f"{digest[:32]}-{now:%Y%m%d%H%M%S}"
    received = adding.add(draft=_draft(filled, context, reference), cause=Cause(CauseSource.FORM))
    [lead_id] = received.lead_ids
    submission = Submission.objects.create(
        form=form, at=now, outcome=Outcome.RECEIVED, lead_id=lead_id, is_new_lead=lead_id in received.created,
        reference=reference, digest=digest, answers=filled.answers, page_url=context.page_url,
        referrer=context.referrer, campaign_tags=dict(context.tags), origin=context.origin,
    )  # fmt: skip
    _agree(filled.agreed, submission, now)
    tally(form=form, outcome=Outcome.RECEIVED)
    return Taken(submission, is_repeated=False, received=received)


@transaction.atomic
def refuse(*, form: WebForm, outcome: Outcome, problems: dict[str, list[str]], context: Context) -> None:
    """Remember that a submission was not received, and why; of what it said nothing."""
    Submission.objects.create(
        form=form, at=database_now(), outcome=outcome, problems=problems, page_url=context.page_url,
        referrer=context.referrer, campaign_tags=dict(context.tags), origin=context.origin,
    )  # fmt: skip
    tally(form=form, outcome=outcome)


def _one_at_a_time(key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('accord.web_forms'), hashtext(%s))", [key])


def _known(form: WebForm, digest: str, context: Context, now: datetime) -> Submission | None:
    """The submission that this one repeats."""
    earlier = Submission.objects.filter(form=form, outcome=Outcome.RECEIVED)
    if context.submission_id:
        return earlier.filter(reference=context.submission_id).first()
    return earlier.filter(digest=digest, at__gt=now - SAME_WITHIN).order_by("-id").first()


def _draft(filled: VisitorForm, context: Context, reference: str) -> Draft:
    form, answers = filled.web_form, filled.answers
    facts: dict[str, Any] = {
        field.name: answers[field.name] for field in filled.asked if field.name in answers and not field.is_question
    }
    attributes = {
        field.label: answers[field.name] for field in filled.asked if field.is_question and field.name in answers
    }
    touch = TouchDraft(
        title=form.name, kind="form", is_hand_raise=form.is_hand_raise, system=SYSTEM,
        external_id=f"{form.pk}:{reference}",
    )  # fmt: skip
    return Draft(
        **facts,
        attributes=attributes,
        source=form.source.key,
        campaign=_campaign(form, context),
        consent=Consent.GRANTED.value if any(text.allows_contact for text in filled.agreed) else "",
        touches=(touch,),
    )


def _campaign(form: WebForm, context: Context) -> str | None:
    """The campaign of the link that led to the page, where we know it, else the form's own.

    Tags can be written by anybody, so that they name campaigns but never make them.
    """
    named = dimension_key(context.tags.get("utm_campaign", ""))
    if named and Campaign.objects.filter(key=named, retired_at=None).exists():
        return named
    return form.campaign.key if form.campaign else None


def _agree(texts: list[ConsentText], submission: Submission, now: datetime) -> None:
    batch.insert(
        ConsentRecord,
        [
            {"lead_id": submission.lead_id, "text_id": text.pk, "submission_id": submission.pk, "agreed_at": now}
            for text in texts
        ],
    )
