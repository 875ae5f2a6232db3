"""What stays unanswered after a breach changes hands: by a manager, or by itself where both heads signed."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from alignment.ops import versions
from alignment.ops.models import AuditEntry, Notification
from alignment.people.models import Company, Role, Side
from leads import lifecycle
from leads.lifecycle import database_now
from leads.models import Lead
from sla import handing_over, policies, signing
from sla.ladder import HANDED_OVER
from sla.models import Clock, ClockEvent, LadderSignature, PolicySet
from sla.rules import Rule, as_body
from sla.sweep import sweep
from tests.factories import make_lead, make_pool, make_routing, make_team, make_user
from tests.sla.stories import HOUR, cause, clock_of, kinds, promise

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    team = make_team(Side.SALES)
    team.manager = make_user(Role.MANAGER, team=team)
    team.save()
    return team


@pytest.fixture
def reps(team):
    return [make_user(Role.REP, team=team, name=name) for name in ("Ada", "Bo")]


@pytest.fixture
def heads():
    found = [make_user(Role.EXECUTIVE, name="Head of marketing"), make_user(Role.EXECUTIVE, name="Head of sales")]
    Company.objects.update(marketing_head=found[0], sales_head=found[1])
    return found


@pytest.fixture
def routed(reps, team):
    pool = make_pool(*reps, fallback=team.manager)
    make_routing(pool)
    return pool


def automatic(**more):
    [policy] = promise(Rule("Answered", hands_over=True, **more))
    return policy


def overdue(owner, hours=30):
    """The clock of a lead that has been overdue for so long, after a sweep."""
    clock = clock_of(make_lead(owner=owner, left=-hours * HOUR).pk)
    sweep()
    return clock


def holder(clock):
    return Lead.objects.get(pk=clock.lead_id).owner


class TestByAManager:
    def test_one_click_gives_it_to_somebody_else_and_the_due_time_stays(self, client, reps, team, routed):
        clock = overdue(reps[0])
        proposal = Notification.objects.get(user=team.manager, title__startswith="Hand over?")
        assert proposal.url == f"/clocks/{clock.pk}/"
        client.force_login(team.manager)
        assert "Hand it over" in client.get(proposal.url).content.decode()
        page = client.post(f"{proposal.url}hand-over/", follow=True).content.decode()
        assert "Bo has it now" in page
        assert "Hand it over" not in page
        assert (holder(clock), Clock.objects.get(pk=clock.pk).due_at) == (reps[1], clock.due_at)
        event = clock.events.get(rung=HANDED_OVER)
        assert (event.kind, event.actor, event.detail["holder"]) == (
            "handed_over", team.manager, [reps[0].pk, reps[1].pk],
        )  # fmt: skip
        assert AuditEntry.objects.filter(action="lead_handed_over", actor=team.manager).count() == 1

    def test_once_for_a_clock(self, reps, team, routed):
        clock = overdue(reps[0])
        handing_over.hand_over(clock_id=clock.pk, by=team.manager)
        with pytest.raises(ValidationError, match="already"):
            handing_over.hand_over(clock_id=clock.pk, by=team.manager)
        event = clock.events.get(rung=HANDED_OVER)
        with pytest.raises(IntegrityError, match="clock_rung_once"), transaction.atomic():
            ClockEvent.objects.create(
                clock=clock, kind=event.kind, at=event.at, recorded_at=event.recorded_at, rung=HANDED_OVER
            )

    def test_only_what_is_overdue_and_not_excused(self, reps, team, routed):
        fresh = clock_of(make_lead(owner=reps[0]).pk)
        with pytest.raises(ValidationError, match="not overdue"):
            handing_over.hand_over(clock_id=fresh.pk, by=team.manager)
        answered = overdue(reps[0])
        lifecycle.accept(lead_ids=[answered.lead_id], cause=cause())
        with pytest.raises(ValidationError, match="not overdue"):
            handing_over.hand_over(clock_id=answered.pk, by=team.manager)
        excused = overdue(reps[0])
        Clock.objects.filter(pk=excused.pk).update(excused_at=database_now())
        with pytest.raises(ValidationError, match="excused"):
            handing_over.hand_over(clock_id=excused.pk, by=team.manager)

    def test_where_nobody_else_is_left_it_goes_to_the_fallback(self, reps, team):
        make_routing(make_pool(reps[0], fallback=team.manager))
        clock = overdue(reps[0])
        assert handing_over.hand_over(clock_id=clock.pk, by=team.manager).to == team.manager

    def test_without_routing_rules_the_manager_chooses_by_hand(self, client, reps, team):
        clock = overdue(reps[0])
        client.force_login(team.manager)
        page = client.post(f"/clocks/{clock.pk}/hand-over/", follow=True).content.decode()
        assert "No routing rules are published yet." in page
        assert "Choose somebody" in page

    def test_a_rep_may_not(self, client, reps, routed):
        clock = overdue(reps[0])
        client.force_login(reps[0])
        assert client.post(f"/clocks/{clock.pk}/hand-over/").status_code == 403
        assert "Hand it over" not in client.get(f"/clocks/{clock.pk}/").content.decode()


class TestByItself:
    def sign(self, heads, version):
        for head in heads:
            signing.sign(version_id=version.pk, by=head)

    def test_only_when_both_heads_have_signed(self, reps, heads, routed):
        version = automatic().version
        clock = overdue(reps[0])
        assert handing_over.carry_out_due() == 0
        signing.sign(version_id=version.pk, by=heads[0])
        assert handing_over.carry_out_due() == 0
        signing.sign(version_id=version.pk, by=heads[1])
        assert [handing_over.carry_out_due(), handing_over.carry_out_due()] == [1, 0]
        assert holder(clock) == reps[1]
        assert kinds(clock.lead_id)[-1] == "handed_over"
        assert clock.events.get(rung=HANDED_OVER).actor is None

    def test_not_before_the_proposal_is_due(self, reps, heads, routed):
        self.sign(heads, automatic(propose_after=40).version)
        clock = overdue(reps[0], hours=3)
        assert (handing_over.carry_out_due(), holder(clock)) == (0, reps[0])

    def test_a_signature_taken_back_ends_it(self, reps, heads, routed):
        version = automatic().version
        self.sign(heads, version)
        signing.revoke(version_id=version.pk, by=heads[1])
        clock = overdue(reps[0])
        assert (handing_over.carry_out_due(), holder(clock)) == (0, reps[0])
        with pytest.raises(ValidationError, match="no signature of yours"):
            signing.revoke(version_id=version.pk, by=heads[1])
        signing.sign(version_id=version.pk, by=heads[1])
        assert handing_over.carry_out_due() == 1
        told = AuditEntry.objects.filter(subject_kind="policyset", action__startswith="ladder").order_by("id")
        assert list(told.values_list("action", flat=True)) == [
            "ladder_signed", "ladder_signed", "ladder_revoked", "ladder_signed",
        ]  # fmt: skip

    def test_a_new_version_needs_new_signatures(self, reps, heads, routed):
        self.sign(heads, automatic().version)
        automatic(target=24)
        clock = overdue(reps[0], hours=60)
        assert (handing_over.carry_out_due(), holder(clock)) == (0, reps[0])

    def test_a_rule_that_only_proposes_is_not_carried_out(self, reps, heads, routed):
        promise(Rule("By hand", target=48), Rule("By itself", target=48, hands_over=True))
        with_both = PolicySet.published("disposition")
        self.sign(heads, with_both)
        clock = overdue(reps[0])
        assert (handing_over.carry_out_due(), holder(clock)) == (0, reps[0])

    def test_hops_are_limited(self, reps, heads, routed):
        clock = overdue(reps[0])
        for number, kind in enumerate(("first_touch", "worked")):
            other = Clock.objects.create(
                policy=promise(Rule("Touched", target=1), kind=kind)[0], subject_kind=kind, subject_id=clock.lead_id,
                lead_id=clock.lead_id, pass_no=1, started_at=clock.started_at, due_at=clock.due_at,
            )  # fmt: skip
            now = database_now()
            ClockEvent.objects.create(
                clock=other, kind="handed_over", at=now, recorded_at=now, rung=HANDED_OVER, detail={"n": number}
            )
        with pytest.raises(ValidationError, match="changed hands 2 times"):
            handing_over.hand_over(clock_id=clock.pk, by=None)

    def test_a_rule_without_a_proposal_cannot_be_carried_out(self):
        draft = versions.begin(PolicySet, by=None, scope="disposition")
        body = as_body([Rule("Answered", hands_over=True, propose_after=0)])
        draft = versions.change(draft, body=body, by=None)
        with pytest.raises(ValidationError, match="after how many working hours"):
            policies.publish(draft=draft, by=None)


class TestSigning:
    def test_heads_sign_on_the_page_and_nobody_else(self, client, heads):
        version = automatic().version
        address = f"/setup/slas/versions/{version.pk}/sign/"
        client.force_login(make_user(Role.REVOPS))
        assert "does not count yet" in client.get("/setup/slas/").content.decode()
        assert client.post(address).status_code == 403
        for head in heads:
            client.force_login(head)
            assert "Sign it" in client.get("/setup/slas/").content.decode()
            client.post(address)
        page = client.get("/setup/slas/").content.decode()
        assert "both heads have signed it for this version" in page
        assert "Take my signature back" in page
        client.post(address, {"revoke": "1"})
        assert LadderSignature.objects.filter(revoked_at=None).count() == 1

    def test_only_what_counts_and_hands_over_by_itself(self, heads):
        [policy] = promise(Rule("By hand", target=48))
        with pytest.raises(ValidationError, match="hand over by themselves"):
            signing.sign(version_id=policy.version_id, by=heads[0])
        old = automatic().version
        automatic(target=24)
        with pytest.raises(ValidationError, match="Only rules that count"):
            signing.sign(version_id=old.pk, by=heads[0])

    def test_once_a_side(self, heads):
        version = automatic().version
        signing.sign(version_id=version.pk, by=heads[0])
        with pytest.raises(ValidationError, match="nothing left"):
            signing.sign(version_id=version.pk, by=heads[0])
