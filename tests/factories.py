"""Plain functions that make what a test needs; every argument has a likely value."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any

from django.contrib.auth.hashers import make_password

from alignment.people.accounts import password_link
from alignment.people.models import Role, Side, Team, User

PASSWORD = "correct horse battery"

_numbers = count(1)
# Hashing is slow on purpose: once a run is enough.
_hashed = cache(make_password)


# People -------------------------------------------------------------------------------------------------------


def make_team(side: Side = Side.SALES, **fields: Any) -> Team:
    return Team.objects.create(**{"name": f"{side.label} team {next(_numbers)}", "side": side} | fields)


def make_user(
    role: Role = Role.REP, side: Side | None = None, *, password: str | None = PASSWORD, **fields: Any
) -> User:
    """A user of `role`, in a new team of `side`: by default the usual one of the role, none for RevOps and executives.

    With `password` None they cannot sign in.
    """
    side = side or {Role.MARKETER: Side.MARKETING, Role.REP: Side.SALES, Role.MANAGER: Side.SALES}.get(role)
    number = next(_numbers)
    given: dict[str, Any] = {"name": f"Person {number}", "email": f"person{number}@example.com", "role": role}
    if side and "team" not in fields:
        given["team"] = make_team(side)
    return User.objects.create(password=_hashed(password), **given | fields)


def make_imported_user(**fields: Any) -> User:
    """An owner who came with an import: no e-mail, no login."""
    number = next(_numbers)
    given = {"name": f"Imported {number}", "external_id": f"crm-{number}", "role": Role.REP}
    return User.objects.create_user(**given | fields)


# Addresses: what stands behind the URLs that name an object ----------------------------------------------------


@dataclass(frozen=True)
class Address:
    """Arguments of a URL, and the object whose owner or actor the policy asks about, if it asks."""

    kwargs: dict[str, Any] = field(default_factory=dict)
    obj: Any = None


def _of(make: Callable[[], Any]) -> Callable[[], Address]:
    return lambda: Address({"pk": make().pk})


def _password_link() -> Address:
    uid, token = password_link(person=make_user()).rstrip("/").split("/")[-2:]
    return Address({"uidb64": uid, "token": token})


ADDRESSES: dict[str, Callable[[], Address]] = {
    # Somebody else's leads back to one's own.
    "notification": lambda: Address({"pk": 1}),
    "setup_person": _of(make_user),
    "setup_person_active": _of(make_user),
    "setup_person_password": _of(make_user),
    "setup_person_link": _of(make_user),
    "setup_team": _of(make_team),
    "setup_team_retire": _of(make_team),
    "set_password": _password_link,
}
