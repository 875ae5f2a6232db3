"""Leads with a promise, and what the tests of the promises read of them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from alignment.ops import versions
from leads import intake, touches
from leads.causes import Cause, Promise
from leads.deals import deals
from leads.decisions import Step
from leads.drafts import Draft
from leads.milestones import CauseSource, Kind, Milestone
from leads.models import Reason, Stage
from leads.models.touchpoint import Direction
from leads.touches import Touch
from sla import policies
from sla.models import Clock, Policy, PolicySet
from sla.rules import Rule, as_body

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""When marketing hands over in these stories."""

HOUR = timedelta(hours=1)

_numbers = count(1)


def cause(at: datetime | None = None, promise: Promise = Promise.START, source: CauseSource = CauseSource.API) -> Cause:
    return Cause(source=source, at=at, promise=promise)


def stage(milestone: Milestone) -> Stage:
    return Stage.objects.filter(milestone=milestone).first()


def reason(kind: str = "reject") -> int:
    return Reason.objects.offered(kind).first().pk


def arrive(
    *kinds_or_milestones: tuple[Milestone, datetime | None],
    leads: int = 1,
    promise: Promise = Promise.START,
    owner_id: int | None = None,
    source: CauseSource = CauseSource.API,
) -> list[int]:
    """New leads that reached these milestones then (None: nobody knows when); by default MQLs of `NOON`."""
    steps = tuple(
        Step(0, Kind.ADVANCE, stage_id=stage(milestone).pk, at=at, is_undated=at is None)
        for milestone, at in kinds_or_milestones or [(Milestone.MQL, NOON)]
    )
    drafts = [
        Draft(name="Ada", email=f"ada{next(_numbers)}@buyer.example", owner_id=owner_id, steps=steps)
        for _ in range(leads)
    ]
    return list(intake.receive(drafts=drafts, cause=cause(promise=promise, source=source)).lead_ids)


def open_deal() -> int:
    return deals.open_deals(drafts=[deals.DealDraft(name="Deal", currency="EUR")], cause=cause())[0]


def clock_of(lead_id: int, pass_no: int = 1, kind: str = "disposition") -> Clock:
    return Clock.objects.get(lead_id=lead_id, pass_no=pass_no, subject_kind=kind)


def kinds(lead_id: int, kind: str = "disposition") -> list[str]:
    """What happened to the clocks of a lead, in order."""
    clocks = Clock.objects.filter(lead_id=lead_id, subject_kind=kind).order_by("pk")
    return [event.kind for clock in clocks for event in clock.events.all()]


def facts(lead_ids: Iterable[int]) -> list[dict]:
    """All that is stored about the answers to these leads."""
    return list(Clock.objects.dispositions().filter(lead_id__in=list(lead_ids)).order_by("pk").values())


def touch(lead_id: int, at: datetime, direction: Direction = Direction.OUTBOUND, **fields: Any) -> None:
    """A call by sales, or with `direction` something that the buyer did."""
    one = Touch(lead_id, at=at, kind="call", title="Talked", direction=direction, **fields)
    touches.record(touches=[one], cause=cause(at))


def policy(kind: str = "disposition") -> Policy:
    """The rule in force for this kind; there is one alone."""
    return Policy.objects.in_force().get(subject_kind=kind)


def promise(*rules: Rule, kind: str = "disposition") -> list[Policy]:
    """Publish these rules in the place of those in force; returns their policies."""
    draft = versions.begin(PolicySet, by=None, scope=kind)
    draft = versions.change(draft, body=as_body(rules), by=None)
    return policies.publish(draft=draft, by=None).policies


def drop_promises(kind: str = "disposition") -> None:
    """Let no rule count for this kind any more."""
    versions.retire(PolicySet.published(kind), by=None)
