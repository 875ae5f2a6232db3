"""The requests that views of the API get, for the type checker."""

from rest_framework.request import Request

from alignment.people.models import ApiToken, User


class TokenRequest(Request):
    """A request of a token that the policy table let through."""

    user: User
    auth: ApiToken
