"""Who a request comes from."""

from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings
from django.db.models import Exists, OuterRef, Q, Subquery

from alignment.people.accounts import DEMO_PEOPLE
from alignment.people.models import Company, User

DEMO_EMAILS = frozenset(email for email, *_ in DEMO_PEOPLE)


class EmailBackend(AuthenticationBackend):
    """Sign-in by e-mail. What every page asks of its user comes in one query: the team, the company's zone, and whether
    they are a steward of the data."""

    def get_user(self, user_id: int) -> User | None:
        zone = Subquery(Company.objects.values("time_zone")[:1])
        keeps = Exists(Company.objects.filter(Q(marketing_steward=OuterRef("pk")) | Q(sales_steward=OuterRef("pk"))))
        people = User.objects.select_related("team").annotate(company_time_zone=zone, is_steward=keeps)
        user = people.filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None

    def user_can_authenticate(self, user: User) -> bool:
        """Everybody knows the password of the demo's people: outside the demo they are no one."""
        return super().user_can_authenticate(user) and (settings.DEMO or user.email not in DEMO_EMAILS)
