"""Write verbs for people, teams and the company (who came with an import: `directory`).

Each raises ValidationError with a sentence for the page where a rule forbids the change.
"""

from typing import Any

from axes.utils import reset as forget_failed_logins
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import transaction
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from alignment.people.models import Company, Role, Side, Team, User
from alignment.people.signals import record_changed

DEMO_PASSWORD = "accord-demo"  # noqa: S105  printed on the demo's start page
DEMO_PEOPLE = (
    ("marketer@accord.example", "Mira Lindqvist", Role.MARKETER, Side.MARKETING),
    ("rep@accord.example", "Ravi Menon", Role.REP, Side.SALES),
    ("manager@accord.example", "Grace Adeyemi", Role.MANAGER, Side.SALES),
    ("revops@accord.example", "Tomas Novak", Role.REVOPS, None),
    ("exec@accord.example", "Elena Fischer", Role.EXECUTIVE, None),
)


@transaction.atomic
def open_install(*, company_name: str, name: str, email: str, password: str) -> User:
    """The first start: names the company and makes its first RevOps admin, while nobody has a login yet."""
    company = _locked_company()
    if User.objects.with_login().exists():
        raise ValidationError("This install has its first admin already. Sign in instead.")
    company.name = company_name
    company.save(update_fields=["name"])
    return User.objects.create_user(name=name, email=email, password=password, role=Role.REVOPS)


@transaction.atomic
def change_company(*, changes: dict[str, Any], by: User | None = None) -> Company:
    """Sets fields of the company by name."""
    return _changed(_locked_company(), changes, by)


@transaction.atomic
def add_person(
    *,
    name: str,
    email: str,
    role: str,
    team: Team | None = None,
    password: str | None = None,
    by: User | None = None,
) -> User:
    """Somebody new. Without `password` they choose one by a link (`password_link`)."""
    person = User.objects.create_user(name=name, email=email, role=role, team=team, password=password)
    record_changed.send(sender=add_person, row=person, changed={"role": [None, role]}, by=by)
    return person


@transaction.atomic
def change_person(*, user_id: int, changes: dict[str, Any], by: User | None = None) -> User:
    """Sets fields of a user by name; refuses to leave the install without a RevOps admin."""
    _locked_company()
    person = User.objects.get(pk=user_id)
    was_admin = person.role == Role.REVOPS
    _changed(person, changes, by)
    if was_admin:
        _check_an_admin_is_left()
    return person


@transaction.atomic
def deactivate_person(*, user_id: int, by: User | None = None) -> User:
    """Ends sign-in, sessions and tokens at once. Everything they did stays; nobody is ever deleted."""
    _check_nobody_waits_for(user_id)
    return change_person(user_id=user_id, changes={"is_active": False}, by=by)


@transaction.atomic
def reactivate_person(*, user_id: int, by: User | None = None) -> User:
    """Lets somebody sign in again, with the password they had."""
    return change_person(user_id=user_id, changes={"is_active": True}, by=by)


@transaction.atomic
def set_password(*, user_id: int, password: str, by: User | None = None) -> User:
    """A new password for somebody: their sessions end, and a lock-out by wrong guesses is lifted."""
    person = User.objects.select_for_update().get(pk=user_id)
    person.set_password(password)
    person.save(update_fields=["password"])
    forget_failed_logins(username=person.email)
    record_changed.send(sender=set_password, row=person, changed={"password": [None, None]}, by=by)
    return person


def password_link(*, person: User) -> str:
    """The address where `person` sets a password. Works once, within `PASSWORD_RESET_TIMEOUT` seconds."""
    uid = urlsafe_base64_encode(force_bytes(person.pk))
    token = default_token_generator.make_token(person)
    return settings.BASE_URL + reverse("set_password", kwargs={"uidb64": uid, "token": token})


@transaction.atomic
def add_team(*, name: str, side: str, manager: User | None = None) -> Team:
    """A new team of one side."""
    return Team.objects.create(name=name, side=side, manager=manager)


@transaction.atomic
def change_team(*, team_id: int, changes: dict[str, Any], by: User | None = None) -> Team:
    """Sets fields of a team by name."""
    return _changed(Team.objects.select_for_update().get(pk=team_id), changes, by)


@transaction.atomic
def retire_team(*, team_id: int, by: User | None = None) -> Team:
    """From now on the team takes nobody new; it has to be empty of active people."""
    team = Team.objects.select_for_update().get(pk=team_id)
    if team.members.active().exists():
        raise ValidationError(f"{team} still has people. Move them to another team first.")
    return _changed(team, {"retired_at": timezone.now()}, by)


@transaction.atomic
def reopen_team(*, team_id: int, by: User | None = None) -> Team:
    """Undoes `retire_team`."""
    return change_team(team_id=team_id, changes={"retired_at": None}, by=by)


@transaction.atomic
def ensure_demo_logins() -> dict[str, User]:
    """The demo's five logins and two teams, by role. Those that stand are left alone.

    Raises ImproperlyConfigured outside the demo: everybody knows their password.
    """
    if not settings.DEMO:
        raise ImproperlyConfigured("Demo logins exist only where ACCORD_DEMO=1.")
    teams = {side: Team.objects.get_or_create(name=side.label, defaults={"side": side})[0] for side in Side}
    people = {}
    for email, name, role, side in DEMO_PEOPLE:
        person = User.objects.filter(email=email).first()
        team = teams[side] if side else None
        people[role.value] = person or add_person(name=name, email=email, role=role, team=team, password=DEMO_PASSWORD)
    return people


def _locked_company() -> Company:
    """Its row is the lock under which the number of admins is counted."""
    return Company.objects.select_for_update().get(pk=1)


def _changed(row: Any, changes: dict[str, Any], by: User | None) -> Any:
    """Set and store these fields; what really differs is told as name → [before, after]."""
    changed = {
        name: [_plain(getattr(row, name)), _plain(value)]
        for name, value in changes.items()
        if getattr(row, name) != value
    }
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=list(changes))
    if changed:
        record_changed.send(sender=_changed, row=row, changed=changed, by=by)
    return row


def _plain(value: Any) -> Any:
    """A value as JSON takes it; a row by its key."""
    if isinstance(value, Model):
        return value.pk
    return value if value is None or isinstance(value, bool | int) else str(value)


def _check_an_admin_is_left() -> None:
    if not User.objects.active().with_login().filter(role=Role.REVOPS).exists():
        raise ValidationError("This is the last RevOps admin who can sign in. Make somebody else one first.")


def _check_nobody_waits_for(user_id: int) -> None:
    """Breach notices go to team managers and heads: none may fall to somebody who left."""
    company = Company.get()
    if user_id in company.heads.values():
        raise ValidationError(f"They are a head of {company}. Name another head first.")
    team = Team.objects.filter(manager=user_id, retired_at=None).first()
    if team:
        raise ValidationError(f"They manage {team}. Give the team another manager first.")
