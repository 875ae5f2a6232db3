"""Random histories: after every step the rows are what the oracle says, and nothing is left to rebuild."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from alignment.lib.invariants import count_broken
from leads import intake, lifecycle, rebuild
from leads.causes import Cause
from leads.deals import deals
from leads.decisions import Step
from leads.drafts import DealDraft, Draft
from leads.invariants import INVARIANTS
from leads.milestones import CauseSource, Kind, Milestone
from leads.models import Journey, Lead, LeadTransition, NurtureTrack, Reason, Stage
from tests.leads.oracle import Ask, Place, Story, World

DAYS = [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=day) for day in range(20)]
BANT = frozenset({"budget", "authority", "need", "timeline"})
LEADS = 3
WORTH = {"amount": Decimal(9), "expected_close_on": date(2026, 6, 30)}

dates = st.sampled_from(DAYS)
maybe_dates = st.none() | dates
causes = st.builds(Cause, st.sampled_from([CauseSource.PAGE, CauseSource.API]), at=maybe_dates)
one_lead = st.integers(0, LEADS - 1)
qualifications = st.sampled_from(["", "score", "hand_raise", "manual"])


class Histories(RuleBasedStateMachine):
    """A few leads, and everything that may happen to them."""

    def __init__(self):
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()

    def teardown(self):
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    # What stands before anything happens ---------------------------------------------------------------------

    @initialize(
        separate_acceptance=st.booleans(),
        entries=st.lists(
            st.tuples(st.sampled_from(["mgl", "mql", "sql", "sqo"]), maybe_dates, qualifications),
            min_size=LEADS,
            max_size=LEADS,
        ),
    )
    def leads_come_in(self, separate_acceptance, entries):
        if separate_acceptance:
            Stage.objects.create(
                key="accepted", name="Accepted", milestone=Milestone.MQL, position=25, owning_side="sales"
            )
        self.stages = list(Stage.objects.all())
        self.tracks = [None, *NurtureTrack.objects.values_list("pk", flat=True)]
        self.reasons = dict(Reason.objects.values_list("pk", "kind"))
        self.joinable = self._open_deals(DealDraft("Large", "EUR", **WORTH), DealDraft("Vague", "EUR"))
        self.world = self._world()
        first_steps = [
            Ask("advance", stage=self._stage(key).pk, at=at, is_undated=at is None, qualified_by=how)
            for key, at, how in entries
        ]
        received = intake.receive(
            drafts=[Draft(name=f"Lead {n}", steps=(self._step(0, ask),)) for n, ask in enumerate(first_steps)],
            cause=Cause(CauseSource.IMPORT),
        )
        self.lead_ids = list(received.lead_ids)
        own = DealDraft("Its own", "EUR", lead_id=self.lead_ids[0], **WORTH)
        self.deals = [*self.joinable, *self._open_deals(own)]
        self.world.deals[self.deals[-1]] = Decimal(9)
        self.stories = {pk: Story(self.world) for pk in self.lead_ids}
        self._compare(received.moved, list(zip(self.lead_ids, first_steps, strict=True)))

    def _open_deals(self, *drafts):
        return deals.open_deals(drafts=drafts, cause=Cause(CauseSource.API))

    def _world(self):
        places = {
            stage.pk: Place(
                stage.pk,
                stage.milestone,
                stage.position,
                frozenset(stage.criteria.get("confirmations", ())),
                bool(stage.criteria.get("deal")),
            )
            for stage in self.stages
        }
        sales = [stage for stage in self.stages if stage.owning_side == "sales" and stage.position > 20]
        return World(
            places=places,
            accepted=places[sales[0].pk],
            qualified=places[self._stage("mql").pk],
            won=places[self._stage("won").pk],
            reasons=self.reasons,
            deals=dict(zip(self.joinable, (Decimal(9), None), strict=True)),
        )

    def _stage(self, key):
        return next(stage for stage in self.stages if stage.key == key)

    # The verbs -----------------------------------------------------------------------------------------------

    @rule(
        data=st.data(), cause=causes, qualified_by=qualifications, confirmations=st.sampled_from([BANT, frozenset()]),
        deal=st.integers(0, 3), note=st.sampled_from(["Known customer", ""]),
    )  # fmt: skip
    def advance(self, data, cause, qualified_by, confirmations, deal, note):
        to, deal = data.draw(st.sampled_from(self.stages)), [*self.deals, None][deal]
        override = data.draw(st.booleans())
        ask = Ask(
            "advance", stage=to.pk, qualified_by=qualified_by, confirmations=confirmations, deal=deal,
            override=override, note=note,
        )  # fmt: skip
        self._verb(
            lifecycle.advance, self._who(data, is_open=True), ask, cause, to=to, qualified_by=qualified_by,
            confirmations=confirmations, opportunity_id=deal, override=override, note=note,
        )  # fmt: skip

    @rule(data=st.data(), cause=causes)
    def accept(self, data, cause):
        self._verb(lifecycle.accept, self._who(data, is_open=True), Ask("accept"), cause)

    @rule(data=st.data(), cause=causes)
    def reject(self, data, cause):
        reason = self._reason(data, "reject")
        who = self._who(data, is_open=True)
        self._verb(lifecycle.reject, who, Ask("reject", reason=reason), cause, reason_id=reason)

    @rule(data=st.data(), cause=causes, revisit_on=st.none() | st.just(date(2026, 9, 1)))
    def recycle(self, data, cause, revisit_on):
        reason, track = self._reason(data, "recycle"), data.draw(st.sampled_from(self.tracks))
        ask = Ask("recycle", reason=reason, track=track, revisit_on=revisit_on)
        who = self._who(data, is_open=True)
        self._verb(lifecycle.recycle, who, ask, cause, reason_id=reason, track_id=track, revisit_on=revisit_on)

    @rule(data=st.data(), cause=causes, revisit_on=st.none() | st.just(date(2026, 9, 2)))
    def nurture(self, data, cause, revisit_on):
        track = data.draw(st.sampled_from(self.tracks))
        who = self._who(data, is_open=data.draw(st.booleans()))
        ask = Ask("nurture", track=track, revisit_on=revisit_on)
        self._verb(lifecycle.nurture, who, ask, cause, track_id=track, revisit_on=revisit_on)

    @rule(data=st.data(), cause=causes, qualified_by=qualifications)
    def requalify(self, data, cause, qualified_by):
        ask = Ask("requalify", qualified_by=qualified_by)
        who = self._who(data, is_open=False)
        self._verb(lifecycle.requalify, who, ask, cause, qualified_by=qualified_by)

    @rule(data=st.data(), cause=causes)
    def win(self, data, cause):
        self._verb(lifecycle.win, self._who(data, is_open=True), Ask("win"), cause)

    @rule(data=st.data(), cause=causes)
    def lose(self, data, cause):
        reason = self._reason(data, "lose")
        who = self._who(data, is_open=True)
        self._verb(lifecycle.lose, who, Ask("lose", reason=reason), cause, reason_id=reason)

    @rule(data=st.data(), cause=causes)
    def reopen(self, data, cause):
        self._verb(lifecycle.reopen, self._who(data, is_open=False), Ask("reopen"), cause)

    @rule(data=st.data(), cause=causes)
    def attach(self, data, cause):
        deal = data.draw(st.sampled_from(self.joinable))
        ask, who = Ask("attach", deal=deal), self._who(data, is_open=True)
        self._verb(lifecycle.attach, who, ask, cause, opportunity_id=deal)

    @rule(data=st.data(), cause=causes)
    def remap(self, data, cause):
        to = data.draw(st.sampled_from(self.stages))
        ask, who = Ask("map", stage=to.pk), self._who(data, is_open=True)
        self._verb(lifecycle.remap, who, ask, cause, to=to, note="The stage is no more")

    @rule(who=one_lead, cause=causes, data=st.data())
    def undo(self, who, cause, data):
        lead_id = self.lead_ids[who]
        seq = data.draw(st.sampled_from([None, None, self.stories[lead_id].standing()[-1].seq, 1]))
        moved = lifecycle.undo(lead_id=lead_id, transition_id=self._row(lead_id, seq), cause=cause)
        self._compare(moved, [(lead_id, Ask("undo", row=seq))], cause)

    @rule(who=one_lead, cause=causes, data=st.data(), at=maybe_dates)
    def correct(self, who, cause, data, at):
        lead_id = self.lead_ids[who]
        counted, events = self.stories[lead_id].counted(), self.stories[lead_id].events
        row = data.draw(st.sampled_from([*counted * 3, *events]))
        to = data.draw(st.sampled_from([*self.stages, None])) if row.kind == "advance" else None
        reason = self._reason(data, row.kind)
        note = data.draw(st.sampled_from(["Typed wrongly"] * 4 + [" "]))
        moved = lifecycle.correct(
            lead_id=lead_id, transition_id=self._row(lead_id, row.seq), at=at, note=note, cause=cause, to=to,
            reason_id=reason,
        )  # fmt: skip
        stage = to.pk if to else None
        ask = Ask("correct", row=row.seq, at=at, is_undated=at is None, note=note, stage=stage, reason=reason)
        self._compare(moved, [(lead_id, ask)], cause)

    # History and late evidence: stated dates, unknown dates, several steps a lead in one call ------------------

    @rule(data=st.data(), size=st.integers(1, 6), source=st.sampled_from([CauseSource.IMPORT, CauseSource.API]))
    def history_arrives(self, data, size, source):
        steps = [(self.lead_ids[data.draw(one_lead)], self._history(data, source)) for _ in range(size)]
        if source == CauseSource.API:
            steps = list(dict(steps).items())
        self._move(steps, Cause(source))

    def _history(self, data, source):
        kinds = ["advance", "accept", "reject", "recycle", "requalify", "win", "lose", "reopen", "attach", "undo"]
        kind = data.draw(st.sampled_from(["advance"] * 5 + kinds))
        at = data.draw(maybe_dates)
        return Ask(
            kind,
            at=at,
            is_undated=at is None and source == CauseSource.IMPORT,
            stage=data.draw(st.sampled_from(self.stages)).pk if kind == "advance" else None,
            reason=self._reason(data, kind),
            deal=data.draw(st.sampled_from(self.joinable)) if kind == "attach" else None,
        )

    # Asking both, and comparing ------------------------------------------------------------------------------

    def _who(self, data, *, is_open):
        """Some leads; mostly such as have an open pass, or none."""
        fitting = [pk for pk, story in self.stories.items() if (story.summaries()[-1]["outcome"] == "") == is_open]
        chosen = fitting if fitting and data.draw(st.integers(0, 4)) else self.lead_ids
        return data.draw(st.sets(st.sampled_from(chosen), min_size=1))

    def _reason(self, data, kind):
        fitting = [pk for pk, explains in self.reasons.items() if explains == kind][:2]
        others = [pk for pk, explains in self.reasons.items() if explains != kind][:1]
        return data.draw(st.sampled_from([*fitting * 3, *others, None])) if fitting else None

    def _row(self, lead_id, seq):
        return LeadTransition.objects.get(lead_id=lead_id, seq=seq).pk if seq else None

    def _step(self, lead_id, ask):
        return Step(
            lead_id, Kind(ask.kind), stage_id=ask.stage, at=ask.at, is_undated=ask.is_undated, reason_id=ask.reason,
            opportunity_id=ask.deal, qualified_by=ask.qualified_by,
        )  # fmt: skip

    def _verb(self, verb, who, ask, cause, **arguments):
        lead_ids = sorted(who)
        moved = verb(lead_ids=lead_ids, cause=cause, **arguments)
        self._compare(moved, [(lead_id, ask) for lead_id in lead_ids], cause)

    def _move(self, steps, cause):
        moved = lifecycle.move(steps=[self._step(lead_id, ask) for lead_id, ask in steps], cause=cause)
        self._compare(moved, steps, cause)

    def _compare(self, moved, asked, cause=None):
        """The oracle takes the same steps and refuses the same ones, for the same reason and with the same culprit."""
        is_judged = cause is not None and cause.source != CauseSource.IMPORT
        expected = []
        for lead_id, ask in asked:
            no = self.stories[lead_id].ask(ask, moved.recorded_at, cause.at if cause else None, is_judged)
            if no:
                expected.append((lead_id, no.code, no.first))
        refused = [(each.lead_id, each.code.value, each.standing and each.standing.seq) for each in moved.refused]
        assert refused == expected
        assert len(moved.taken) == len(asked) - len(expected)

    @invariant()
    def rows_are_what_the_oracle_says(self):
        connection.check_constraints()
        for lead_id, story in self.stories.items():
            summaries = story.summaries()
            assert journeys(lead_id) == summaries
            assert transitions(lead_id) == [told(event) for event in story.events]
            lead = Lead.objects.get(pk=lead_id)
            last = summaries[-1]
            assert (lead.stage_id, lead.milestone, lead.outcome, lead.pass_no, lead.last_seq) == (
                last["stage"], last["reached"], last["outcome"], len(summaries), len(story.events),
            )  # fmt: skip

    @invariant()
    def nothing_is_wrong_and_nothing_differs(self):
        assert {sentence: rows for sentence, rows in count_broken(INVARIANTS).items() if rows} == {}
        assert rebuild.rebuild(dry_run=True).differing == 0


def journeys(lead_id):
    """The journey rows of a lead, told as the oracle tells a pass."""
    rows = Journey.objects.filter(lead_id=lead_id).order_by("pass_no")
    assert [row.pass_no for row in rows] == list(range(1, len(rows) + 1))
    names = (
        "mgl_at", "mql_at", "sql_at", "sqo_at", "won_at", "accepted_at", "closed_at", "reached", "outcome",
        "qualified_by", "revisit_on",
    )  # fmt: skip
    keys = ("stage", "reason", "track", "opportunity")
    return [
        {name: getattr(row, name) for name in names} | {name: getattr(row, f"{name}_id") for name in keys}
        for row in rows
    ]


def transitions(lead_id):
    """The rows of a lead, told as the oracle tells an event."""
    rows = list(LeadTransition.objects.filter(lead_id=lead_id).order_by("seq"))
    seqs = {row.pk: row.seq for row in rows}
    return [
        (
            row.seq, row.pass_no, row.kind, row.to_stage_id, row.from_stage_id, row.at, row.reason_id,
            seqs.get(row.reverts_id or row.corrects_id), row.opportunity_id, row.is_override,
        )
        for row in rows
    ]  # fmt: skip


def told(event):
    return (
        event.seq, event.chapter, event.kind, event.place and event.place.id, event.came_from, event.at, event.reason,
        event.names, event.ask.deal, event.ask.override,
    )  # fmt: skip


@pytest.mark.django_db
def test_random_histories_agree_with_the_oracle():
    run_state_machine_as_test(Histories)
