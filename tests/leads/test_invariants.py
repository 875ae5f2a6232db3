"""`manage.py verify` finds what is wrong, and `manage.py rebuild_journeys` makes right what moves decide."""

import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from alignment.lib.invariants import count_broken
from leads import holders, lifecycle, rebuild
from leads.deals import deals
from leads.drafts import DealDraft
from leads.holders import Assignment
from leads.invariants import INVARIANTS
from leads.milestones import Kind
from leads.models import Journey, Lead
from tests.factories import make_user
from tests.leads.stories import arrived, by, day, learn, rows, stage, step, to

pytestmark = pytest.mark.django_db

MOVES_STAY = "ALTER TABLE leads_leadtransition {} TRIGGER leads_leadtransition_append_only"


@pytest.fixture
def lead():
    """A lead with something of everything: two passes, a deal, a holder, an undo and a correction; beside it a lead
    of one move.
    """
    arrived(to("mgl", day(1)))
    lead_id, rep = arrived(to("mql", day(2)), step(Kind.RECYCLE, day(3)), step(Kind.REQUALIFY, day(5))), make_user()
    holders.hold(assignments=[Assignment(lead_id, rep.pk, day(5))], cause=by())
    learn(lead_id, step(Kind.ACCEPT, day(6)))
    lifecycle.undo(lead_id=lead_id, cause=by())
    [deal] = deals.open_deals(drafts=[DealDraft("Deal", "EUR", lead_id=lead_id, amount=Decimal(9))], cause=by())
    lifecycle.advance(
        lead_ids=[lead_id], to=stage("sqo"), cause=by(), opportunity_id=deal, override=True, note="Old customer"
    )
    learn(lead_id, step(Kind.LOSE, day(9)))
    lifecycle.correct(lead_id=lead_id, transition_id=rows(lead_id)[-1].pk, at=day(10), note="Misread", cause=by())
    return lead_id


BREAKS = {
    "A lead stands where its newest journey stands": "UPDATE leads_lead SET milestone = 3 WHERE milestone = 1",
    "The passes of a lead are numbered from 1, and the last of them is its newest": (
        "DELETE FROM leads_journey WHERE pass_no = 1 AND outcome = 'recycled'"
    ),
    "The moves of a lead are numbered from 1, without a gap, up to its last": (
        "UPDATE leads_leadtransition SET seq = 99 WHERE seq = 4"
    ),
    "Only the newest pass of a lead is open": (
        "UPDATE leads_journey SET outcome = '', closed_at = NULL, ended_at = NULL WHERE outcome = 'recycled'"
    ),
    "A lead was last moved when its newest move was recorded, or is stored with it": (
        "UPDATE leads_lead SET moved_at = clock_timestamp() + interval '1 day'"
    ),
    "An undo takes back an earlier row of the same lead, which is no undo": (
        "UPDATE leads_leadtransition SET reverts_id = (SELECT min(id) FROM leads_leadtransition) WHERE kind = 'undo'"
    ),
    "A correction is about an earlier row of the same lead, which is no undo and no correction": (
        "UPDATE leads_leadtransition SET corrects_id = id WHERE kind = 'correct'"
    ),
    "Every date of a journey is the date of a row that counts": (
        "UPDATE leads_journey SET accepted_at = (SELECT at FROM leads_leadtransition WHERE kind = 'accept') "
        "WHERE reached = 4"
    ),
    "The row that opens a pass, and no other, says what the pass froze": (
        "UPDATE leads_leadtransition SET entry = NULL WHERE kind = 'requalify'"
    ),
    "A rejection, a recycling, a won and a lost deal have a reason of their own list": (
        "UPDATE leads_leadtransition SET reason_id = (SELECT min(id) FROM leads_reason WHERE kind = 'reject') "
        "WHERE kind = 'lose'"
    ),
    "An override and a correction say why": "DELETE FROM leads_transitionnote",
    "The stages in use stand in the order of their milestones": "UPDATE leads_stage SET position = 5 WHERE key = 'sqo'",
    "Every milestone has a stage in use": "UPDATE leads_stage SET retired_at = now() WHERE key = 'sql'",
    "The owner and the team of a lead are those who hold it now": "UPDATE leads_lead SET owner_id = NULL",
    "Owner, team, first work and primacy of a journey are what holders, touches and deals say": (
        "UPDATE leads_journey SET is_primary = false"
    ),
    "A merged lead has no open pass, and went into a lead that stands": (
        "UPDATE leads_lead SET merged_into_id = (SELECT max(id) FROM leads_lead) WHERE outcome = ''"
    ),
    "A lead is merged into the lead that its newest merge kept, and into none without a merge": (
        "UPDATE leads_lead SET merged_into_id = (SELECT max(id) FROM leads_lead) WHERE outcome = ''"
    ),
    "A lead that was taken back has no journey, its newest move says so, and no system names it": (
        "UPDATE leads_lead SET withdrawn_at = now()"
    ),
    "No journey carries a deal that was taken back": "UPDATE leads_opportunity SET withdrawn_at = now()",
    "Who brought a deal is what was said last": "UPDATE leads_opportunity SET sourced_by = 'partner'",
    "A stage is what its published version says": "UPDATE leads_stage SET definition = 'Anything'",
    "A deal is as won, lost or open as its newest primary journey": (
        "UPDATE leads_opportunity SET state = 'open', closed_at = NULL, reason_id = NULL"
    ),
}


def test_nothing_is_wrong_with_what_the_verbs_write(lead):
    assert not any(count_broken(INVARIANTS).values())
    assert rebuild.rebuild(dry_run=True) == rebuild.Rebuilt(leads=2, differing=0)


@pytest.mark.parametrize("sentence", INVARIANTS)
def test_an_invariant_finds_what_breaks_it(sentence, lead):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(MOVES_STAY.format("DISABLE"))
        cursor.execute(BREAKS[sentence])
        assert cursor.rowcount > 0
        cursor.execute(MOVES_STAY.format("ENABLE"))
    assert count_broken(INVARIANTS)[sentence] > 0


class TestVerify:
    def test_it_names_what_is_wrong_and_fails(self, lead, capsys):
        Journey.objects.filter(reached=4).update(reached=3)
        with pytest.raises(CommandError) as failure:
            call_command("verify")
        assert failure.value.returncode == 1
        counts = {line[10:]: int(line[:8]) for line in capsys.readouterr().out.splitlines()}
        assert {sentence: rows for sentence, rows in counts.items() if rows} == {
            "A lead stands where its newest journey stands": 1,
            "Journeys and leads stand as their moves say": 1,
        }

    def test_it_prints_json_and_is_content(self, lead, capsys):
        call_command("verify", "--json")
        counts = json.loads(capsys.readouterr().out)
        assert set(counts.values()) == {0}
        assert set(INVARIANTS) < set(counts)


class TestRebuild:
    @pytest.mark.parametrize(
        "damage",
        [
            "UPDATE leads_journey SET reached = 1, mql_at = NULL WHERE outcome <> 'won'",
            "UPDATE leads_journey SET source_id = NULL, owner_id = NULL, worked_at = now(), is_primary = false",
            "DELETE FROM leads_journey",
            (
                "INSERT INTO leads_journey "
                "(lead_id, pass_no, reached, stage_id, outcome, ended_at, qualified_by, is_primary) "
                "SELECT lead_id, 7, 1, stage_id, 'recycled', now(), '', true FROM leads_journey WHERE pass_no = 2"
            ),
            "UPDATE leads_lead SET pass_no = 9, last_seq = 1, outcome = 'won', moved_at = now()",
        ],
    )
    def test_it_makes_again_what_was_damaged(self, damage, lead, capsys):
        before = state()
        with connection.cursor() as cursor:
            cursor.execute(damage)
            damaged = state()
            assert damaged != before
        call_command("rebuild_journeys", "--dry-run")
        assert state() == damaged
        call_command("rebuild_journeys")
        assert state() == before
        call_command("rebuild_journeys")
        said = capsys.readouterr().out.splitlines()
        assert said[0].replace("differ.", "differed and were written.") == said[1] != said[2]
        assert said[2] == "2 leads replayed; 0 differed and were written."

    def test_it_goes_through_all_leads_in_slices(self, lead, monkeypatch):
        monkeypatch.setattr(rebuild, "SLICE", 1)
        Journey.objects.update(reached=2, outcome="recycled", ended_at=day(1))
        assert rebuild.rebuild(dry_run=False) == rebuild.Rebuilt(leads=2, differing=2)
        assert rebuild.rebuild(dry_run=True) == rebuild.Rebuilt(leads=2, differing=0)


def state():
    """All journeys and what moves decide of leads; keys of journeys aside."""
    names = [field.attname for field in Journey._meta.concrete_fields if field.attname != "id"]
    return (
        list(Journey.objects.order_by("lead_id", "pass_no").values(*names)),
        list(Lead.objects.order_by("pk").values("stage_id", "milestone", "outcome", "pass_no", "last_seq")),
    )
