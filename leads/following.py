"""What comes next with a lead: planning the next step, and letting a lead sleep. The only writer of `FollowUp`."""

from collections.abc import Iterable
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
    return _write(lead_ids, {"next_step": step[:STEP_LENGTH], "next_on": on}, cause)


def done(*, lead_ids: Iterable[int], cause: Cause) -> Followed:
    """The next step is done, and no other one is planned."""
    return _write(lead_ids, {"next_step": "", "next_on": None}, cause)


def done_if_due(*, lead_ids: Iterable[int], cause: Cause) -> Followed:
    """Somebody did something with these leads: a step that was due by today is done."""
    today = timezone.localdate(lifecycle.database_now())
    due = FollowUp.objects.filter(lead__any_of=set(lead_ids), next_on__lte=today, pass_no=F("lead__pass_no"))
    return done(lead_ids=list(due.values_list("lead", flat=True)), cause=cause)


def snooze(*, lead_ids: Iterable[int], until: date | None, cause: Cause) -> Followed:
    """Out of what is due until that day (None: wake up). The promise to answer runs on."""
    return _write(lead_ids, {"wakes_on": until}, cause)


@transaction.atomic
def _write(lead_ids: Iterable[int], columns: dict[str, Any], cause: Cause) -> Followed:
    """One statement for any number. What was planned for an earlier pass is forgotten."""
    asked = set(lead_ids)
    passes = dict(
        Lead.objects.standing().filter(pk__any_of=asked, outcome="").order_by("pk").values_list("pk", "pass_no")
    )
    blank: dict[str, Any] = {"next_step": "", "next_on": None, "wakes_on": None}
    changed = {"changed_by_id": cause.actor_id, "changed_at": lifecycle.database_now()}
    rows = [{"lead_id": pk, "pass_no": pass_no} | blank | columns | changed for pk, pass_no in passes.items()]
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
