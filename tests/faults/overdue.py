"""Leads whose promise is overdue, and people, made inside a stack of its own."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from alignment.lib.moments import database_now
from alignment.people import tokens
from alignment.people.models import Role, Scope, Side, User
from leads.bulk import running
from leads.bulk.actions import ACTIONS
from leads.causes import Cause
from leads.decisions import Step
from leads.drafts import Draft
from leads.intake import receive
from leads.milestones import CauseSource, Kind, Milestone
from leads.models import Lead, Stage
from leads.models.bulk import BulkKind
from tests.factories import make_team, make_user


def store(leads: int, *, hours: float = 72) -> list[int]:
    """New leads that marketing handed over so many hours ago, and nobody answered; returns their ids."""
    handed_at = database_now() - timedelta(hours=hours)
    stage = Stage.objects.filter(milestone=Milestone.MQL).first()
    hand_off = (Step(0, Kind.ADVANCE, stage_id=stage.pk, at=handed_at),)
    drafts = [Draft(name=f"Buyer {number}", steps=hand_off) for number in range(leads)]
    return list(receive(drafts=drafts, cause=Cause(CauseSource.API)).lead_ids)


def manager() -> str:
    """A manager of sales, who hears of leads in no one's hands; returns the address."""
    team = make_team(Side.SALES, name=f"Sales {uuid4()}")
    team.manager = somebody(Role.MANAGER, team=team)
    team.save()
    return team.manager.email


def token() -> str:
    """The text of a new API token of a RevOps admin."""
    return tokens.make(user=somebody(Role.REVOPS), name="Load", scopes=Scope.values, days=1)[1]


def hand_all(lead_ids: list[int]) -> int:
    """Give these leads, more than are handed over in a request, to a rep; returns the job that does it."""
    params = {"owner": somebody(Role.REP).pk, "why": "Faults"}
    leads, admin = Lead.objects.filter(pk__in=lead_ids), somebody(Role.REVOPS)
    return running.start(action=ACTIONS[BulkKind.REASSIGN], params=params, leads=leads, actor=admin).job_id


def somebody(role: Role, **fields: Any) -> User:
    """A user whom no other process made."""
    return make_user(role, email=f"{uuid4()}@faults.example", **fields)
