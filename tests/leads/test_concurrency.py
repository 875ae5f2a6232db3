"""Two people at once, on two real connections."""

from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction
from psycopg2.extras import DateTimeTZRange

from alignment.lib.invariants import count_broken
from leads import editing, holders, intake, lifecycle
from leads.decisions import Code
from leads.drafts import Draft, Reference, TouchDraft
from leads.holders import Assignment
from leads.invariants import INVARIANTS
from leads.merging import merging, unmerging
from leads.milestones import Kind, Outcome
from leads.models import HolderInterval, Lead, LeadTransition, Touchpoint
from leads.rebuild import rebuild
from tests.connections import at_once
from tests.factories import make_user
from tests.leads.stories import HISTORY, arrive, arrived, by, codes, day, reason, rows, standing, to, where

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 5


def test_of_two_reps_who_accept_one_wins_and_the_other_is_told_who_was_first():
    reps = [make_user(), make_user()]
    for lead in arrive(leads=ROUNDS):
        answers = at_once(*(partial(lifecycle.accept, lead_ids=[lead], cause=by(rep.pk)) for rep in reps))
        assert [row.kind for row in rows(lead)] == [Kind.ADVANCE, Kind.ACCEPT]
        [second] = [moved for moved in answers if moved.refused]
        assert codes(second) == [Code.ALREADY]
        assert standing(second) == [rows(lead)[-1]]
        assert rows(lead)[-1].actor_id != second.cause.actor_id


def test_a_lead_never_gets_a_holder_beside_another_one_who_is_just_being_written():
    lead, ana, bruno = arrived(), make_user(), make_user()

    def written(user, held):
        try:
            with transaction.atomic():
                HolderInterval.objects.create(lead_id=lead, user=user, held=held)
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(0.5)")
        except IntegrityError as refusal:
            return refusal.__cause__.diag.constraint_name
        return ""

    names = at_once(
        partial(written, ana, DateTimeTZRange(day(3), None)),
        partial(written, bruno, DateTimeTZRange(day(4), day(5))),
    )

    assert sorted(names) == ["", "holder_never_beside"]
    assert HolderInterval.objects.count() == 1


def test_an_acceptance_and_a_rejection_never_both_count():
    for lead in arrive(leads=ROUNDS):
        accepted, rejected = at_once(
            partial(lifecycle.accept, lead_ids=[lead], cause=by()),
            partial(lifecycle.reject, lead_ids=[lead], reason_id=reason("reject"), cause=by()),
        )
        # A rejection may follow an acceptance; nobody accepts what was rejected.
        assert where(lead)[1] == Outcome.REJECTED
        assert codes(rejected) == []
        assert codes(accepted) in ([], [Code.CONFLICT])


def test_overlapping_sets_in_opposite_order_do_not_wait_for_each_other_in_a_ring():
    leads, rep = arrive(leads=60), make_user()
    answers = at_once(
        partial(lifecycle.accept, lead_ids=leads, cause=by()),
        partial(lifecycle.accept, lead_ids=leads[::-1], cause=by()),
        partial(holders.hold, assignments=[Assignment(pk, rep.pk) for pk in leads[::-1]], cause=by()),
    )
    assert sum(len(moved.taken) for moved in answers[:2]) == len(leads)
    assert LeadTransition.objects.filter(kind=Kind.ACCEPT).count() == len(leads)
    assert HolderInterval.objects.count() == len(leads)
    assert rebuild(dry_run=True).differing == 0


def test_two_hand_overs_at_once_leave_one_holder():
    reps = [make_user(), make_user()]
    for lead in arrive(leads=ROUNDS):
        at_once(*(partial(holders.hold, assignments=[Assignment(lead, rep.pk)], cause=by()) for rep in reps))
        [held] = HolderInterval.objects.filter(lead_id=lead, held__upper_inf=True)
        assert Lead.objects.get(pk=lead).owner_id == held.user_id


def test_two_undos_of_the_same_move_take_back_one():
    for lead in arrive(leads=ROUNDS):
        lifecycle.accept(lead_ids=[lead], cause=by())
        row = rows(lead)[-1].pk
        answers = at_once(*[partial(lifecycle.undo, lead_id=lead, transition_id=row, cause=by())] * 2)
        assert sorted(len(moved.taken) for moved in answers) == [0, 1]
        assert [each.kind for each in rows(lead)] == [Kind.ADVANCE, Kind.ACCEPT, Kind.UNDO]


@pytest.mark.parametrize("key", [{"email": "eve@buyer.example"}, {"references": (Reference("crm", "7"),)}])
def test_the_same_person_who_arrives_twice_at_once_is_one_lead(key):
    drafts = [Draft(name=f"Other {n}", email=f"other{n}@buyer.example") for n in range(20)] + [Draft(name="Eve", **key)]
    one, two = at_once(
        partial(intake.receive, drafts=drafts, cause=by()), partial(intake.receive, drafts=drafts[::-1], cause=by())
    )
    assert sorted(one.lead_ids) == sorted(two.lead_ids)
    assert Lead.objects.count() == len(drafts)
    assert LeadTransition.objects.count() == len(drafts)


def test_of_two_leads_that_get_the_same_address_at_once_one_is_told_who_has_it():
    def rename(lead):
        try:
            return editing.edit(lead_id=lead, changes={"email": "eve@buyer.example"}, cause=by())
        except editing.EmailTakenError as error:
            return error.lead

    for _ in range(ROUNDS):
        leads = arrive(leads=2)
        first, second = at_once(*(partial(rename, lead) for lead in leads))
        assert first.pk == second.pk
        editing.edit(lead_id=first.pk, changes={"email": ""}, cause=by())


def test_a_lead_is_not_rebuilt_while_it_moves():
    leads = arrive(leads=40)
    _, rebuilt, _ = at_once(
        partial(lifecycle.accept, lead_ids=leads, cause=by()),
        partial(rebuild, dry_run=True),
        arrived,
    )
    assert rebuilt.differing == 0


def test_a_lead_that_is_merged_while_it_is_accepted_is_one_or_the_other():
    for survivor, loser in zip(arrive(to("sql", day(2)), leads=ROUNDS), arrive(leads=ROUNDS), strict=True):
        merged, moved = at_once(
            partial(merging.merge, survivor_id=survivor, loser_ids=[loser], cause=by()),
            partial(lifecycle.accept, lead_ids=[loser], cause=by()),
        )
        kinds = [row.kind for row in rows(loser)]
        if moved.taken:  # accepted first, and merged from there
            assert kinds == [Kind.ADVANCE, Kind.ACCEPT, Kind.MERGE]
        else:
            assert (codes(moved), kinds) == ([Code.UNKNOWN_LEAD], [Kind.ADVANCE, Kind.MERGE])
        assert not merged.refused
        assert where(loser)[1] == Outcome.MERGED
    assert_all_is_true()


def test_what_an_import_brings_while_its_leads_are_merged_arrives_at_the_survivors():
    for number in range(ROUNDS):
        survivors, losers = arrive(leads=10), arrive(leads=10)
        emails = dict(Lead.objects.filter(pk__in=losers).values_list("pk", "email"))
        drafts = [
            Draft(email=emails[pk], phone=str(number), touches=(TouchDraft("Visit"),), steps=(to("sql", day(4)),))
            for pk in losers
        ]
        received, *_ = at_once(
            partial(intake.receive, drafts=drafts, cause=HISTORY),
            *(
                partial(merging.merge, survivor_id=survivor, loser_ids=[loser], cause=by())
                for survivor, loser in zip(survivors, losers, strict=True)
            ),
        )
        assert not received.created
        assert not received.moved.refused
        for survivor, loser, landed in zip(survivors, losers, received.lead_ids, strict=True):
            assert landed in (survivor, loser)
            assert (Lead.objects.get(pk=landed).phone, where(landed)[0]) == (str(number), "sql")
    assert Touchpoint.objects.count() == 10 * ROUNDS
    assert_all_is_true()


def test_of_two_merges_in_opposite_directions_one_is_refused():
    for _ in range(ROUNDS):
        one, other = arrive(leads=2)
        answers = at_once(
            partial(merging.merge, survivor_id=one, loser_ids=[other], cause=by()),
            partial(merging.merge, survivor_id=other, loser_ids=[one], cause=by()),
        )
        assert sorted(len(each.losers) for each in answers) == [0, 1]
    assert_all_is_true()


def test_of_two_undos_of_a_merge_one_is_refused():
    def undo():
        try:
            return unmerging.unmerge(merge_id=key, cause=by())
        except unmerging.NotUndoneError as error:
            return str(error)

    one, other = arrive(leads=2)
    key = merging.merge(survivor_id=one, loser_ids=[other], cause=by()).keys[one]
    assert "This merge was undone already." in at_once(undo, undo)
    assert_all_is_true()


def assert_all_is_true():
    assert not any(count_broken(INVARIANTS).values())
    assert rebuild(dry_run=True).differing == 0
