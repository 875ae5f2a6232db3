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
from tests.plans import rows_read_while

pytestmark = pytest.mark.django_db

MANY = 1_000
LOOKS = 60  # So often a row of a table is looked at for a lead, at most, by all statements of a call together.
# What older tests left in the files of the tables must not matter.
OURS = "FROM pg_class WHERE relkind IN ('r', 'i') AND relname ~ '^(leads|sla|people|ops)_'"
NEVER_ANALYZED = f"""
    SELECT pg_clear_relation_stats('public', relname) {OURS};
    SELECT pg_clear_attribute_stats('public', tablename, attname, inherited) FROM pg_stats WHERE schemaname = 'public';
"""
HARDLY_FILLED = f"""
    SELECT pg_restore_relation_stats(
        'schemaname', 'public', 'relname', relname::text, 'relpages', 1, 'reltuples', 1::real
    )
    {OURS} AND reltuples >= 0
"""
MANY_LEADS_OF_LITTLE = f"""
    {HARDLY_FILLED}; {NEVER_ANALYZED.split(";")[1]};
    SELECT pg_restore_relation_stats(
        'schemaname', 'public', 'relname', 'leads_lead', 'relpages', 1, 'reltuples', 10000::real
    )
"""
# Where a planner expects one row, it does without these; triggers keep the plan of their first call.
DISLIKED = ("hashagg", "hashjoin", "mergejoin", "sort", "incremental_sort", "material", "memoize")
ROW_BY_ROW, AS_EVER = (";".join(f"SET LOCAL enable_{way} TO {to}" for way in DISLIKED) for to in ("off", "DEFAULT"))
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


@pytest.fixture(
    params=[NEVER_ANALYZED, HARDLY_FILLED, f"{HARDLY_FILLED}; {ROW_BY_ROW}", MANY_LEADS_OF_LITTLE],
    ids=["never analyzed", "analyzed when hardly filled", "row by row", "many leads of little"],
)
def planned_for_few(request):
    """Calls what it is given in a session that has planned nothing yet, and knows of an almost empty database."""

    def do(call):
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
            cursor.execute(request.param)
            cursor.execute("DISCARD PLANS")
            call()
            cursor.execute(AS_EVER)

    return do


@pytest.mark.parametrize("verb", VERBS)
def test_what_was_planned_for_one_lead_serves_many(verb, planned_for_few):
    call, before = VERBS[verb]
    story = (to("mql", day(2)), *(step(kind, day(3)) for kind in before))
    one = arrive(*story)
    planned_for_few(lambda: call(one))
    many = arrive(*story, leads=MANY)
    assert looked_through(lambda: call(many)) == {}


def looked_through(call):
    """Tables of which rows are looked at again and again while `call` moves a thousand leads or so."""
    return {table: rows / MANY for table, rows in rows_read_while(call).items() if rows > LOOKS * MANY}


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


@pytest.mark.parametrize("known", [False, True])
def test_what_was_planned_for_the_first_lead_that_comes_in_serves_many(known, planned_for_few):
    intake.receive(drafts=drafts(0, 2), cause=by())
    few = drafts(1, 2)
    planned_for_few(lambda: intake.receive(drafts=few, cause=by()))
    if known:
        intake.receive(drafts=drafts(3, MANY), cause=by())
    many = drafts(3, MANY)
    assert looked_through(lambda: intake.receive(drafts=many, cause=by())) == {}


def test_the_planner_knows_how_few_leads_wait_among_many_that_were_answered():
    arrive(to("mgl"), leads=20)
    lifecycle.reject(lead_ids=arrive(leads=20), reason_id=reason("reject"), cause=by())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE leads_lead")
    [told] = json.loads(Lead.objects.awaiting_answer().explain(format="json"))
    # Half of them are MQLs and half of them are open: by themselves that would mean a quarter of them.
    assert told["Plan"]["Plan Rows"] == 1
