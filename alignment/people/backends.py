"""Who a request comes from."""

from allauth.account.auth_backends import AuthenticationBackend

from alignment.people.models import User


class EmailBackend(AuthenticationBackend):
    """Sign-in by e-mail; reads the user with the team, since every rule of a side asks for it."""

    def get_user(self, user_id: int) -> User | None:
        user = User.objects.select_related("team").filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None
