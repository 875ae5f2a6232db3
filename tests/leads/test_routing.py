"""Leads find their holders: by deal, account, rule and pool, in the transaction that makes them MQLs."""

from collections import Counter
from datetime import UTC
from functools import partial

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignment.lib.business_time import Hours
from alignment.lib.invariants import count_broken
from alignment.ops.models import AuditEntry, Notification
from alignment.people import accounts
from alignment.people.models import Role
from leads import holders, intake, lifecycle
from leads.causes import Cause, Promise
from leads.drafts import Draft, TouchDraft
from leads.holders import Assignment
from leads.invariants import INVARIANTS
from leads.milestones import CauseSource, Milestone, Outcome
from leads.models import Account, HolderInterval, Lead, Opportunity, PoolMember, Reason, RoutingDecision, Territory
from leads.models.route import How
from leads.routing import pools, rules
from leads.routing.route import route
from leads.stages.stages import Stages
from tests.connections import at_once
from tests.factories import (
    make_absence,
    make_calendar,
    make_lead,
    make_pool,
    make_routing,
    make_user,
    routing_rule,
)

pytestmark = pytest.mark.django_db

LIVE = Cause(CauseSource.API)


def draft(number: int = 1, **facts) -> Draft:
    raised = (TouchDraft("Asked for a demo", is_hand_raise=True),)
    return Draft(**{"name": f"Ada {number}", "email": f"ada{number}@gmail.com", "touches": raised} | facts)


def come_in(*drafts: Draft, cause: Cause = LIVE) -> list[Lead]:
    """Leads that ask for a demo now, in the order of the drafts."""
    ids = intake.receive(drafts=drafts or [draft()], cause=cause).lead_ids
    known = Lead.objects.select_related("owner").in_bulk(ids)
    return [known[pk] for pk in ids]


def why(lead: Lead) -> RoutingDecision:
    return RoutingDecision.objects.get(lead=lead)


# Where a lead goes ----------------------------------------------------------------------------------------------


def test_a_lead_that_comes_in_gets_the_next_of_the_pool_and_keeps_why():
    first, second = make_user(), make_user()
    make_routing(make_pool(first, second))

    one, two, three = come_in(draft(1), draft(2), draft(3))

    assert [lead.owner for lead in (one, two, three)] == [first, second, first]
    assert (one.team_id, HolderInterval.objects.get(lead=one).user) == (first.team_id, first)
    decision = why(one)
    assert (decision.how, decision.rule, decision.user) == (How.POOL, None, first)
    assert decision.seen == [(first.pk, "chosen", None), (second.pk, "later", None)]


def test_without_published_rules_nothing_is_routed():
    make_pool()
    [lead] = come_in()
    assert lead.owner is None
    assert not RoutingDecision.objects.exists()


def test_the_first_rule_that_holds_decides():
    dach, enterprise, rest = make_pool(make_user()), make_pool(make_user()), make_pool(make_user())
    make_routing(
        rest,
        routing_rule("DACH", "territory", "dach", pool=dach),
        routing_rule("Planner", "product_interest", "Planner", operator="contains", pool=enterprise),
    )
    Territory.objects.create(key="dach", name="DACH")
    leads = come_in(
        draft(1, territory="dach", product_interest="Planner"), draft(2, product_interest="Planner Pro"), draft(3)
    )
    assert [(why(lead).rule, why(lead).pool) for lead in leads] == [(0, dach), (1, enterprise), (None, rest)]


def test_a_rule_can_ask_for_a_language_and_can_name_a_person():
    german, other, named = make_user(languages=["de"]), make_user(), make_user()
    pool = make_pool(other, german)
    make_routing(
        pool,
        routing_rule("Swiss", "product_interest", "Swiss", operator="contains", pool=pool, language="de"),
        routing_rule("Big", "product_interest", "Big", operator="contains", person=named),
    )
    swiss = come_in(*(draft(number, product_interest="Swiss") for number in range(3)))
    assert {lead.owner for lead in swiss} == {german}
    assert (other.pk, "language", "de") in why(swiss[0]).seen
    [big] = come_in(draft(9, product_interest="Big"))
    assert (big.owner, why(big).how) == (named, How.PERSON)

    make_absence(named)
    [next_one] = come_in(draft(10, product_interest="Big"))
    assert why(next_one).how == How.POOL
    assert next_one.owner == other  # the other has had none yet


def account_of(lead: Lead) -> Account:
    return Account.objects.get(pk=lead.account_id)


def test_the_owner_of_the_account_comes_first_unless_away():
    owner, rep = make_user(calendar=make_calendar(week=closed_now())), make_user()
    make_routing(make_pool(rep))
    [lead] = come_in(draft(1, email="ada@buyer.example", company_name="Buyer"))
    Account.objects.filter(pk=lead.account_id).update(owner=owner)

    [colleague] = come_in(draft(2, email="ben@buyer.example", company_name="Buyer"))
    assert (colleague.owner, why(colleague).how) == (owner, How.ACCOUNT)
    make_absence(owner)
    [third] = come_in(draft(3, email="cem@buyer.example", company_name="Buyer"))
    assert (third.owner, why(third).how) == (rep, How.POOL)


def test_a_lead_of_an_account_with_an_open_deal_joins_it_and_its_owner_is_told():
    closer, rep = make_user(), make_user()
    first = make_lead("sqo", owner=closer, email="ada@buyer.example", company_name="Buyer")
    deal = Opportunity.objects.get()
    Opportunity.objects.update(owner=closer, account=first.account_id)
    make_routing(make_pool(rep))

    [colleague] = come_in(draft(2, email="ben@buyer.example", company_name="Buyer"))

    colleague.refresh_from_db()
    assert colleague.account_id == first.account_id
    assert (colleague.outcome, colleague.owner) == (Outcome.ATTACHED, closer)
    assert (why(colleague).how, why(colleague).opportunity) == (How.DEAL, deal)
    told = Notification.objects.get(user=closer, kind="lead_joined_deal")
    assert told.title == f"{colleague.name} joined your deal {deal.name}"
    # A deal that is over attracts nobody.
    Opportunity.objects.update(state="won")
    [third] = come_in(draft(3, email="cem@buyer.example", company_name="Buyer"))
    assert third.owner == rep


def closed_now():
    """A week without the present hour."""
    now = timezone.now().astimezone(UTC)
    return {(now.isoweekday() + 3) % 7 + 1: (Hours(0, 60),)}


@pytest.mark.parametrize(
    ("facts", "verdict", "detail"),
    [
        ({"weight": 0}, "paused", None),
        ({"daily_cap": 0}, "daily_cap", 0),
        ({"open_cap": 1}, "open_cap", 1),
        ({"is_active": False}, "inactive", None),
        ({"calendar": closed_now}, "off", None),
        ({"absent": True}, "away", "day"),
    ],
)
def test_when_nobody_can_take_a_lead_the_fallback_gets_it_and_is_told(facts, verdict, detail):
    absent = facts.pop("absent", False)
    if "calendar" in facts:
        facts["calendar"] = make_calendar(week=facts["calendar"](), time_zone="UTC")
    rep, boss = make_user(time_zone="UTC", **facts), make_user(Role.MANAGER)
    make_lead("mql", owner=rep)
    if absent:
        detail = make_absence(rep).last_on.isoformat()
    make_routing(make_pool(rep, fallback=boss))

    [lead] = come_in()

    assert (lead.owner, why(lead).how) == (boss, How.FALLBACK)
    assert why(lead).seen == [(rep.pk, verdict, detail)]
    assert Notification.objects.get(user=boss, kind="lead_fell_back").subject_id == lead.pk


def test_after_hours_the_next_gets_it_where_the_pool_says_so():
    asleep = make_user(calendar=make_calendar(week=closed_now(), time_zone="UTC"))
    make_routing(make_pool(asleep, after_hours="next"))
    [lead] = come_in()
    assert (lead.owner, why(lead).how) == (asleep, How.POOL)


def test_caps_count_within_a_batch_and_across_pools():
    rep, boss = make_user(daily_cap=3, open_cap=10), make_user(Role.MANAGER)
    one, other = make_pool(rep, fallback=boss), make_pool(rep, fallback=boss)
    make_routing(one, routing_rule("Other", "product_interest", "Other", pool=other))
    come_in(draft(1, product_interest="Other"), draft(2, product_interest="Other"))
    assert Counter(lead.owner for lead in come_in(*(draft(number) for number in range(3, 7)))) == {rep: 1, boss: 3}


# Which leads are routed -------------------------------------------------------------------------------------------


def test_what_is_history_or_has_a_holder_is_left_alone():
    rep, holder = make_user(), make_user()
    make_routing(make_pool(rep))
    history = Cause(CauseSource.IMPORT, promise=Promise.HISTORY)
    start = Cause(CauseSource.IMPORT, promise=Promise.START)
    [imported] = come_in(draft(1), cause=history)
    [live_import] = come_in(draft(2), cause=start)
    [named] = come_in(draft(3, owner_id=holder.pk))
    assert [imported.owner, live_import.owner, named.owner] == [None, None, holder]
    assert not RoutingDecision.objects.exists()
    [asked] = come_in(draft(4), cause=Cause(CauseSource.IMPORT, promise=Promise.START, route=True))
    assert asked.owner == rep


def test_a_lead_is_routed_when_it_qualifies_and_when_it_comes_back_to_nobody():
    rep, gone = make_user(), make_user()
    make_routing(make_pool(rep))
    [lead] = come_in(draft(touches=()))
    assert lead.owner is None
    stages = Stages.load()
    lifecycle.advance(lead_ids=[lead.pk], to=stages.first(Milestone.MQL), cause=LIVE)
    assert Lead.objects.get(pk=lead.pk).owner == rep

    lifecycle.recycle(lead_ids=[lead.pk], cause=LIVE)
    holders.hold(assignments=[Assignment(lead.pk, gone.pk)], cause=LIVE)
    lifecycle.requalify(lead_ids=[lead.pk], cause=LIVE)
    assert Lead.objects.get(pk=lead.pk).owner == gone  # who knows the lead keeps it
    lifecycle.recycle(lead_ids=[lead.pk], cause=LIVE)
    accounts.deactivate_person(user_id=gone.pk)
    lifecycle.requalify(lead_ids=[lead.pk], cause=LIVE)
    assert Lead.objects.get(pk=lead.pk).owner == rep


def test_a_lead_that_is_reopened_does_not_stay_with_who_has_left():
    stays, leaves, rep = make_user(), make_user(), make_user()
    make_routing(make_pool(rep))
    one, other = come_in(draft(1, owner_id=stays.pk), draft(2, owner_id=leaves.pk))
    reason = Reason.objects.offered("reject").first()
    lifecycle.reject(lead_ids=[one.pk, other.pk], reason_id=reason.pk, cause=LIVE)
    accounts.deactivate_person(user_id=leaves.pk)

    lifecycle.reopen(lead_ids=[one.pk, other.pk], cause=LIVE)
    assert [Lead.objects.get(pk=lead.pk).owner for lead in (one, other)] == [stays, rep]


def test_an_undo_routes_nothing():
    rep = make_user()
    [lead] = come_in()
    lifecycle.accept(lead_ids=[lead.pk], cause=LIVE)
    make_routing(make_pool(rep))
    lifecycle.undo(lead_id=lead.pk, cause=LIVE)
    assert Lead.objects.get(pk=lead.pk).owner is None


# Sets and connections -----------------------------------------------------------------------------------------------


def test_one_lead_and_a_thousand_run_the_same_statements():
    make_routing(make_pool(*(make_user(daily_cap=900, open_cap=900) for _ in range(5))))
    waiting = [
        come_in(*(draft(f"{part}-{number}", touches=()) for number in range(size)))
        for part, size in (("a", 1), ("b", 1000))
    ]
    mql = Stages.load().first(Milestone.MQL)
    counts = []
    for leads in waiting:
        with CaptureQueriesContext(connection) as queries:
            lifecycle.advance(lead_ids=[lead.pk for lead in leads], to=mql, cause=LIVE)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 62
    assert not Lead.objects.filter(owner=None).exists()


@pytest.mark.django_db(transaction=True)
def test_twenty_connections_share_two_thousand_leads_among_seven():
    reps = [make_user() for _ in range(7)]
    make_routing(make_pool(*reps))

    def bring(connection_no: int) -> None:
        for part in range(10):
            numbers = range(10)
            intake.receive(drafts=[draft(f"{connection_no}-{part}-{number}") for number in numbers], cause=LIVE)

    at_once(*(partial(bring, number) for number in range(20)))

    counts = Counter(Lead.objects.values_list("owner_id", flat=True))
    assert sum(counts.values()) == 2_000
    assert counts.keys() == {rep.pk for rep in reps}
    assert max(counts.values()) - min(counts.values()) <= 1
    assert HolderInterval.objects.filter(held__upper_inf=True).count() == 2_000
    assert RoutingDecision.objects.count() == 2_000
    assert dict(PoolMember.objects.values_list("user_id", "given")) == counts
    assert sum(count_broken(INVARIANTS).values()) == 0


# Pools ----------------------------------------------------------------------------------------------------------------


def test_who_joins_a_pool_goes_on_from_where_the_others_stand():
    old, new, boss = make_user(), make_user(), make_user(Role.MANAGER)
    pool = make_pool(old, fallback=boss)
    make_routing(pool)
    come_in(*(draft(number) for number in range(20)))
    change = partial(pools.change, pool_id=pool.pk, name="Team", fallback=boss, after_hours="fallback")
    change(member_ids=[old.pk, new.pk])
    assert Counter(lead.owner for lead in come_in(*(draft(number) for number in range(20, 30)))) == {old: 5, new: 5}

    change(member_ids=[new.pk])
    come_in(*(draft(number) for number in range(30, 50)))
    change(member_ids=[new.pk, old.pk])
    assert Counter(lead.owner for lead in come_in(*(draft(number) for number in range(50, 60)))) == {old: 5, new: 5}
    assert AuditEntry.objects.filter(action="pool_changed").count() == 3


def test_a_pool_in_use_is_not_retired_and_its_fallback_does_not_leave():
    boss, named = make_user(Role.MANAGER), make_user()
    pool, spare = make_pool(fallback=boss), make_pool()
    make_routing(pool, routing_rule("Big", "title", "Chief", operator="contains", person=named))
    with pytest.raises(ValidationError, match="The published rules send leads to this pool"):
        pools.retire(pool_id=pool.pk)
    assert pools.retire(pool_id=spare.pk).retired_at
    with pytest.raises(ValidationError, match="They are the fallback of the pool"):
        accounts.deactivate_person(user_id=boss.pk)
    with pytest.raises(ValidationError, match="The routing rules send leads to them by name"):
        accounts.deactivate_person(user_id=named.pk)
    with pytest.raises(ValidationError, match="A pool needs at least one member"):
        make_pool(member_ids=[])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"otherwise": None}, "Say which pool gets the leads that no rule is about."),
        ({"rules": [{"name": "", "when": {"match": "all", "of": []}, "pool": 1}]}, "Rule 1 needs a name"),
        ({"rules": [{"name": "A", "when": {"match": "all", "of": []}}]}, "“A” sends leads to a pool or to a person."),
        ({"rules": [{"name": "A", "when": {"of": []}, "pool": 1}]}, "“A”: A group of conditions says which"),
        (
            {"rules": [{"name": "A", "when": {"match": "all", "of": []}, "pool": 10**6}]},
            "“A” sends leads to a pool that",
        ),
        (
            {"rules": [{"name": "A", "when": {"match": "all", "of": []}, "pool": 1, "language": "xx"}]},
            "no language “xx”",
        ),
    ],
)
def test_rules_that_cannot_count_are_not_published(change, sentence):
    with pytest.raises(ValidationError, match=sentence):
        rules.check({"otherwise": make_pool().pk, "rules": []} | change)


def test_routing_again_takes_leads_from_whoever_holds_them():
    gone, rep = make_user(), make_user()
    make_routing(make_pool(rep))
    leads = [make_lead("mql", owner=gone).pk, make_lead("sql", owner=gone).pk]
    route(lead_ids=leads, cause=LIVE, whoever_holds=True, why="Left the company")
    assert set(Lead.objects.filter(pk__in=leads).values_list("owner_id", flat=True)) == {rep.pk}
    assert HolderInterval.objects.filter(why="Left the company").count() == 2
