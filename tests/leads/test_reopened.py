"""Leads that are open again while whoever held them has left: they go to somebody who is there, with their deals."""

import pytest

from alignment.ops.models import Notification
from alignment.people import accounts
from alignment.people.models import Company, Role
from leads import holders, lifecycle
from leads.causes import Cause
from leads.holders import Assignment
from leads.merging import merging, unmerging
from leads.milestones import CauseSource
from leads.models import HolderInterval, Lead, Opportunity, Reason, RoutingDecision
from leads.models.route import How
from tests.factories import make_free_deal, make_lead, make_pool, make_routing, make_team, make_user
from tests.leads.stories import by

pytestmark = pytest.mark.django_db


def reason(kind):
    return Reason.objects.offered(kind).first().pk


def ended(stage, holder):
    """A lead of `holder` at that stage that sales gave up."""
    lead = make_lead(stage, owner=holder)
    if stage == "sqo":
        Opportunity.objects.update(owner=holder)
        lifecycle.lose(lead_ids=[lead.pk], reason_id=reason("lose"), cause=by())
    else:
        lifecycle.reject(lead_ids=[lead.pk], reason_id=reason("reject"), cause=by())
    return lead


def leaves(person):
    accounts.deactivate_person(user_id=person.pk)


def owner(lead):
    return Lead.objects.get(pk=lead.pk).owner


def why(lead):
    return HolderInterval.objects.filter(lead=lead).latest("held").why


@pytest.mark.parametrize("stage", ["mql", "sql", "sqo"])
@pytest.mark.parametrize("verb", ["reopen", "undo"])
def test_a_lead_that_is_open_again_does_not_stay_with_who_has_left(stage, verb):
    gone, rep = make_user(), make_user()
    make_routing(make_pool(rep))
    lead = ended(stage, gone)
    leaves(gone)

    if verb == "reopen":
        lifecycle.reopen(lead_ids=[lead.pk], cause=by())
    else:
        lifecycle.undo(lead_id=lead.pk, cause=by())

    assert owner(lead) == rep
    assert (RoutingDecision.objects.get(lead=lead).how, RoutingDecision.objects.get(lead=lead).user) == (How.POOL, rep)


def test_its_deal_goes_along_and_it_joins_no_other_one():
    gone, rep, other = make_user(), make_user(), make_user()
    make_routing(make_pool(rep))
    lead = ended("sqo", gone)
    [deal] = Opportunity.objects.all()
    make_free_deal(account=deal.account, owner_id=other.pk)
    leaves(gone)

    lifecycle.reopen(lead_ids=[lead.pk], cause=by())

    deal.refresh_from_db()
    assert (deal.state, deal.owner) == ("open", rep)
    assert deal.changes.filter(field="owner_id").exists()
    assert (owner(lead), Lead.objects.get(pk=lead.pk).outcome) == (rep, "")


def test_who_is_there_keeps_it_and_so_does_nobody():
    stays, rep = make_user(), make_user()
    make_routing(make_pool(rep))
    lead, free = ended("sql", stays), ended("sql", stays)
    holders.hold(assignments=[Assignment(free.pk, None)], cause=by())

    lifecycle.reopen(lead_ids=[lead.pk, free.pk], cause=by())

    assert (owner(lead), owner(free)) == (stays, None)
    assert not RoutingDecision.objects.exists()


def test_without_routing_rules_the_manager_of_the_team_gets_it_and_is_told():
    boss = make_user(Role.MANAGER)
    team = make_team(manager=boss)
    gone = make_user(team=team)
    lead = ended("sql", gone)
    leaves(gone)

    lifecycle.reopen(lead_ids=[lead.pk], cause=by())

    assert (owner(lead), why(lead)) == (boss, "Open again, and who held it has left")
    assert Notification.objects.get(user=boss).subject_id == lead.pk


def test_without_a_manager_the_head_of_sales_gets_it():
    head = make_user(Role.MANAGER)
    Company.objects.update(sales_head=head)
    gone = make_user()
    lead = ended("sql", gone)
    leaves(gone)

    lifecycle.reopen(lead_ids=[lead.pk], cause=by())

    assert owner(lead) == head


def test_a_merge_that_is_undone_brings_back_no_lead_of_who_has_left():
    gone, rep = make_user(), make_user()
    make_routing(make_pool(rep))
    survivor, loser = make_lead("sql", owner=rep), make_lead("sql", owner=gone)
    merged = merging.merge(survivor_id=survivor.pk, loser_ids=[loser.pk], cause=by())
    leaves(gone)

    unmerging.unmerge(merge_id=merged.keys[survivor.pk], cause=by())

    assert owner(loser) == rep


def test_history_that_is_open_again_is_left_alone():
    gone, rep = make_user(), make_user()
    make_routing(make_pool(rep))
    lead = ended("sql", gone)
    leaves(gone)

    lifecycle.reopen(lead_ids=[lead.pk], cause=Cause(CauseSource.IMPORT))

    assert owner(lead) == gone
