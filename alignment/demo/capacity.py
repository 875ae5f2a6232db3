"""A webinar that brought more leads in one day than the demo company's reps have places for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alignment.demo.promises import PER_REP
from alignment.demo.story import Person, Setting
from alignment.people.models import User
from leads.causes import Cause
from leads.decisions import Step
from leads.drafts import Draft, Reference, TouchDraft
from leads.intake import receive
from leads.milestones import CauseSource, Kind, QualifiedBy

EACH = PER_REP + 2
"""So many come to the demo rep, and to a colleague."""
CAME = 2 * EACH


def tell(people: dict[str, User], crowd: Sequence[Person], setting: Setting) -> None:
    """Tell it, after the agreement is signed. `crowd` are `CAME` people."""
    rep_id = people["rep"].pk
    colleague = next(pk for pk, _ in setting.reps if pk != rep_id)
    holders = [rep_id] * EACH + [colleague] * EACH
    drafts = [_draft(number, *who, setting) for number, who in enumerate(zip(crowd, holders, strict=True))]
    receive(drafts=drafts, cause=Cause(CauseSource.DEMO))


def _draft(number: int, person: Person, rep_id: int, setting: Setting) -> Draft:
    handed_over_at: datetime = setting.now - timedelta(minutes=5)
    met_at = handed_over_at - timedelta(hours=1)
    steps = (
        Step(0, Kind.ADVANCE, stage_id=setting.stages["mgl"], at=met_at),
        Step(
            0, Kind.ADVANCE, stage_id=setting.stages["mql"], at=handed_over_at, qualified_by=QualifiedBy.MANUAL
        ),
    )  # fmt: skip
    person = replace(person, source="webinar", email=f"webinar{number}.{person.email}")
    return Draft(
        name=person.name, email=person.email, title=person.title, seniority=person.seniority,
        company_name=person.company, source=person.source, segment=person.segment, territory=person.territory,
        consent="granted", references=(Reference("demo", f"W-{number:03d}"),), steps=steps,
        touches=(TouchDraft("Stayed to the end of today’s webinar", "webinar", at=met_at),), owner_id=rep_id,
        owned_at=handed_over_at, created_at=met_at,
    )  # fmt: skip
