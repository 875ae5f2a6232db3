"""People that other systems name: found again in sets, and added without a login where they are new."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.models import Q

from alignment.people.models import Role, Side, Team, User


@dataclass(frozen=True, slots=True)
class Named:
    """A person as a file names them: by e-mail, by the id of their system (`external_id`), or by name."""

    external_id: str
    email: str = ""
    name: str = ""
    role: Role = Role.REP
    team: str = ""


def find(people: Iterable[Named]) -> dict[str, int]:
    """External id → user, for those who are known; by external id first, then by e-mail, then by a name that is
    unique. One query.
    """
    wanted = {one.external_id: one for one in people}
    emails = {one.email.lower() for one in wanted.values() if one.email}
    names = {one.name for one in wanted.values() if one.name}
    rows = User.objects.filter(Q(external_id__in=wanted) | Q(email__in=emails) | Q(name__in=names)).values_list(
        "pk", "external_id", "email", "name"
    )
    by_id = {external_id: pk for pk, external_id, _, _ in rows if external_id}
    by_email = {email.lower(): pk for pk, _, email, _ in rows if email}
    by_name: dict[str, set[int]] = {}
    for pk, _, _, name in rows:
        by_name.setdefault(name, set()).add(pk)
    found = {}
    for key, one in wanted.items():
        namesakes = by_name.get(one.name, set()) if one.name else set()
        pk = (
            by_id.get(key)
            or by_email.get(one.email.lower())
            or (next(iter(namesakes)) if len(namesakes) == 1 else None)
        )
        if pk:
            found[key] = pk
    return found


@transaction.atomic
def find_or_add(*, people: Sequence[Named], side: str = Side.SALES) -> dict[str, int]:
    """External id → user; the unknown become people without a login, in teams (of `side`) that are made as named.

    Who adds somebody keeps others from adding until the transaction ends: two imports add each person once.
    """
    found = find(people)
    if any(one.external_id not in found for one in people):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('accord.people'))")
        found = find(people)
    missing = {one.external_id: one for one in people if one.external_id not in found}
    if missing:
        teams = _teams({one.team for one in missing.values() if one.team}, side)
        added = [
            User(
                external_id=key,
                name=one.name or key,
                email=one.email.lower() or None,
                role=one.role,
                team_id=teams.get(one.team),
                password=make_password(None),
            )
            for key, one in missing.items()
        ]
        found |= {user.external_id: user.pk for user in User.objects.bulk_create(added)}
    return found


def _teams(names: set[str], side: str) -> dict[str, int]:
    known = dict(Team.objects.filter(name__in=names).values_list("name", "pk"))
    made = Team.objects.bulk_create([Team(name=name, side=side) for name in sorted(names - known.keys())])
    return known | {team.name: team.pk for team in made}
