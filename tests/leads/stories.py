"""Leads and what happens to them, told in few words; moments are days of one March."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count

from leads import intake, lifecycle
from leads.causes import Cause
from leads.decisions import Step
from leads.drafts import Draft
from leads.milestones import CauseSource, Kind
from leads.models import Journey, Lead, LeadTransition, Reason, Stage

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
_numbers = count(1)


def day(number: int) -> datetime:
    """Midnight of a day in March."""
    return MARCH + timedelta(days=number - 1)


def by(actor_id: int | None = None, *, at: datetime | None = None, source: CauseSource = CauseSource.API) -> Cause:
    return Cause(source, actor_id=actor_id, at=at)


HISTORY = by(source=CauseSource.IMPORT)


def stage(key: str) -> Stage:
    return Stage.objects.get(key=key)


def reason(kind: str) -> int:
    return Reason.objects.offered(kind).first().pk


def to(key: str, at: datetime | None = None, **more) -> Step:
    """The step to a stage then; without a moment nobody knows when."""
    return step(Kind.ADVANCE, at, stage_id=stage(key).pk, **more)


def step(kind: Kind, at: datetime | None = None, **more) -> Step:
    reasons = {Kind.REJECT: "reject", Kind.LOSE: "lose"}
    if kind in reasons:
        more = {"reason_id": reason(reasons[kind])} | more
    return Step(0, kind, **{"at": at, "is_undated": at is None} | more)


def arrive(*steps: Step, leads: int = 1, cause: Cause = HISTORY, **facts) -> list[int]:
    """New leads with this history; by default MQLs of the second of March."""
    drafts = [
        Draft(
            **{"name": f"Ada {(number := next(_numbers))}", "email": f"ada{number}@buyer.example"} | facts, steps=told
        )
        for told in [steps or (to("mql", day(2)),)] * leads
    ]
    return list(intake.receive(drafts=drafts, cause=cause).lead_ids)


def arrived(*steps: Step, **facts) -> int:
    """One such lead."""
    [lead_id] = arrive(*steps, **facts)
    return lead_id


def learn(lead_id: int, *steps: Step, cause: Cause = HISTORY) -> lifecycle.Moved:
    """What history tells later about a lead."""
    return lifecycle.move(steps=[Step(**{**_fields(each), "lead_id": lead_id}) for each in steps], cause=cause)


def _fields(each: Step) -> dict:
    return {name: getattr(each, name) for name in Step.__slots__}


def journey(lead_id: int, pass_no: int | None = None) -> Journey:
    """A pass of a lead; by default the newest."""
    passes = Journey.objects.filter(lead_id=lead_id).order_by("pass_no")
    return passes.get(pass_no=pass_no) if pass_no else passes.last()


def rows(lead_id: int) -> list[LeadTransition]:
    return list(LeadTransition.objects.filter(lead_id=lead_id).order_by("seq"))


def where(lead_id: int) -> tuple[str, str]:
    """The stage and the outcome that the lead itself carries."""
    return Lead.objects.values_list("stage__key", "outcome").get(pk=lead_id)


def codes(moved: lifecycle.Moved) -> list[str]:
    return [refusal.code.value for refusal in moved.refused]


def standing(moved: lifecycle.Moved) -> Iterable[LeadTransition]:
    """The rows that stood in the way."""
    return [LeadTransition.objects.get(pk=refusal.standing.id) for refusal in moved.refused if refusal.standing]
