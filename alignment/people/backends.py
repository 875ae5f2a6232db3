"""Who a request comes from."""

from allauth.account.auth_backends import AuthenticationBackend
from django.db.models import Subquery

from alignment.people.models import Company, User


class EmailBackend(AuthenticationBackend):
    """Sign-in by e-mail. What every page asks of its user comes in one query: the team, and the company's zone."""

    def get_user(self, user_id: int) -> User | None:
        zone = Subquery(Company.objects.values("time_zone")[:1])
        people = User.objects.select_related("team").annotate(company_time_zone=zone)
        user = people.filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None
