"""Who asks: the user of the token in `Authorization: Bearer …`. Cookies do not count, so nothing can be forged."""

from django.utils.timezone import now
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from alignment.people import tokens
from alignment.people.backends import EmailBackend
from alignment.people.models import ApiToken, User


class BearerToken(TokenAuthentication):
    """A token of ours that is neither expired nor revoked, of somebody who may sign in."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        found = tokens.find(token.decode("ascii", "replace"))
        if found is None:
            raise AuthenticationFailed("There is no such token. Make one under Your account, API tokens.")
        state = found.state(now())
        if state != "active":
            raise AuthenticationFailed(f"This token is {state}. Make another one under Your account, API tokens.")
        if not EmailBackend().user_can_authenticate(found.user):
            raise AuthenticationFailed("The token's user cannot sign in any more.")
        return found.user, found

    def authenticate_header(self, request: object) -> str:
        return "Bearer"
