"""Who can hold a lead, and to whom somebody may hand one."""

from django.db.models import QuerySet

from alignment.people.models import Role, Side, User
from alignment.people.permissions import can
from leads.models import Lead, Opportunity


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


def whose(deal: Opportunity) -> Lead | Opportunity:
    """Whose deal the policy table is asked about: that of the lead that carries it, else its own owner's."""
    carrying = Lead.objects.filter(contact_roles__opportunity=deal, contact_roles__is_primary=True)
    return carrying.select_related("owner").first() or deal
