"""Who may do what: the rules that hang on role, side and holder, and the sentence of a refusal."""

from dataclasses import dataclass

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied

from alignment.people.models import Company, Role, Side, User
from alignment.people.permissions import POLICY, action_of, can, policy, require, why_not
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@dataclass
class Held:
    """Stands for a lead: what the rules read of one."""

    owner: User | None = None

    @property
    def owner_id(self) -> int | None:
        return self.owner and self.owner.pk


@dataclass
class Move:
    """Stands for a transition."""

    actor: User

    @property
    def actor_id(self) -> int:
        return self.actor.pk


def roles_that_may(action: str) -> set[str]:
    return {role for role in Role if can(make_user(role), action)}


def test_everyone_reads_every_lead_and_figure():
    for action in ("lead.view", "queue.view", "funnel.view", "export", "notification.view", "account.self", "api.read"):
        assert roles_that_may(action) == set(Role)


def test_an_executive_changes_nothing_but_their_own_account():
    executive = make_user(Role.EXECUTIVE)
    may = {action for action, rule in POLICY.items() if not rule.open and can(executive, action)}

    # Beside reading: their own work and views, what a head signs, and breaking ties.
    writes = {action for action in may if not action.endswith((".view", ".read"))}
    assert writes == {
        "account.self", "agreement.sign", "bulk.undo", "dispute.answer", "dispute.decide", "export", "job.steer",
        "promise.sign", "reasons.sign", "stages.sign", "view.edit", "view.save",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("action", "roles"),
    [
        ("lead.qualify", {Role.MARKETER, Role.MANAGER, Role.REVOPS}),
        ("lead.touch", {Role.MARKETER, Role.REP, Role.MANAGER, Role.REVOPS}),
        ("lead.assign", {Role.MANAGER, Role.REVOPS}),
        ("lead.override", {Role.MANAGER, Role.REVOPS}),
        ("lead.correct", {Role.REVOPS}),
        ("people.manage", {Role.REVOPS}),
        ("company.manage", {Role.REVOPS}),
    ],
)
def test_roles(action, roles):
    assert roles_that_may(action) == roles


@pytest.mark.parametrize("action", ["lead.dispose", "lead.advance"])
def test_the_answer_of_sales_is_the_holders(action):
    holder, other_rep = make_user(Role.REP), make_user(Role.REP)
    lead = Held(holder)

    assert can(holder, action, lead)
    assert not can(other_rep, action, lead)
    assert not can(make_user(Role.MARKETER), action, lead)
    assert can(make_user(Role.MANAGER), action, lead)
    assert not can(make_user(Role.MANAGER, Side.MARKETING), action, lead)
    assert can(make_user(Role.REVOPS), action, lead)


def test_any_sales_rep_may_answer_a_lead_that_nobody_holds():
    assert can(make_user(Role.REP), "lead.dispose", Held())
    assert not can(make_user(Role.REP, Side.MARKETING), "lead.dispose", Held())
    assert not can(make_user(Role.REP), "lead.advance", Held())


def test_who_made_a_move_may_undo_it():
    mover = make_user(Role.REP)

    assert can(mover, "lead.undo", Move(mover))
    assert not can(make_user(Role.REP), "lead.undo", Move(mover))
    assert can(make_user(Role.MANAGER, Side.MARKETING), "lead.undo", Move(mover))


def test_strangers_and_a_closed_account_may_nothing():
    closed = make_user(Role.REVOPS, is_active=False)

    assert not can(AnonymousUser(), "lead.view")
    assert not can(closed, "lead.view")
    assert can(AnonymousUser(), "public")


def test_a_refusal_names_who_may():
    rep = make_user(Role.REP)
    held = Held(make_user(Role.REP, name="Priya Nair"))

    assert why_not(rep, "lead.dispose", held) == (
        "Only Priya Nair (the holder), a manager of sales or a RevOps admin may accept, reject or recycle this lead."
    )
    assert why_not(rep, "lead.advance", Held()) == "Only a manager of sales or a RevOps admin may move this lead on."
    assert why_not(rep, "agreement.sign", Company.get()) == (
        "Nobody may sign the agreement yet: nobody is named for it."
    )
    assert why_not(rep, "people.manage") == "Only a RevOps admin may manage people and teams."
    with pytest.raises(PermissionDenied, match=r"Only a RevOps admin may correct history\."):
        require(rep, "lead.correct", held)


def test_a_view_names_its_action_by_method():
    @policy("lead.view", POST="lead.edit")
    def view(request):
        """Never called."""

    assert action_of(view, None, "GET") == "lead.view"
    assert action_of(view, None, "POST") == "lead.edit"


def test_a_misspelt_action_fails_where_it_is_written():
    with pytest.raises(LookupError, match="dispoes"):
        policy("lead.view", POST="lead.dispoes")
