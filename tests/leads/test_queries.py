"""One lead or a thousand: the same statements."""

import json
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads import holders, intake, lifecycle, touches, withdrawing
from leads.deals import deals
from leads.decisions import Step
from leads.drafts import DealDraft, Draft, Reference, TouchDraft
from leads.holders import Assignment
from leads.milestones import Kind
from leads.models import Lead
from leads.touches import Touch
from tests.factories import make_user
from tests.leads.stories import arrive, by, day, reason, stage, step, to

pytestmark = pytest.mark.django_db

MANY = 1_000
BANT = ("budget", "authority", "need", "timeline")


def queries(call):
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


def deal():
    [pk] = deals.open_deals(drafts=[DealDraft("Deal", "EUR", amount=Decimal(9))], cause=by())
    return pk


def advance(lead_ids):
    lifecycle.advance(
        lead_ids=lead_ids, to=stage("sqo"), cause=by(), confirmations=BANT, opportunity_id=deal(), note="All well"
    )


def hold(lead_ids):
    holders.hold(assignments=[Assignment(pk, rep.pk) for rep in [make_user()] for pk in lead_ids], cause=by())


def touch(lead_ids):
    touches.record(
        touches=[Touch(pk, day(9), "call", "Reached by phone", direction="outbound") for pk in lead_ids], cause=by()
    )


VERBS = {
    "advance": (advance, ()),
    "accept": (lambda leads: lifecycle.accept(lead_ids=leads, cause=by(), note="Gladly"), ()),
    "reject": (lambda leads: lifecycle.reject(lead_ids=leads, reason_id=reason("reject"), cause=by()), ()),
    "recycle": (lambda leads: lifecycle.recycle(lead_ids=leads, cause=by()), ()),
    "nurture": (
        lambda leads: lifecycle.nurture(lead_ids=leads, track_id=None, revisit_on=date(2026, 9, 1), cause=by()),
        (Kind.RECYCLE,),
    ),
    "requalify": (lambda leads: lifecycle.requalify(lead_ids=leads, cause=by()), (Kind.RECYCLE,)),
    "win": (lambda leads: lifecycle.win(lead_ids=leads, cause=by()), ()),
    "reopen": (lambda leads: lifecycle.reopen(lead_ids=leads, cause=by()), (Kind.RECYCLE,)),
    "attach": (lambda leads: lifecycle.attach(lead_ids=leads, opportunity_id=deal(), cause=by()), ()),
    "hold": (hold, ()),
    "withdraw": (lambda leads: withdrawing.withdraw(lead_ids=leads, cause=by(), note="By mistake"), ()),
    "restore": (
        lambda leads: withdrawing.restore(changes={pk: {"title": ("CTO", "")} for pk in leads}, cause=by()),
        (),
    ),
    "touch": (touch, ()),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_runs_the_same_statements_for_one_lead_and_for_many(verb):
    call, before = VERBS[verb]
    story = (to("mql", day(2)), *(step(kind, day(3)) for kind in before))
    one, many = arrive(*story), arrive(*story, leads=MANY)
    assert queries(lambda: call(one)) == queries(lambda: call(many))


def test_undos_of_many_leads_run_the_same_statements_too():
    story = (to("mql", day(2)), step(Kind.RECYCLE, day(3)), step(Kind.REQUALIFY, day(4)))
    one, many = arrive(*story), arrive(*story, leads=MANY)
    undo = [Step(pk, Kind.UNDO) for pk in [*one, *many]]
    few = queries(lambda: lifecycle.move(steps=undo[:1], cause=by()))
    assert queries(lambda: lifecycle.move(steps=undo[1:], cause=by())) == few


def drafts(start, count):
    """Leads with all that one can come with."""
    rep = make_user()
    return [
        Draft(
            name=f"Ada {number}", email=f"ada{number}@company{number}.example", company_name=f"Company {number}",
            source="Web", campaign="Spring", segment="Retail", territory="North",
            references=(Reference("crm", str(number)),), owner_id=rep.pk, touches=(TouchDraft("Asked for a demo"),),
            deal=DealDraft("Deal", "EUR", amount=Decimal(9), references=(Reference("crm", str(number)),)),
            steps=(to("mql", day(2)), step(Kind.ACCEPT, day(3)), to("sqo", day(4), confirmations=BANT)),
        )
        for number in range(start, start + count)
    ]  # fmt: skip


@pytest.mark.parametrize("known", [False, True])
def test_leads_come_in_by_the_same_statements(known):
    intake.receive(drafts=drafts(0, 1 + MANY if known else 1), cause=by())
    start = 0 if known else 1
    one, many = drafts(start, 1), drafts(start + 1, MANY)
    few = queries(lambda: intake.receive(drafts=one, cause=by()))
    assert queries(lambda: intake.receive(drafts=many, cause=by())) == few


def test_the_planner_knows_how_few_leads_wait_among_many_that_were_answered():
    arrive(to("mgl"), leads=20)
    lifecycle.reject(lead_ids=arrive(leads=20), reason_id=reason("reject"), cause=by())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE leads_lead")
    [told] = json.loads(Lead.objects.awaiting_answer().explain(format="json"))
    # Half of them are MQLs and half of them are open: by themselves that would mean a quarter of them.
    assert told["Plan"]["Plan Rows"] == 1
