"""Attempts to store set-up, routing and what people do with leads wrongly, by the constraint that refuses each."""

from datetime import UTC, date, datetime

from alignment.ops.models import Job
from leads.models import (
    BulkChange,
    BulkRow,
    ChangedDays,
    Feedback,
    FollowUp,
    NurtureTrack,
    Pool,
    PoolMember,
    Reason,
    RoutingDecision,
    RoutingVersion,
    Stage,
    StageSignature,
    StageVersion,
)
from tests.factories import make_lead, make_reason_proposal, make_user

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOBODY = 2_000_000_000


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


def _rules(**fields):
    given = {"scope": "test", "number": 1, "body": {}, "state": "published", "published_at": NOON}
    return RoutingVersion.objects.create(**given | fields)


def _decision(**fields):
    lead_id = fields.pop("lead_id", None) or make_lead().pk
    given = {"lead_id": lead_id, "pass_no": 1, "at": NOON, "how": "person", "user": make_user()}
    RoutingDecision.objects.create(**given | {"version": _rules()} | fields)


def _pool(**fields):
    return Pool.objects.create(**{"name": "North", "fallback": make_user()} | fields)


def _members(pool, user):
    return [PoolMember.objects.create(pool=pool, user=user) for _ in range(2)]


def _bulk(**fields):
    return BulkChange.objects.create(**{"kind": "accept", "created_by": make_user()} | fields)


def _changed(**fields):
    ChangedDays.objects.create(**{"dated": "mql_at", "written_by": 1} | fields)


def _bulk_row(**fields):
    return BulkRow.objects.create(**{"change": _bulk(), "lead": make_lead()} | fields)


def _bulk_rows_of_one():
    row = _bulk_row()
    _bulk_row(change=row.change, lead=row.lead)


def _feedback(**fields):
    given = {"lead": make_lead(), "author": make_user(), "text": "Wrong person", "at": NOON}
    Feedback.objects.create(**given | fields)


WRONG = {
    "routing_keys_known": lambda: _decision(lead_id=NOBODY),
    "routing_how_known": lambda: _decision(how="luck"),
    "routing_pool_named": lambda: _decision(how="pool"),
    "routing_deal_named": lambda: _decision(how="deal"),
    "routingversion_number_unique": lambda: [_rules(), _rules(state="retired", retired_at=NOON)],
    "routingversion_one_published": lambda: [_rules(), _rules(number=2)],
    "routingversion_one_draft": lambda: [_rules(number=each, state="draft", published_at=None) for each in (1, 2)],
    "routingversion_state_dated": lambda: _rules(published_at=None),
    "pool_never_deleted": lambda: Pool.objects.filter(pk=_pool().pk)._raw_delete("default"),
    "pool_name_unique": lambda: [_pool(), _pool(name="NORTH")],
    "pool_after_hours_known": lambda: _pool(after_hours="party"),
    "pool_member_unique": lambda: _members(_pool(), make_user()),
    "bulk_kind_known": lambda: _bulk(kind="burn"),
    "bulk_source_known": lambda: _bulk(source="luck"),
    "changed_days_dated_known": lambda: _changed(dated="someday"),
    "changed_days_in_order": lambda: _changed(first_on=date(2026, 3, 2), last_on=date(2026, 3, 1)),
    "bulk_undo_has_a_beginning": lambda: _bulk(undo_job=Job.objects.create(kind="x")),
    "bulk_lead_once": _bulk_rows_of_one,
    "bulk_state_known": lambda: _bulk_row(state="lost"),
    "bulk_only_done_is_undone": lambda: _bulk_row(undone_at=NOON),
    "feedback_side_known": lambda: _feedback(side="buyers"),
    "feedback_edited_after": lambda: _feedback(edited_at=datetime(2026, 2, 1, tzinfo=UTC)),
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
