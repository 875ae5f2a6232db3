"""The write core: `python3 run.py manage shell --no-imports -c "from benchmarks.write_core import main; main()"`.

Takes in leads with all that one can come with, and moves them, in sets of 1, 1,000 and 50,000, with everything that
follows from it (journeys, holders, clocks, deals). Works in a scratch database of its own. Prints statements and leads
a second of this machine; nothing passes or fails by time.
"""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial

from django.db import connection
from django.test.utils import CaptureQueriesContext

from alignment.people.models import Role, Side, Team, User
from benchmarks.scratch import scratch_database
from leads import holders, intake, lifecycle, touches
from leads.causes import Cause
from leads.deals import deals
from leads.decisions import Step
from leads.drafts import DealDraft, Draft, Reference, TouchDraft
from leads.holders import Assignment
from leads.milestones import CauseSource, Kind, Milestone
from leads.models import Journey, LeadTransition, Reason, Stage
from leads.rebuild import rebuild
from leads.touches import Touch

SETS = (1, 1_000, 50_000)
BANT = ("budget", "authority", "need", "timeline")
CAUSE = Cause(CauseSource.API)


def main() -> None:
    """Make a scratch database, measure, and drop it."""
    with scratch_database():
        people = staff()
        print(f"{'':28}" + "".join(f"{f'{size:,}':>24}" for size in SETS))
        told = [story(people, size) for size in SETS]
        for name in told[0]:
            print(f"{name:28}" + "".join(f"{each[name]:>24}" for each in told))
        started_at = time.perf_counter()
        done = rebuild(dry_run=True)
        took = time.perf_counter() - started_at
        print(
            f"\n{done.leads:,} leads replayed and compared, {done.differing} differ: {done.leads / took:,.0f} a second"
        )
        print(f"{LeadTransition.objects.count():,} moves, {Journey.objects.count():,} journeys")


def staff() -> list[User]:
    """Who holds the leads."""
    team = Team.objects.create(name="Sales", side=Side.SALES)
    return [
        User.objects.create_user(email=f"rep{number}@accord.example", name=f"Rep {number}", role=Role.REP, team=team)
        for number in range(20)
    ]


def story(people: Sequence[User], size: int) -> dict[str, str]:
    """What one set of leads goes through → statements, and leads a second."""
    figures: dict[str, str] = {}

    def measured(name: str, call: Callable[[], object]) -> None:
        with CaptureQueriesContext(connection) as captured:
            started_at = time.perf_counter()
            call()
            took = time.perf_counter() - started_at
        figures[name] = f"{len(captured):>3} st. {size / took:>9,.0f}/s"

    known = drafts(people, size)
    measured("come in, with everything", lambda: intake.receive(drafts=known, cause=CAUSE))
    leads = list(Journey.objects.order_by("-lead_id").values_list("lead_id", flat=True)[:size])
    measured("come in again", lambda: intake.receive(drafts=known, cause=CAUSE))
    plain = [Draft(name=f"Plain {size} {number}") for number in range(size)]
    measured("come in, with a name only", lambda: intake.receive(drafts=plain, cause=CAUSE))

    reason = Reason.objects.offered("reject")[0].pk
    sqo = Stage.objects.filter(milestone=Milestone.SQO)[0]
    every = {"lead_ids": leads, "cause": CAUSE}
    measured("accept", partial(lifecycle.accept, **every))
    measured("accept again (refused)", partial(lifecycle.accept, **every))
    measured("undo", lambda: lifecycle.move(steps=[Step(pk, Kind.UNDO) for pk in leads], cause=CAUSE))
    measured("reject", partial(lifecycle.reject, **every, reason_id=reason))
    measured("reopen", partial(lifecycle.reopen, **every))
    measured("recycle", partial(lifecycle.recycle, **every))
    measured("requalify", partial(lifecycle.requalify, **every))
    measured("touched by sales", lambda: touches.record(touches=calls(leads), cause=CAUSE))
    measured("handed over", lambda: holders.hold(assignments=hand_over(leads, people), cause=CAUSE))
    bargains = [DealDraft("Deal", "EUR", lead_id=pk, amount=Decimal(9)) for pk in leads]
    opened: list[int] = []
    measured("deals opened", lambda: opened.extend(deals.open_deals(drafts=bargains, cause=CAUSE)))
    qualified = [
        Step(pk, Kind.ADVANCE, stage_id=sqo.pk, confirmations=BANT, opportunity_id=deal)
        for pk, deal in zip(leads, opened, strict=True)
    ]
    measured("advance to SQO", lambda: lifecycle.move(steps=qualified, cause=CAUSE))
    measured("win", partial(lifecycle.win, **every))
    return figures


def drafts(people: Sequence[User], size: int) -> list[Draft]:
    """Qualified yesterday, with owner, company, campaign, reference and a touch."""
    yesterday = lifecycle.database_now() - timedelta(days=1)
    mql = Stage.objects.get(milestone=Milestone.MQL)
    return [
        Draft(
            name=f"Ada {size} {number}",
            email=f"ada{number}@company{size}x{number // 3}.example",
            company_name=f"Company {size} {number // 3}",
            source=("Organic search", "Paid search", "Event")[number % 3],
            campaign=f"Campaign {number % 12}",
            segment=f"Segment {number % 6}",
            references=(Reference(f"crm{size}", str(number)),),
            steps=(Step(0, Kind.ADVANCE, stage_id=mql.pk, at=yesterday, qualified_by="score"),),
            touches=(TouchDraft("Asked for a demo", at=yesterday, system=f"web{size}", external_id=str(number)),),
            owner_id=people[number % len(people)].pk,
            owned_at=yesterday,
        )
        for number in range(size)
    ]


def calls(leads: Sequence[int]) -> list[Touch]:
    """A call of sales to each."""
    now = lifecycle.database_now()
    return [Touch(pk, now, "call", "Reached by phone", direction="outbound") for pk in leads]


def hand_over(leads: Sequence[int], people: Sequence[User]) -> list[Assignment]:
    """Each to another one."""
    return [Assignment(pk, people[(number + 7) % len(people)].pk) for number, pk in enumerate(leads)]
