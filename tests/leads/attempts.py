"""Attempts to store stages and what follows a disposition wrongly, by the constraint that refuses each."""

from datetime import UTC, datetime

from leads.models import FollowUp, NurtureTrack, Reason, Stage, StageSignature, StageVersion
from tests.factories import make_lead, make_reason_proposal, make_user

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _set(row, **wrong):
    type(row).objects.filter(pk=row.pk).update(**wrong)


def _proposal_again():
    first = make_reason_proposal()
    first.pk = None
    first.save(force_insert=True)


def _version(**fields):
    StageVersion.objects.create(**{"scope": "mql", "body": {}, "state": "published", "published_at": NOON} | fields)


def _signed(**fields):
    user = make_user()
    given = {"side": "sales", "signer": user, "signer_name": user.name, "signed_at": NOON}
    StageSignature.objects.create(version=StageVersion.published("mql"), **given | fields)


WRONG = {
    "reason_rejection_says_what_follows": lambda: Reason.objects.filter(kind="lose").update(counts_as_miss=True),
    "reason_leads_one_way": lambda: Reason.objects.filter(kind="reject").update(
        proposes_recycle=True, means_duplicate=True
    ),
    "follow_up_step_has_a_day": lambda: FollowUp.objects.create(
        lead=make_lead(), pass_no=1, next_step="Call", changed_at=NOON
    ),
    "track_one_takes_unqualified": lambda: NurtureTrack.objects.update(takes_unqualified=True),
    "track_looks_again": lambda: NurtureTrack.objects.update(revisit_after_days=0),
    "track_retired_takes_nobody": lambda: NurtureTrack.objects.filter(key="event").update(
        takes_unqualified=True, retired_at=NOON
    ),
    "stage_mapped_when_retired": lambda: _set(Stage.objects.first(), mapped_to=Stage.objects.last()),
    "stage_signature_once_a_side": lambda: [_signed(), _signed()],
    "stage_signature_side_known": lambda: _signed(side="buyers"),
    "stageversion_number_unique": lambda: _version(number=1, state="retired", retired_at=NOON),
    "stageversion_one_published": lambda: _version(number=2),
    "stageversion_one_draft": lambda: [_version(number=number, state="draft", published_at=None) for number in (2, 3)],
    "stageversion_state_dated": lambda: _version(number=2, state="retired"),
    "reason_proposal_kind_known": lambda: _set(make_reason_proposal(), kind="draw"),
    "reason_proposal_change_known": lambda: _set(make_reason_proposal(), change="burn"),
    "reason_proposal_names_a_reason": lambda: _set(make_reason_proposal(), reason=None),
    "reason_proposal_one_open": _proposal_again,
    "reason_proposal_closed_whole": lambda: _set(make_reason_proposal(), verdict="declined"),
    "reason_proposal_agreed_by_both": lambda: _set(
        one := make_reason_proposal(), verdict="agreed", closed_at=NOON, closed_by=one.proposed_by
    ),
    "reason_proposal_marketing_signed_whole": lambda: _set(make_reason_proposal(), marketing_signed_at=NOON),
    "reason_proposal_sales_signed_whole": lambda: _set(make_reason_proposal(), sales_signed_at=NOON),
}
