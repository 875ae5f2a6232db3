"""Routing in the browser: rules in versions, pools, why a lead went to whom, the ledger, and somebody who leaves."""

import csv
import io
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from alignment.ops.models import AuditEntry
from alignment.people.models import Role, User
from leads.models import HolderInterval, Lead, Opportunity, OpportunityChange, Pool, RoutingDecision, RoutingVersion
from leads.models.route import How
from tests.factories import make_absence, make_lead, make_pool, make_routing, make_user, routing_rule
from tests.leads.test_routing import come_in, draft
from tests.pages import rows_of

pytestmark = pytest.mark.django_db


def text(response):
    return re.sub(r"\s+", " ", response.content.decode())


def shown(response):
    """The words of a page, without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


@pytest.fixture
def admin(client):
    admin = make_user(Role.REVOPS, name="Tomas Novak")
    client.force_login(admin)
    return admin


# Rules ----------------------------------------------------------------------------------------------------------


def condition(field, operator, value):
    return {
        "when-match": "all", "when-rows": "1", "when-groups": "0", "when-0-field": field, "when-0-group": "0",
        "when-0-operator": operator, "when-0-value": value,
    }  # fmt: skip


def test_rules_are_written_tried_and_published(client, admin):
    rep, chief = make_user(name="Ada Okafor"), make_user(name="Ben Costa")
    pool, chiefs = make_pool(rep, name="Everybody"), make_pool(chief, name="Seniors")
    [old] = come_in(draft(1, title="Chief of staff"))
    client.post(reverse("setup_routing_begin"))
    rule = {"name": "Chiefs", "to": f"pool:{chiefs.pk}", "language": "", "revision": "1"}
    page = client.post(reverse("setup_routing_rule_new"), rule | condition("title", "contains", "chief"), follow=True)
    assert "1. Chiefs . If the title contains chief, it goes to Seniors" in shown(page)

    revision = RoutingVersion.draft().revision
    tried = client.get(reverse("setup_routing_dry_run"), follow=True)
    assert "Say which pool gets the leads that no rule is about." in shown(tried)
    client.post(reverse("setup_routing_draft"), {"attach": "on", "otherwise": pool.pk, "revision": revision})
    tried = shown(client.get(reverse("setup_routing_dry_run")))
    assert re.search(r"Ben Costa .*? 0 1 \+1", tried)
    assert "1. Chiefs 1" in tried
    file = client.get(reverse("setup_routing_dry_run"), {"format": "csv"})
    assert ["Ben Costa", chief.team.name, "0", "1", "1"] in [row[:5] for row in rows_of(file)]
    old.refresh_from_db()
    assert old.owner is None

    published = client.post(
        reverse("setup_routing_publish"),
        {"revision": RoutingVersion.draft().revision, "note": "Chiefs to seniors"},
        follow=True,
    )
    assert "Version 1 counts from now on." in shown(published)
    assert "If the title contains chief, it goes to Seniors" in shown(published)
    [lead] = come_in(draft(2, title="Chief of staff"))
    assert lead.owner == chief


def test_a_rule_that_is_wrong_stays_on_the_page_with_a_sentence(client, admin):
    pool = make_pool()
    client.post(reverse("setup_routing_begin"))
    given = {"name": "Chiefs", "to": f"pool:{pool.pk}", "language": ""}
    refused = client.post(reverse("setup_routing_rule_new"), given | condition("title", "contains", ""))
    assert refused.status_code == 422
    assert "Job title: say what to look for." in shown(refused)
    assert 'value="Chiefs"' in text(refused)
    for wrong, sentence in (
        ({"name": ""}, "This field is required."),
        ({"to": "pool:999999"}, "Select a valid choice"),
    ):
        assert sentence in shown(
            client.post(reverse("setup_routing_rule_new"), given | condition("title", "contains", "chief") | wrong)
        )
    more = {"edit": "when:add:0", "when-new-0": "industry"} | condition("title", "contains", "chief")
    added = client.post(reverse("setup_routing_rule_new"), given | more)
    assert 'value="industry"' in text(added)
    assert not RoutingVersion.draft().body["rules"]


def test_two_people_who_edit_a_draft_do_not_overwrite_each_other(client, admin):
    pool = make_pool()
    make_routing(pool, *(routing_rule(name, "title", name, operator="contains", pool=pool) for name in ("A", "B", "C")))
    client.post(reverse("setup_routing_begin"))

    def names():
        return [rule["name"] for rule in RoutingVersion.draft().body["rules"]]

    def move(at, to, revision):
        return shown(
            client.post(reverse("setup_routing_rule_move", args=[at]), {"to": to, "revision": revision}, follow=True)
        )

    move(0, "down", 1)
    assert names() == ["B", "A", "C"]
    assert "Meanwhile this draft was changed by Tomas Novak" in move(0, "out", 1)
    assert names() == ["B", "A", "C"]
    move(2, "up", 2)
    move(0, "out", 3)
    assert names() == ["C", "A"]


def test_a_rule_that_came_too_late_stays_on_the_page(client, admin):
    pool = make_pool()
    client.post(reverse("setup_routing_begin"))
    given = {"name": "Chiefs", "to": f"pool:{pool.pk}", "language": "", "revision": "1"}
    given |= condition("title", "contains", "chief")
    client.post(reverse("setup_routing_draft"), {"otherwise": pool.pk, "revision": "1"})

    late = client.post(reverse("setup_routing_rule_new"), given)

    assert "Meanwhile this draft was changed by Tomas Novak" in shown(late)
    assert 'value="Chiefs"' in text(late)
    assert 'name="revision" value="2"' in text(late)
    assert not RoutingVersion.draft().body["rules"]


def test_a_form_of_an_earlier_draft_does_not_write_over_the_next_one(client, admin):
    pool = make_pool()
    client.post(reverse("setup_routing_begin"))
    earlier = RoutingVersion.draft()
    given = {"otherwise": pool.pk, "version": earlier.pk, "revision": earlier.revision}
    client.post(reverse("setup_routing_discard"), given)
    client.post(reverse("setup_routing_begin"))

    answer = client.post(reverse("setup_routing_draft"), given, follow=True)

    assert "Meanwhile this draft was changed" in shown(answer)
    assert RoutingVersion.draft().revision == 1


def test_a_draft_that_moved_on_is_not_discarded_unseen(client, admin):
    pool = make_pool()
    client.post(reverse("setup_routing_begin"))
    client.post(reverse("setup_routing_draft"), {"otherwise": pool.pk, "revision": "1"})

    answer = client.post(reverse("setup_routing_discard"), {"revision": "1"}, follow=True)

    assert "Meanwhile the draft was changed. Look at it again." in shown(answer)
    assert RoutingVersion.draft()


def test_a_version_is_restored_as_a_draft(client, admin):
    pool = make_pool()
    first = make_routing(pool, routing_rule("Old", "title", "Old", operator="contains", pool=pool))
    make_routing(pool)
    client.post(reverse("setup_routing_restore", args=[first.pk]))
    assert RoutingVersion.draft().body == first.body
    client.post(reverse("setup_routing_discard"), {"revision": RoutingVersion.draft().revision})
    assert RoutingVersion.draft() is None
    assert "There is no draft any more." in shown(client.get(reverse("setup_routing_draft"), follow=True))


def test_everybody_reads_the_rules_and_only_revops_changes_them(client):
    make_routing(make_pool(name="Everybody"))
    client.force_login(make_user())
    page = shown(client.get(reverse("setup_routing")))
    assert "Every lead goes to Everybody" in page
    assert "Change the rules" not in page
    assert client.post(reverse("setup_routing_begin")).status_code == 403


def test_the_page_of_the_rules_costs_the_same_for_more(client, admin, django_assert_max_num_queries):
    pools = [make_pool() for _ in range(4)]
    make_routing(
        pools[0], *(routing_rule(f"R{n}", "title", "x", operator="contains", pool=pool) for n, pool in enumerate(pools))
    )
    with django_assert_max_num_queries(12):
        client.get(reverse("setup_routing"))


# Pools ----------------------------------------------------------------------------------------------------------


def test_a_pool_says_who_is_passed_over_though_it_is_their_turn(client, admin):
    here, away, gone, resting = (make_user(name=name) for name in ("Here Rep", "Away Rep", "Gone Rep", "Resting Rep"))
    pool = make_pool(here, away, gone, resting)
    until = make_absence(away).last_on
    User.objects.filter(pk=gone.pk).update(is_active=False)
    User.objects.filter(pk=resting.pk).update(weight=0)

    said = shown(client.get(reverse("setup_pool", args=[pool.pk])))
    assert f"Away Rep Away until {until:%-d %b}" in said
    assert "Gone Rep Left" in said
    assert "Resting Rep Takes none" in said
    assert "Here Rep 100 %" in said


def test_a_pool_is_made_changed_and_retired(client, admin):
    rep, other, boss = make_user(), make_user(), make_user(Role.MANAGER)
    facts = {"name": "Team", "fallback": boss.pk, "after_hours": "next", "members": [rep.pk]}
    client.post(reverse("setup_pool_new"), facts)
    pool = Pool.objects.get()
    assert (pool.name, pool.fallback, pool.after_hours) == ("Team", boss, "next")
    client.post(reverse("setup_pool", args=[pool.pk]), facts | {"members": [rep.pk, other.pk]})
    assert set(pool.members.filter(left_at=None).values_list("user_id", flat=True)) == {rep.pk, other.pk}
    for wrong, sentence in (
        ({"members": []}, "A pool needs at least one member."),
        ({"name": "TEAM"}, "A pool of this name exists."),
        ({"fallback": ""}, "This field is required."),
    ):
        assert sentence in shown(client.post(reverse("setup_pool_new"), facts | wrong))
    make_routing(pool)
    refused = client.post(reverse("setup_pool_retire", args=[pool.pk]), follow=True)
    assert "The published rules send leads to this pool." in shown(refused)


# Why ------------------------------------------------------------------------------------------------------------


def test_the_lead_page_says_why_and_why_not_the_others(client):
    chosen, away = make_user(name="Ada Okafor"), make_user(name="Ben Costa")
    make_absence(away)
    pool = make_pool(chosen, away, name="Chiefs")
    make_routing(pool, routing_rule("Chiefs", "title", "chief", operator="contains", pool=pool))
    [lead] = come_in(draft(title="Chief"))
    client.force_login(chosen)

    page = shown(client.get(reverse("lead", args=[lead.pk])))
    assert "Why you" in page
    assert "Ada Okafor was next in the pool Chiefs." in page
    assert "Rule 1, Chiefs" in page
    assert "Ben Costa was away until" in page
    assert "Ada Okafor was next in the pool Chiefs." in shown(client.get(reverse("queue"), {"lead": lead.pk}))

    whole = shown(client.get(reverse("lead_routing", args=[lead.pk])))
    assert "if the title contains chief" in whole
    assert "Version 1 of the rules" in whole


def test_a_lead_is_routed_anew_with_a_reason(client):
    rep, holder = make_user(), make_user()
    lead = make_lead(owner=holder)
    address = reverse("lead_routing", args=[lead.pk])
    client.force_login(rep)
    assert client.post(address, {"why": "Mine"}).status_code == 403
    client.force_login(make_user(Role.MANAGER))
    assert "No routing rules are published yet." in shown(client.post(address, {"why": "Wrong region"}))
    make_routing(make_pool(rep))
    assert "Say why" in shown(client.post(address, {"why": ""}))
    client.post(address, {"why": "Wrong region"})
    assert Lead.objects.get(pk=lead.pk).owner == rep
    assert HolderInterval.objects.get(lead=lead, held__upper_inf=True).why == "Wrong region"


# The ledger -----------------------------------------------------------------------------------------------------


def test_the_ledger_shows_a_rep_their_own_row_alone(client, django_assert_max_num_queries):
    ada, ben = make_user(name="Ada Okafor"), make_user(name="Ben Costa")
    make_routing(make_pool(ada, ben))
    come_in(*(draft(number) for number in range(5)))
    client.force_login(ada)
    own = shown(client.get(reverse("routing_ledger")))
    assert "Ada Okafor 3" in own
    assert "Ben Costa" not in own
    client.force_login(make_user(Role.MANAGER))
    with django_assert_max_num_queries(10):
        page = shown(client.get(reverse("routing_ledger"), {"days": 7, "pool": Pool.objects.get().pk}))
    assert re.search(r"Ada Okafor 3 \d+ [\d–]+ 3 2.5", page)
    assert re.search(r"Ben Costa 2 \d+ [\d–]+ 2 2.5", page)
    for role in (Role.MARKETER, Role.EXECUTIVE):
        client.force_login(make_user(role))
        assert client.get(reverse("routing_ledger")).status_code == 403


def test_the_ledger_as_a_file_has_the_same_rows(client):
    ada, ben = make_user(name="=Ada"), make_user(name="Ben Costa")
    make_routing(make_pool(ada, ben))
    come_in(*(draft(number) for number in range(5)))

    def rows(user):
        client.force_login(user)
        response = client.get(reverse("routing_ledger"), {"days": 7, "format": "csv"})
        return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))

    assert [(row["Who"], row["Leads"]) for row in rows(ben)] == [("Ben Costa", "2")]
    found = rows(make_user(Role.MANAGER))
    assert [(row["Who"], row["Leads"], row["Fair share"]) for row in found] == [
        ("'=Ada", "3", "2.5"), ("Ben Costa", "2", "2.5"),
    ]  # fmt: skip
    assert AuditEntry.objects.filter(action="exported", subject_kind="routing_ledger").count() == 2
    client.force_login(make_user(Role.MARKETER))
    assert client.get(reverse("routing_ledger"), {"format": "csv"}).status_code == 403


def test_a_fair_share_is_one_of_each_pool(client):
    ada, ben, cleo = (make_user(name=name) for name in ("Ada Okafor", "Ben Costa", "Cleo Silva"))
    chiefs = make_pool(ada)
    make_routing(make_pool(ben, cleo), routing_rule("Chiefs", "title", "chief", operator="contains", pool=chiefs))
    come_in(*(draft(number, title="Chief" if number % 2 else "Buyer") for number in range(8)))
    client.force_login(make_user(Role.MANAGER))
    page = shown(client.get(reverse("routing_ledger")))
    assert re.search(r"Ada Okafor 4 \d+ [\d–]+ 4 4.0", page)
    assert re.search(r"Ben Costa 2 \d+ [\d–]+ 2 2.0", page)


# Leaving --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_rules", [True, False])
def test_when_somebody_leaves_all_open_leads_move_in_one_step(client, admin, by_rules):
    leaver, rep = make_user(), make_user()
    leads = [make_lead(stage, owner=leaver).pk for stage in ("mql", "sql", "sqo")]
    won = make_lead("won", owner=leaver)
    carried = Opportunity.objects.get(contacts__lead=leads[2])
    alone = Opportunity.objects.create(name="Self-sourced", currency="EUR", created_at=timezone.now())
    Opportunity.objects.filter(pk__in=[carried.pk, alone.pk]).update(owner=leaver)
    pool = make_pool(leaver, rep)
    make_routing(pool)
    address = reverse("setup_person_leave", args=[leaver.pk])
    assert "3 open leads" in shown(client.get(address))

    client.post(address, {"to": "" if by_rules else rep.pk, "why": "Left the company"})

    assert set(Lead.objects.filter(pk__in=leads).values_list("owner_id", flat=True)) == {rep.pk}
    assert Lead.objects.get(pk=won.pk).owner == leaver
    assert not User.objects.get(pk=leaver.pk).is_active
    carried.refresh_from_db()
    alone.refresh_from_db()
    assert (carried.owner, alone.owner) == (rep, pool.fallback if by_rules else rep)
    assert OpportunityChange.objects.filter(field="owner_id", old=leaver.pk).count() == 2
    assert RoutingDecision.objects.filter(how=How.POOL).count() == (3 if by_rules else 0)


def test_who_cannot_be_spared_keeps_leads_and_access(client, admin):
    leaver = make_user()
    lead = make_lead(owner=leaver)
    make_routing(make_pool(fallback=leaver))
    refused = client.post(reverse("setup_person_leave", args=[leaver.pk]), {"to": "", "why": "Left"})
    assert "They are the fallback of the pool" in shown(refused)
    assert Lead.objects.get(pk=lead.pk).owner == leaver
    assert User.objects.get(pk=leaver.pk).is_active


def test_a_draft_of_somebody_is_not_replaced_by_an_earlier_version(client, admin):
    pool = make_pool()
    first = make_routing(pool)
    client.post(reverse("setup_routing_begin"))
    client.post(reverse("setup_routing_draft"), {"otherwise": pool.pk, "revision": "1"})

    kept = client.post(reverse("setup_routing_restore", args=[first.pk]), follow=True)

    assert "A draft by Tomas Novak stands already: publish or discard it first." in shown(kept)
    assert RoutingVersion.draft().revision == 2
