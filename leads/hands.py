"""Who can hold a lead, and to whom somebody may hand one."""

from django.db.models import QuerySet

from alignment.people.models import Role, Side, User
from alignment.people.permissions import can


def salespeople() -> QuerySet[User]:
    """Who can hold a lead."""
    people: QuerySet[User] = User.objects.active().filter(team__side=Side.SALES).order_by("name", "pk")
    return people


def owners_for(user: User) -> QuerySet[User]:
    """Whom `user` can hand a new lead to: anybody by who may assign leads, a rep by themselves."""
    people = salespeople()
    if can(user, "lead.assign"):
        return people
    return people.filter(pk=user.pk) if (user.role, user.side) == (Role.REP, Side.SALES) else people.none()
