"""What comes next with a lead: planning the next step, and letting a lead sleep. The only writer of `FollowUp`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from alignment.lib import batch
from leads import lifecycle
from leads.causes import Cause
from leads.models import FollowUp, Lead
from leads.signals import follow_ups_changed

STEP_LENGTH = 160


@dataclass(frozen=True, slots=True)
class Followed:
    """What was planned: the leads that it concerns, in ascending order."""

    cause: Cause
    lead_ids: tuple[int, ...]


def plan(*, lead_ids: Iterable[int], step: str, on: date, cause: Cause) -> Followed:
    """The next step of these leads and its day, in place of the one before."""
    return _write({key: {"next_step": step[:STEP_LENGTH], "next_on": on} for key in lead_ids}, cause)


def plan_where_nothing_is(*, steps: Mapping[int, tuple[str, date]], cause: Cause) -> Followed:
    """The next steps of open leads (lead → step and day) that have none in their pass; what somebody planned stays."""
    planned = FollowUp.objects.filter(lead__any_of=steps, pass_no=F("lead__pass_no")).exclude(next_step="")
    free = steps.keys() - set(planned.values_list("lead", flat=True))
    return _write({pk: {"next_step": steps[pk][0][:STEP_LENGTH], "next_on": steps[pk][1]} for pk in free}, cause)


def done(*, lead_ids: Iterable[int], cause: Cause) -> Followed:
    """The next step is done, and no other one is planned."""
    return _write({key: {"next_step": "", "next_on": None} for key in lead_ids}, cause)


def done_if_due(*, lead_ids: Iterable[int], cause: Cause) -> Followed:
    """Somebody did something with these leads: a step that was due by today is done."""
    today = timezone.localdate(lifecycle.database_now())
    due = FollowUp.objects.filter(lead__any_of=set(lead_ids), next_on__lte=today, pass_no=F("lead__pass_no"))
    return done(lead_ids=list(due.values_list("lead", flat=True)), cause=cause)


def snooze(*, lead_ids: Iterable[int], until: date | None, cause: Cause) -> Followed:
    """Out of what is due until that day (None: wake up). The promise to answer runs on."""
    return _write({key: {"wakes_on": until} for key in lead_ids}, cause)


@transaction.atomic
def _write(wanted: Mapping[int, dict[str, Any]], cause: Cause) -> Followed:
    """The same columns of open leads (lead → value by column); one statement for any number. What was planned for an
    earlier pass is forgotten.
    """
    passes = dict(
        Lead.objects.standing().filter(pk__any_of=wanted, outcome="").order_by("pk").values_list("pk", "pass_no")
    )
    columns = next(iter(wanted.values()), {})
    blank: dict[str, Any] = {"next_step": "", "next_on": None, "wakes_on": None}
    changed = {"changed_by_id": cause.actor_id, "changed_at": lifecycle.database_now()}
    rows = [{"lead_id": pk, "pass_no": pass_no} | blank | wanted[pk] | changed for pk, pass_no in passes.items()]
    kept = ", ".join(
        f"{name} = CASE WHEN leads_followup.pass_no = excluded.pass_no THEN leads_followup.{name} "
        f"ELSE excluded.{name} END"
        for name in blank
        if name not in columns
    )
    given = ", ".join(f"{name} = excluded.{name}" for name in (*columns, *changed, "pass_no"))
    batch.insert(FollowUp, rows, conflict=f"ON CONFLICT (lead_id) DO UPDATE SET {kept}, {given}")
    followed = Followed(cause, tuple(passes))
    if rows:
        follow_ups_changed.send(sender=_write, batch=followed)
    return followed
