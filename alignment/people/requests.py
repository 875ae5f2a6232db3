"""The requests that views get, for the type checker."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from alignment.people.models import User


class Request(HttpRequest):
    """Any request, behind the middleware of htmx."""

    htmx: HtmxDetails


class SignedInRequest(Request):
    """A request that the policy table let through to a view that needs a login."""

    user: User
