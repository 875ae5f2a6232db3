"""Leads that should never have come in: gone from everything that counts, and none of their rows is."""

import pytest

from alignment.lib.invariants import count_broken
from leads import editing, lifecycle, rebuild, withdrawing
from leads.decisions import Code
from leads.drafts import Draft, Reference
from leads.intake import receive
from leads.invariants import INVARIANTS
from leads.milestones import Kind
from leads.models import ExternalReference, Journey, Lead
from tests.factories import make_user
from tests.leads.stories import HISTORY, arrive, arrived, by, day, rows, step, to

pytestmark = pytest.mark.django_db


def withdraw(*lead_ids: int) -> lifecycle.Moved:
    return withdrawing.withdraw(lead_ids=lead_ids, cause=by(), note="By mistake")


class TestWithdraw:
    def test_it_leaves_lists_and_figures_and_keeps_its_rows(self):
        lead = arrived(to("mql", day(2)), step(Kind.RECYCLE, day(3)), step(Kind.REQUALIFY, day(5)))
        withdraw(lead)
        assert not Lead.objects.standing().exists()
        assert not Journey.objects.exists()
        assert [row.kind for row in rows(lead)] == [Kind.ADVANCE, Kind.RECYCLE, Kind.REQUALIFY, Kind.WITHDRAW]
        assert rows(lead)[-1].note.text == "By mistake"

    def test_replay_and_invariants_agree(self):
        arrive(leads=3)
        withdraw(arrived(to("mql", day(2)), step(Kind.WIN, day(3))))
        assert not any(count_broken(INVARIANTS).values())
        assert rebuild.rebuild(dry_run=True) == rebuild.Rebuilt(leads=4, differing=0)

    def test_rebuilding_takes_stray_journeys_away_again(self):
        lead = arrived()
        stray = Journey.objects.get()
        withdraw(lead)
        stray.save(force_insert=True)
        assert rebuild.rebuild(dry_run=False).differing == 1
        assert not Journey.objects.exists()

    def test_it_does_not_move_any_more(self):
        lead = arrived()
        withdraw(lead)
        moved = lifecycle.accept(lead_ids=[lead], cause=by())
        assert [(each.code, each.message) for each in moved.refused] == [
            (Code.UNKNOWN_LEAD, "This lead does not exist, was merged or was taken back.")
        ]
        assert len(withdraw(lead).refused) == 1

    def test_its_address_and_its_ids_are_free(self):
        draft = Draft(name="Ada", email="ada@buyer.example", references=(Reference("crm", "1"),), steps=(to("mgl"),))
        [first] = receive(drafts=[draft], cause=HISTORY).lead_ids
        withdraw(first)
        received = receive(drafts=[draft], cause=HISTORY)
        [second] = received.created
        assert second != first
        assert ExternalReference.objects.get(released_at=None).lead_id == second
        assert receive(drafts=[draft], cause=HISTORY).lead_ids == (second,)


class TestRestore:
    def test_what_is_as_it_was_left_goes_back(self):
        lead = arrived(title="CEO")
        assert withdrawing.restore(changes={lead: {"title": ("CTO", "CEO")}}, cause=by()) == {}
        assert Lead.objects.get().title == "CTO"

    def test_what_somebody_changed_since_stays_and_is_named(self):
        lead = arrived(title="CEO", phone="1")
        editing.edit(lead_id=lead, changes={"title": "CFO"}, cause=by())
        kept = withdrawing.restore(changes={lead: {"title": ("", "CEO"), "phone": ("", "1")}}, cause=by())
        assert kept == {lead: ["title"]}
        assert Lead.objects.values_list("title", "phone").get() == ("CFO", "")

    def test_an_address_goes_back_as_a_whole_and_only_if_it_is_free(self):
        lead, other = arrived(email="new@buyer.example"), arrived(email="old@buyer.example")
        changes = {
            "email": ("old@buyer.example", "new@buyer.example"),
            "email_key": ("old@buyer.example", "new@buyer.example"),
        }
        assert withdrawing.restore(changes={lead: changes}, cause=by()) == {lead: ["email", "email_key"]}
        withdraw(other)
        assert withdrawing.restore(changes={lead: changes}, cause=by()) == {}
        assert Lead.objects.standing().get().email_key == "old@buyer.example"

    def test_who_held_it_holds_it_again(self):
        rep = make_user()
        lead = arrived()
        assert withdrawing.restore(changes={lead: {"owner_id": (rep.pk, None)}}, cause=by()) == {}
        assert Lead.objects.get().owner == rep
        assert not any(count_broken(INVARIANTS).values())
