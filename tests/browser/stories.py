"""People and leads of a test's own, so that it changes nothing that another one looks at."""

from datetime import timedelta
from itertools import count

from alignment.people.models import Role, Side, Team, User
from leads.causes import Cause
from leads.decisions import Step
from leads.drafts import Draft, TouchDraft
from leads.intake import receive
from leads.lifecycle import database_now
from leads.milestones import CauseSource, Kind, Milestone, QualifiedBy
from leads.models import Journey, Lead, Stage
from leads.models.route import AfterHours
from tests.factories import make_pool, make_routing, make_user

PROMISE = timedelta(hours=48)

_numbers = count(1)


def rep(**fields: object) -> User:
    """A rep whose queue is empty, in the demo's sales team."""
    return make_user(Role.REP, **{"team": Team.objects.get(name=Side.SALES.label)} | fields)


def given_to(*reps: User) -> None:
    """Whoever comes in from now on goes to these reps, at any hour, whatever rules other tests left behind."""
    make_routing(make_pool(*reps, after_hours=AfterHours.NEXT), attach=False, account_owner=False)


def handed_over(owner: User | None, *left: timedelta) -> list[Lead]:
    """MQLs that wait for an answer, one for each time that is left of the promise (by default a day)."""
    now = database_now()
    drafts = [_draft(next(_numbers), owner, now - PROMISE + each) for each in left or [timedelta(days=1)]]
    received = receive(drafts=drafts, cause=Cause(CauseSource.API))
    found = Lead.objects.in_bulk(received.lead_ids)
    return [found[pk] for pk in received.lead_ids]


def _draft(number: int, owner: User | None, at: object) -> Draft:
    stage = Stage.objects.filter(milestone=Milestone.MQL).first()
    return Draft(
        name=f"Buyer {number}",
        email=f"buyer{number}@browser.example",
        company_name=f"Company {number}",
        title="Head of Logistics",
        touches=(TouchDraft("Asked for a demo", at=at, is_hand_raise=True),),
        steps=(Step(0, Kind.ADVANCE, stage_id=stage.pk, at=at, qualified_by=QualifiedBy.HAND_RAISE),),
        owner_id=owner and owner.pk,
        owned_at=at if owner else None,
    )


def state(lead: Lead) -> tuple[str, str]:
    """Milestone and outcome of its newest pass, as they stand in the database now."""
    journey = Journey.objects.filter(lead=lead).latest("pass_no")
    return Milestone(journey.reached).name, journey.outcome
