"""Who holds a lead: the only writer of holder intervals and of a lead's owner and team."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Exists

from alignment.lib import arrays, batch
from alignment.lib.moments import database_now
from alignment.people.models import User
from leads import journeys
from leads.causes import Cause
from leads.models import HolderInterval, Lead, ScoringVersion
from leads.signals import holders_changed


class Assignment(NamedTuple):
    """A lead and who holds it from `at` on (None: the cause's date, else now). No user puts it in no one's hands."""

    lead_id: int
    user_id: int | None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Handover:
    """What a call changed: only leads whose holder differs from before; `changes` has the holders (before, after).
    `during_pilot`: a team has scoring rules of its own, so that other rules than before may be about these leads.
    """

    cause: Cause
    lead_ids: tuple[int, ...]
    changes: Mapping[int, tuple[int | None, int | None]] = field(default_factory=dict)
    during_pilot: bool = False


class _Locked(NamedTuple):
    """A lead under lock."""

    has_closed_pass: bool
    during_pilot: bool


class _Holding(NamedTuple):
    """Who holds a lead (None: nobody), and until when its holders have it: a moment after today's holder got it."""

    user_id: int | None
    until: datetime


@transaction.atomic
def hold(*, assignments: Sequence[Assignment], cause: Cause, why: str = "") -> Handover:
    """Hand leads over; the same statements for one and for many. A lead that its user already holds is left alone.

    A date before the lead's last handover is moved up to it: intervals never overlap.
    """
    wanted = {each.lead_id: each for each in assignments}
    leads = (
        Lead.objects.filter(pk__any_of=wanted)
        .order_by("pk")
        .select_for_update(no_key=True)
        # Asked along with the lock: most of the time no pilot runs, and then nobody needs to ask more.
        .values_list("pk", "pass_no", "outcome", Exists(ScoringVersion.pilots()))
    )
    locked = {pk: _Locked(pass_no > 1 or outcome != "", *more) for pk, pass_no, outcome, *more in leads}
    holdings = _holdings(locked)
    held = {pk: each.user_id for pk, each in holdings.items() if each.user_id}
    changing = [pk for pk in locked if held.get(pk) != wanted[pk].user_id]
    if changing:
        changed = _hand_over([wanted[pk] for pk in changing], holdings, cause, why)
        # Who held a lead when a pass of it closed may be another, too: a date of history lies before that.
        journeys.hand_over([each for each in changed if not locked[each.lead_id].has_closed_pass])
        journeys.refresh([pk for pk in changing if locked[pk].has_closed_pass])
    changes = {pk: (held.get(pk), wanted[pk].user_id) for pk in changing}
    during_pilot = any(each.during_pilot for each in locked.values())
    handover = Handover(cause, tuple(changing), changes, during_pilot)
    if changing:
        holders_changed.send(sender=hold, batch=handover)
    return handover


def begin(*, assignments: Sequence[Assignment], teams: Mapping[int, int | None], cause: Cause) -> None:
    """Record the first holders of leads that this transaction inserted as theirs; one statement.

    Nobody held such a lead, so there is nothing to read, to lock or to end. `teams` is the team of each user; every
    assignment has a date.
    """
    if not assignments:
        return
    _insert(((each.lead_id, each.user_id, teams[each.user_id or 0], each.at) for each in assignments), cause)
    holders_changed.send(sender=begin, batch=Handover(cause, tuple(sorted(each.lead_id for each in assignments))))


def _holdings(lead_ids: Collection[int]) -> dict[int, _Holding]:
    """Of those of these leads that were ever held; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lead_id, max(user_id) FILTER (WHERE upper_inf(held)), "
            "max(coalesce(upper(held), lower(held) + interval '1 microsecond')) "
            "FROM leads_holderinterval WHERE lead_id = ANY(%s::bigint[]) GROUP BY lead_id",
            [arrays.literal(lead_ids)],
        )
        return {lead_id: _Holding(user_id, until) for lead_id, user_id, until in cursor.fetchall()}


def _hand_over(
    assignments: Sequence[Assignment], holdings: Mapping[int, _Holding], cause: Cause, why: str
) -> list[journeys.Held]:
    """Write who holds these leads, and from when on; returns who holds them now."""
    now = cause.at or database_now()
    teams = dict(User.objects.filter(pk__in={each.user_id for each in assignments}).values_list("pk", "team_id"))
    rows = []
    for each in assignments:
        at, last = each.at or now, holdings.get(each.lead_id)
        # Not before the end of what the lead's holders already have.
        rows.append((each.lead_id, each.user_id, teams.get(each.user_id or 0), max(at, last.until) if last else at))
    ending = [row for row in rows if (last := holdings.get(row[0])) and last.user_id]
    if ending:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE leads_holderinterval held SET held = tstzrange(lower(held.held), moment.at) "
                "FROM unnest(%s::bigint[], %s::timestamptz[]) AS moment(lead_id, at) "
                "WHERE held.lead_id = moment.lead_id AND upper_inf(held.held)",
                [[row[0] for row in ending], [row[3] for row in ending]],
            )
    _insert((row for row in rows if row[1] is not None), cause, why)
    changed = [journeys.Held(*row[:3]) for row in rows]
    batch.update(
        Lead,
        [{"id": each.lead_id, "owner_id": each.user_id, "team_id": each.team_id} for each in changed],
        where_differs=journeys.HELD,
    )
    return changed


def _insert(rows: Iterable[tuple[Any, ...]], cause: Cause, why: str = "") -> None:
    """Intervals that go on, of (lead, user, team, from when)."""
    batch.insert(
        HolderInterval,
        [
            {
                "lead_id": lead_id, "user_id": user_id, "team_id": team_id, "held": f"[{at.isoformat()},)",
                "actor_id": cause.actor_id, "why": why,
            }
            for lead_id, user_id, team_id, at in rows
        ],
    )  # fmt: skip
