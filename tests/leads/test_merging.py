"""Merging: leads go into one, nothing is lost, and for a day it can be undone."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alignment.lib.invariants import count_broken
from alignment.ops.models import AuditEntry
from leads import activities, editing, finding, lifecycle, rebuild, searching
from leads.activities import Activity
from leads.decisions import Code as MoveCode
from leads.drafts import Draft, Reference
from leads.intake import receive
from leads.invariants import INVARIANTS
from leads.merging import merging
from leads.merging.merging import Code, Merging, keeper, merge, merge_all
from leads.merging.unmerging import NotUndoneError, unmerge
from leads.milestones import Kind, Milestone
from leads.models import HolderInterval, Lead, Merge, OpportunityContact
from leads.stages.stages import Stages
from sla.models import Clock
from tests.factories import make_deal, make_lead, make_user
from tests.leads.stories import HISTORY, arrive, arrived, by, codes, day, journey, rows, step, to, where

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def everything_is_true_afterwards():
    yield
    assert {sentence: rows for sentence, rows in count_broken(INVARIANTS).items() if rows} == {}
    assert rebuild.rebuild(dry_run=True).differing == 0


def facts(lead_id, *names):
    return Lead.objects.values_list(*names).get(pk=lead_id)


def refusal(merged):
    [refused] = merged.refused
    assert not Merge.objects.filter(undone_at=None, survivor=refused.survivor_id).exists()
    return refused


class TestMerge:
    def test_the_loser_is_a_tombstone_and_its_open_pass_ends_as_merged(self):
        survivor, loser = arrive(leads=2)
        merged = merge(survivor_id=survivor, loser_ids=[loser], cause=by())
        assert merged.losers == {survivor: (loser,)}
        assert not merged.refused
        assert facts(loser, "merged_into") == (survivor,)
        assert where(loser) == ("mql", "merged")
        assert where(survivor) == ("mql", "")
        assert [row.kind for row in rows(loser)] == [Kind.ADVANCE, Kind.MERGE]
        assert list(Lead.objects.standing().values_list("pk", flat=True)) == [survivor]

    def test_a_pass_that_had_ended_stays_as_it_was(self):
        survivor, loser = arrived(), arrived(to("mql", day(2)), step(Kind.REJECT, day(3)))
        merge(survivor_id=survivor, loser_ids=[loser], cause=by())
        assert [row.kind for row in rows(loser)] == [Kind.ADVANCE, Kind.REJECT]
        assert journey(loser).outcome == "rejected"

    def test_several_go_into_one(self):
        survivor, *losers = arrive(leads=4)
        merge(survivor_id=survivor, loser_ids=losers, cause=by())
        assert set(Lead.objects.filter(merged_into=survivor).values_list("pk", flat=True)) == set(losers)

    def test_blanks_are_filled_and_what_is_filled_stays(self):
        survivor = arrived(name="Ana", phone="", title="CEO")
        first, second = arrived(name="A.", phone="1", title="CTO"), arrived(name="B.", phone="2", seniority="director")
        merge(survivor_id=survivor, loser_ids=[first, second], cause=by())
        assert facts(survivor, "name", "phone", "title", "seniority") == ("Ana", "1", "CEO", "director")

    def test_each_field_can_be_chosen(self):
        rep = make_user()
        survivor = arrived(name="Ana", email="old@buyer.example", company_name="Buyer", owner_id=make_user().pk)
        loser = arrived(name="Ana Souza", email="new@acme.example", company_name="Acme", owner_id=rep.pk)
        choices = {"name": loser, "email": loser, "company": loser, "owner": loser}
        merge(survivor_id=survivor, loser_ids=[loser], choices=choices, cause=by())
        lead, gone = Lead.objects.get(pk=survivor), Lead.objects.get(pk=loser)
        assert (lead.name, lead.email_key, lead.email_domain) == ("Ana Souza", "new@acme.example", "acme.example")
        assert (lead.company_name, lead.account_id) == ("Acme", gone.account_id)
        assert lead.owner == rep
        assert HolderInterval.objects.get(lead=survivor, held__upper_inf=True).why == "Merged leads"

    def test_who_must_not_be_contacted_by_one_record_must_not_by_the_other(self):
        survivor, loser = arrived(consent="granted"), arrived(consent="withdrawn", do_not_contact=True)
        merge(survivor_id=survivor, loser_ids=[loser], cause=by())
        assert facts(survivor, "consent", "do_not_contact") == ("withdrawn", True)

    def test_the_clock_is_cancelled_and_never_escalates(self):
        survivor = make_lead(left=timedelta(hours=1)).pk
        loser = make_lead(left=timedelta(hours=2)).pk
        merge(survivor_id=survivor, loser_ids=[loser], cause=by())
        assert Clock.objects.values_list("cancelled_why", "next_at").get(lead=loser) == ("merged", None)
        assert Clock.objects.get(lead=survivor).cancelled_at is None

    def test_the_survivor_is_in_the_buying_groups_of_the_others(self):
        survivor, loser = arrived(), arrived(to("mql", day(2)), step(Kind.RECYCLE, day(3)))
        make_deal(other := arrived(to("sql", day(2))))
        deal = OpportunityContact.objects.get(lead=other).opportunity_id
        OpportunityContact.objects.create(opportunity_id=deal, lead_id=loser, role="Champion")
        merged = merge(survivor_id=survivor, loser_ids=[loser], cause=by())
        added = OpportunityContact.objects.get(lead=survivor)
        assert (added.opportunity_id, added.role, added.is_primary) == (deal, "Champion", False)
        unmerge(merge_id=merged.keys[survivor], cause=by())
        assert not OpportunityContact.objects.filter(lead=survivor).exists()
        assert OpportunityContact.objects.filter(lead=loser).exists()

    def test_it_is_in_the_audit_log(self):
        rep = make_user()
        survivor, loser = arrive(leads=2)
        merged = merge(survivor_id=survivor, loser_ids=[loser], cause=by(rep.pk))
        unmerge(merge_id=merged.keys[survivor], cause=by(rep.pk))
        entries = AuditEntry.objects.filter(subject_kind="lead", subject_id=loser, actor=rep)
        assert [each.action for each in entries.order_by("pk")] == ["lead_merged", "merge_undone"]

    def test_queries_do_not_depend_on_the_number_of_leads(self):
        def queries(count):
            mergings = []
            for _ in range(count):
                survivor, *losers = arrive(leads=1 + count, owner_id=make_user().pk)
                mergings.append(Merging(survivor, tuple(losers), {"name": losers[0], "owner": losers[0]}))
            with CaptureQueriesContext(
                connection,
            ) as captured:
                assert len(merge_all(mergings=mergings, cause=by()).losers) == count
            return len(captured)

        assert queries(1) == queries(4) <= 60


class TestRefusals:
    def test_a_lead_is_not_merged_into_itself(self):
        lead = arrived()
        assert refusal(merge(survivor_id=lead, loser_ids=[lead], cause=by())).code == Code.ITSELF

    def test_nor_one_that_was_merged_already(self):
        survivor, loser, other = arrive(leads=3)
        merge(survivor_id=survivor, loser_ids=[loser], cause=by())
        refused = merge(survivor_id=other, loser_ids=[loser], cause=by()).refused[0]
        assert (refused.code, refused.lead_id, refused.into_id) == (Code.MERGED, loser, survivor)
        refused = merge(survivor_id=loser, loser_ids=[other], cause=by()).refused[0]
        assert (refused.code, refused.lead_id, refused.into_id) == (Code.MERGED, loser, survivor)

    def test_nor_one_that_nobody_knows(self):
        lead = arrived()
        assert refusal(merge(survivor_id=lead, loser_ids=[10**9], cause=by())).code == Code.UNKNOWN

    @pytest.mark.parametrize("choices", [{"name": 10**9}, {"shoe_size": None}])
    def test_nor_with_a_choice_that_is_none(self, choices):
        survivor, loser = arrive(leads=2)
        choices = {name: giver or loser for name, giver in choices.items()}
        merged = merge(survivor_id=survivor, loser_ids=[loser], choices=choices, cause=by())
        assert refusal(merged).code == Code.CHOICE

    def test_nobody_who_is_further_or_waits_longer_is_lost(self):
        mgl, closed = arrived(to("mgl", day(1))), arrived(to("mql", day(2)), step(Kind.REJECT, day(3)))
        early, late, accepted = (arrived(to(*each)) for each in (("mql", day(2)), ("mql", day(3)), ("sql", day(5))))
        for survivor, loser in [(mgl, late), (closed, mgl), (late, early), (early, accepted)]:
            assert refusal(merge(survivor_id=survivor, loser_ids=[loser], cause=by())).code == Code.FURTHER
        everyone = [mgl, closed, early, late, accepted]
        assert merging.ranked(everyone) == [accepted, early, late, mgl, closed]
        assert not merge(survivor_id=keeper(everyone), loser_ids=everyone[:-1], cause=by()).refused

    def test_no_open_deal_is_lost(self):
        one, other = arrived(to("sql", day(2))), arrived(to("sql", day(3)))
        make_deal(other)
        assert keeper([one, other]) == other
        assert refusal(merge(survivor_id=one, loser_ids=[other], cause=by())).code == Code.FURTHER
        make_deal(one)
        assert refusal(merge(survivor_id=one, loser_ids=[other], cause=by())).code == Code.DEAL

    def test_one_that_is_refused_does_not_stop_the_others(self):
        one, two, three, four = arrive(leads=4)
        merged = merge_all(mergings=[Merging(one, (two,)), Merging(two, (three,)), Merging(three, (four,))], cause=by())
        assert merged.losers == {one: (two,), three: (four,)}
        assert [(each.code, each.lead_id) for each in merged.refused] == [(Code.TWICE, two)]


class TestAfterwards:
    def test_a_chain_is_flat(self):
        first, second, third = arrive(leads=3)
        merge(survivor_id=second, loser_ids=[first], cause=by())
        later = merge(survivor_id=third, loser_ids=[second], cause=by())
        assert facts(first, "merged_into") == facts(second, "merged_into") == (third,)
        unmerge(merge_id=later.keys[third], cause=by())
        assert facts(first, "merged_into") == (second,)
        assert facts(second, "merged_into") == (None,)

    def test_who_comes_again_by_the_old_address_or_id_is_the_survivor(self):
        draft = Draft(
            name="Ana", email="ana@old.example", references=(Reference("crm", "1"),), steps=(to("mql", day(3)),)
        )
        [loser] = receive(drafts=[draft], cause=HISTORY).lead_ids
        survivor = arrived(email="ana@new.example")
        merge(survivor_id=survivor, loser_ids=[loser], cause=by())
        by_email = Draft(name="Ana", email="Ana@old.example", phone="1")
        assert receive(drafts=[draft, by_email], cause=HISTORY).lead_ids == (survivor, survivor)
        assert facts(survivor, "phone", "email") == ("1", "ana@new.example")
        assert facts(loser, "phone") == ("",)

    def test_who_has_an_address_as_its_own_comes_before_a_tombstone(self):
        survivor, loser = arrived(), arrived(email="ana@old.example")
        merge(survivor_id=survivor, loser_ids=[loser], cause=by())
        other = arrived()
        editing.edit(lead_id=other, changes={"email": "ana@old.example"}, cause=by())
        assert receive(drafts=[Draft(email="ana@old.example")], cause=HISTORY).lead_ids == (other,)

    def test_the_search_finds_the_survivor_by_what_the_others_were_called(self):
        survivor, loser = arrived(name="Ana Souza"), arrived(name="Mrs Almeida", email="almeida@old.example")
        merged = merge(survivor_id=survivor, loser_ids=[loser], cause=by())
        editing.edit(lead_id=survivor, changes={"title": "CEO"}, cause=by())
        assert searching.candidates("almeida") == [survivor]
        for words in ("almeida", "almeida@old.example", str(loser)):
            assert [found.pk for found in finding.find_leads(words, limit=5)] == [survivor]
        unmerge(merge_id=merged.keys[survivor], cause=by())
        assert searching.candidates("almeida") == [loser]

    def test_a_tombstone_does_not_move(self):
        survivor, loser = arrive(leads=2)
        merge(survivor_id=survivor, loser_ids=[loser], cause=by())
        for moved in (
            lifecycle.accept(lead_ids=[loser], cause=by()),
            lifecycle.undo(lead_id=loser, cause=by()),
            lifecycle.requalify(lead_ids=[loser], cause=by()),
        ):
            assert codes(moved) == [MoveCode.UNKNOWN_LEAD]


class TestUnmerge:
    def test_everything_is_as_it_was(self):
        rep = make_user()
        survivor = make_lead(left=timedelta(hours=1), name="Ana", phone="", do_not_contact=False)
        loser = make_lead(left=timedelta(hours=2), name="Ana Souza", phone="1", owner=rep, do_not_contact=True)
        ids = [survivor.pk, loser.pk]
        names = [each.attname for each in Lead._meta.concrete_fields if each.name not in ("moved_at", "last_seq")]
        before = list(Lead.objects.filter(pk__in=ids).order_by("pk").values(*names))
        due, look = Clock.objects.values_list("due_at", "next_at").get(lead=loser)
        choices = {"name": loser.pk, "email": loser.pk}
        merged = merge(survivor_id=survivor.pk, loser_ids=[loser.pk], choices=choices, cause=by())
        unmerged = unmerge(merge_id=merged.keys[survivor.pk], cause=by(rep.pk))
        assert (unmerged.lead_ids, unmerged.kept) == ((loser.pk,), ())
        assert list(Lead.objects.filter(pk__in=ids).order_by("pk").values(*names)) == before
        clock = Clock.objects.get(lead=loser)
        assert (clock.due_at, clock.cancelled_at, clock.stopped_at, clock.next_at) == (due, None, None, look)
        assert Merge.objects.values_list("undone_by", flat=True).get() == rep.pk

    def test_what_was_changed_since_stays(self):
        survivor, loser = arrived(name="Ana", phone=""), arrived(name="A.", phone="1", title="CEO")
        merged = merge(survivor_id=survivor, loser_ids=[loser], cause=by())
        editing.edit(lead_id=survivor, changes={"phone": "2"}, cause=by())
        activities.log(lead_id=survivor, activity=Activity.EMAILED, cause=by())
        assert unmerge(merge_id=merged.keys[survivor], cause=by()).kept == ("phone",)
        assert facts(survivor, "phone", "title") == ("2", "")

    def test_only_once_and_only_for_a_day(self):
        survivor, loser = arrive(leads=2)
        key = merge(survivor_id=survivor, loser_ids=[loser], cause=by()).keys[survivor]
        Merge.objects.filter(pk=key).update(at=Merge.objects.get().at - timedelta(hours=24, seconds=1))
        with pytest.raises(NotUndoneError, match="24 hours"):
            unmerge(merge_id=key, cause=by())
        Merge.objects.filter(pk=key).update(at=Merge.objects.get().at + timedelta(hours=1))
        unmerge(merge_id=key, cause=by())
        with pytest.raises(NotUndoneError, match="undone already"):
            unmerge(merge_id=key, cause=by())

    def test_of_a_chain_the_last_merge_first(self):
        first, second, third = arrive(leads=3)
        key = merge(survivor_id=second, loser_ids=[first], cause=by()).keys[second]
        merge(survivor_id=third, loser_ids=[second], cause=by())
        with pytest.raises(NotUndoneError, match=f"into lead {third}"):
            unmerge(merge_id=key, cause=by())

    def test_not_while_somebody_else_has_the_address(self):
        survivor, loser = arrived(), arrived(name="Ana", email="ana@old.example")
        key = merge(survivor_id=survivor, loser_ids=[loser], cause=by()).keys[survivor]
        other = arrived()
        editing.edit(lead_id=other, changes={"email": "ana@old.example"}, cause=by())
        with pytest.raises(NotUndoneError, match=f"lead {other} has got the address"):
            unmerge(merge_id=key, cause=by())

    def test_it_can_be_merged_again(self):
        survivor, loser = arrive(leads=2)
        for _ in range(2):
            key = merge(survivor_id=survivor, loser_ids=[loser], cause=by()).keys[survivor]
            unmerge(merge_id=key, cause=by())
        assert [row.kind for row in rows(loser)] == [Kind.ADVANCE, *[Kind.MERGE, Kind.UNDO] * 2]
        assert facts(loser, "milestone", "outcome") == (Milestone.MQL, "")

    def test_a_lead_that_sales_has_got_meanwhile_stays_in_somebodys_hands(self):
        rep = make_user()
        known, twin = make_lead("mgl", name="Ana"), make_lead("mgl", name="Ana Souza", phone="1", owner=rep)
        key = merge(survivor_id=known.pk, loser_ids=[twin.pk], cause=by()).keys[known.pk]
        lifecycle.advance(lead_ids=[known.pk], to=Stages.load().first(Milestone.MQL), cause=by())

        undone = unmerge(merge_id=key, cause=by())
        assert facts(known.pk, "owner", "phone") == (rep.pk, "")
        assert undone.kept == ("owner_id",)
