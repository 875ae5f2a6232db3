"""Clean data: who may be known twice, what the facts lack, and how many there are."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alignment.people.accounts import change_company
from alignment.people.models import Company
from leads import activities, editing, lifecycle, withdrawing
from leads.activities import Activity
from leads.drafts import Draft
from leads.hygiene import duplicates, findings, scanning
from leads.intake import receive
from leads.merging import merging
from leads.merging.merging import merge
from leads.merging.unmerging import unmerge
from leads.models import DuplicatePair, Lead, LeadKeys, WeeklyCount
from leads.tasks import keep_clean
from tests.connections import at_once
from tests.factories import make_lead, make_user
from tests.leads.stories import HISTORY, arrived, by, day, to

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_germany():
    change_company(changes={"phone_region": "DE"})


def looked_at(**facts):
    """A new lead that the scan has seen."""
    lead_id = arrived(**facts)
    scanning.scan()
    return lead_id


def pairs(**only):
    return {(pair.first_id, pair.second_id) for pair in duplicates.to_decide().filter(**only)}


def found():
    return {
        key: set(each.leads(timezone.now()).values_list("pk", flat=True)) for key, each in findings.FINDINGS.items()
    }


class TestDuplicates:
    def test_by_the_same_phone_number_and_name_it_is_exact(self):
        one = looked_at(name="Ana Souza", phone="+49 30 1234567")
        other = looked_at(name="Souza, Ana", phone="030/1234567")
        assert pairs(is_exact=True) == {(one, other)}
        assert duplicates.evidence_of(DuplicatePair.objects.get()).sentence == "Same phone number, same name"

    def test_by_the_same_mailbox_it_is_exact(self):
        one = looked_at(name="", email="ana@acme.example")
        other = looked_at(name="Ana Souza", email="ana+fair@acme.example")
        assert pairs(is_exact=True) == {(one, other)}

    def test_colleagues_behind_one_switchboard_are_two_people(self):
        looked_at(name="Ana Souza", phone="030 1234567", company_name="Acme")
        looked_at(name="Bo Lindqvist", phone="030 1234567", company_name="Acme")
        assert not pairs()

    def test_by_a_name_that_is_alike_in_the_same_company_it_is_likely(self):
        one = looked_at(name="Ana Souza", email="ana.souza@acme.example", company_name="Acme")
        other = looked_at(name="Anna Souza", email="asouza@acme.example", company_name="Acme")
        looked_at(name="Ana Souza", email="ana.souza@globex.example", company_name="Globex")
        looked_at(name="Bo Lindqvist", email="bo@acme.example", company_name="Acme")
        assert pairs(is_exact=False) == pairs() == {(one, other)}
        assert "same account" in duplicates.evidence_of(DuplicatePair.objects.get()).sentence

    def test_by_a_company_that_is_alike_it_is_likely_too(self):
        one = looked_at(name="Ana Souza", email="ana@gmail.com", company_name="Northwind Traders")
        other = looked_at(name="Ana Souza", email="ana@northwind.example", company_name="Northwind Trading GmbH")
        assert pairs(is_exact=False) == {(one, other)}

    def test_it_follows_the_facts(self):
        looked_at(name="Ana Souza", phone="030 1234567")
        other = looked_at(name="Ana Souza", phone="030 7654321")
        editing.edit(lead_id=other, changes={"phone": "030 1234567"}, cause=by())
        assert scanning.scan() == 1
        assert len(pairs(is_exact=True)) == 1
        editing.edit(lead_id=other, changes={"phone": ""}, cause=by())
        scanning.scan()
        assert not pairs()

    def test_what_was_dismissed_is_not_found_again(self):
        rep = make_user()
        one = looked_at(name="Ana Souza", phone="030 1234567")
        other = looked_at(name="Ana Souza", phone="030 1234567")
        assert duplicates.dismiss(pairs=[(other, one)], by_id=rep.pk) == 1
        assert duplicates.dismiss(pairs=[(one, other)], by_id=make_user().pk) == 0
        editing.edit(lead_id=other, changes={"title": "CEO"}, cause=by())
        scanning.scan()
        assert not pairs()
        assert DuplicatePair.objects.get().dismissed_by == rep

    def test_tombstones_are_nobodys_duplicates(self):
        facts = {"name": "Ana Souza", "phone": "030 1234567"}
        one, two, three = looked_at(**facts), looked_at(**facts), looked_at(**facts)
        assert pairs() == {(one, two), (one, three), (two, three)}
        key = merge(survivor_id=one, loser_ids=[two], cause=by()).keys[one]
        scanning.scan()
        assert pairs() == {(one, three)}
        withdrawing.withdraw(lead_ids=[three], cause=by(), note="By mistake")
        assert not pairs()
        unmerge(merge_id=key, cause=by())
        scanning.scan()
        assert pairs() == {(one, two)}

    def test_a_draft_is_asked_about_before_it_is_stored(self):
        one = looked_at(name="Ana Souza", phone="030 1234567", email="ana@acme.example", company_name="Acme")
        two = looked_at(name="Anna Souza", email="anna@acme.example", company_name="Acme")
        [(exact, why), (likely, _)] = duplicates.of_draft(
            Draft(name="Ana Souza", phone="0049 30 1234567", email="a@acme.example")
        )
        assert ([exact.pk, likely.pk], why.is_exact) == ([one, two], True)
        assert not duplicates.of_draft(Draft(name="Bo", email="bo@acme.example"))
        assert not LeadKeys.objects.filter(is_stale=True).exists()

    def test_queries_do_not_depend_on_the_number_of_leads(self):
        def queries(count):
            drafts = [Draft(name=f"Ana Souza {n}", company_name="Acme", phone="030 1234567") for n in range(count)]
            receive(drafts=drafts, cause=HISTORY)
            with CaptureQueriesContext(connection) as captured:
                assert scanning.scan() == count
            return len(captured)

        assert queries(2) == queries(30) <= 12

    def test_leads_are_grouped_by_chains_of_pairs(self):
        assert duplicates.components([(1, 2), (3, 4), (2, 5), (6, 7), (7, 3)]) == [{1, 2, 5}, {3, 4, 6, 7}]


class TestScan:
    def test_looks_at_each_lead_once_and_only_at_those_that_stand(self):
        one, other = arrived(), arrived()
        merging.merge(survivor_id=one, loser_ids=[other], cause=by())
        assert scanning.catch_up() == 1
        assert scanning.scan() == 0
        assert set(LeadKeys.objects.values_list("lead_id", "is_stale")) == {(one, False)}

    def test_goes_on_slice_by_slice(self, monkeypatch):
        monkeypatch.setattr(scanning, "SLICE", 2)
        for _ in range(5):
            arrived()
        assert [scanning.scan(limit=2) for _ in range(4)] == [2, 2, 1, 0]


class TestFindings:
    def test_what_the_facts_lack(self):
        clean = arrived(
            name="Ana", email="ana@acme.example", company_name="Acme", phone="+49 30 1234567", source="Web",
            consent="granted",
        )  # fmt: skip
        blank = arrived(name="", email="", company_name="")
        free = arrived(name="Bo", email="bo@gmail.com", company_name="Acme", source="Web", consent="withdrawn")
        wrong = arrived(name="Cy", email="cy at acme", phone="ask", company_name="Acme", source="Web")
        scanning.catch_up()
        seen = found()
        assert seen["no_name"] == seen["no_company"] == seen["no_source"] == {blank}
        assert seen["no_reach"] == {blank, wrong}
        assert seen["free_mail"] == {free}
        assert seen["bad_email"] == seen["bad_phone"] == {wrong}
        assert not any(clean in leads for leads in seen.values())

    def test_whose_consent_nobody_knows(self):
        asked, unknown = arrived(consent="granted"), arrived()
        arrived(email="")
        scanning.catch_up()
        assert asked not in found()["no_consent"]
        assert found()["no_consent"] == {unknown}

    def test_what_nothing_happened_to(self):
        stale, worked, mgl, closed = arrived(), arrived(), arrived(to("mgl", day(1))), arrived()
        lifecycle.recycle(lead_ids=[closed], cause=by())
        Lead.objects.update(moved_at=timezone.now() - timedelta(days=61))
        make_lead()
        activities.log(lead_id=worked, activity=Activity.NO_ANSWER, cause=by())
        assert found()["stale"] == {stale}
        assert mgl not in found()["stale"]

    def test_which_dates_cannot_both_be_true(self):
        wrong = arrived(to("mql", day(5)), to("sql", day(3)))
        arrived(to("mql", day(3)), to("sql", day(3)))
        assert found()["contradictions"] == {wrong}

    def test_number_and_list_are_the_same(self):
        arrived(name="", email="", company_name="")
        arrived(to("mql", day(5)), to("sql", day(3)), email="cy at acme")
        scanning.catch_up()
        at = timezone.now()
        counts = findings.count_all(at)
        assert {key: each.leads(at).count() for key, each in findings.FINDINGS.items()} == {
            key: count for key, count in counts.items() if key in findings.FINDINGS
        }
        assert sum(counts.values()) > 5

    def test_every_count_is_one_query_on_an_index_of_its_own(self):
        with CaptureQueriesContext(connection) as captured:
            findings.count_all(timezone.now())
        assert len(captured) == len(findings.FINDINGS) + len(findings.PAIRS)


class TestByWeek:
    def test_the_last_counts_of_a_week_stay(self):
        now = timezone.now()
        company = Company.get()
        findings.remember(counts={"stale": 9}, at=now - timedelta(weeks=1))
        findings.remember(counts={"stale": 7}, at=now - timedelta(minutes=1))
        findings.remember(counts={"stale": 5}, at=now)
        weeks, counts = findings.by_week(company, now)
        assert len(weeks) == len(counts["stale"]) == findings.WEEKS
        assert counts["stale"][-2:] == [9, 5]
        assert counts["no_name"] == [None] * findings.WEEKS

    def test_once_an_hour(self):
        arrived(name="", email="x")
        keep_clean()
        assert WeeklyCount.objects.get(finding="no_name").count == 1
        arrived(name="", email="x")
        keep_clean()
        assert WeeklyCount.objects.get(finding="no_name").count == 1
        later = timezone.now() + timedelta(hours=1)
        assert findings.remember_if_due(later)
        assert WeeklyCount.objects.filter(finding="no_name", count=2).exists()


@pytest.mark.django_db(transaction=True)
def test_leads_that_come_in_while_others_are_looked_at_are_all_seen():
    change_company(changes={"phone_region": "DE"})
    drafts = [
        [Draft(name=f"Ana {chr(97 + n)}{chr(97 + n)}{chr(97 + n)}", phone=f"030 12345{n:02}") for n in range(20)]
        for _ in range(2)
    ]
    at_once(*(partial(receive, drafts=each, cause=HISTORY) for each in drafts), scanning.catch_up, scanning.catch_up)
    scanning.catch_up()
    assert not LeadKeys.objects.filter(is_stale=True).exists()
    assert len(pairs(is_exact=True)) == 20
