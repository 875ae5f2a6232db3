"""Leads whose promise is overdue, made inside a stack of its own."""

from datetime import timedelta

from leads.causes import Cause
from leads.decisions import Step
from leads.drafts import Draft
from leads.intake import receive
from leads.lifecycle import database_now
from leads.milestones import CauseSource, Kind, Milestone
from leads.models import Stage


def store(leads: int) -> list[int]:
    """New leads that marketing handed over three days ago, and nobody answered; returns their ids."""
    handed_at = database_now() - timedelta(days=3)
    stage = Stage.objects.filter(milestone=Milestone.MQL).first()
    hand_off = (Step(0, Kind.ADVANCE, stage_id=stage.pk, at=handed_at),)
    drafts = [Draft(name=f"Buyer {number}", steps=hand_off) for number in range(leads)]
    return list(receive(drafts=drafts, cause=Cause(CauseSource.API)).lead_ids)
