"""What every address of the API does before and after its own work: who asks, how often, and whether they may."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAuthenticated, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from alignment.api.problems import NAMES, Problem, invalid_parameter
from alignment.people import tokens
from alignment.people.models import ApiToken, Scope
from alignment.people.permissions import Policy, policy, require

SAFE = ("GET", "HEAD")


@method_decorator(conditional_page, name="dispatch")
class ApiView(APIView):
    """A resource. Its `policy` says who may, its `write_scope` which tokens; both must agree."""

    http_method_names = ["get", "head", "post", "patch"]
    policy: ClassVar[Policy]
    write_scope: ClassVar[Scope] = Scope.LEADS
    window: tokens.Window | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        _read_body(request)
        super().initial(request, *args, **kwargs)
        for name, values in request.query_params.lists():
            if any("\x00" in text for text in (name, *values)):
                raise invalid_parameter(name.replace("\x00", "\\0"), "NUL is no text.")

    def check_permissions(self, request: Request) -> None:
        if not isinstance(request.auth, ApiToken):
            raise NotAuthenticated("Send a token of yours: Authorization: Bearer accord_…")
        self.window = tokens.count(token_id=request.auth.pk)
        if self.window.count > settings.API_RATE:
            sentence = f"This token made its {settings.API_RATE} requests of the minute."
            raise Throttled(self.window.seconds_left, sentence)
        scope = Scope.READ if request.method in SAFE else self.write_scope
        if not request.auth.allows(scope):
            raise missing_scope(scope)
        require(request.user, self.policy.action(request.method or "GET"))

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.window:
            response["RateLimit-Limit"] = str(settings.API_RATE)
            response["RateLimit-Remaining"] = str(max(settings.API_RATE - self.window.count, 0))
            response["RateLimit-Reset"] = str(self.window.seconds_left)
        patch_cache_control(response, private=True, no_cache=True)
        patch_vary_headers(response, ["Authorization"])
        return response


def missing_scope(scope: Scope) -> Problem:
    """403: the user might, the token may not."""
    return Problem(403, "scope", "The token is not for this", f"This needs a token with the scope {scope}.")


def _read_body(request: Request) -> None:
    """Read the body once, before parsing: its bytes are what makes two requests the same."""
    kind, title = NAMES[413]
    too_large = Problem(413, kind, title, f"Send at most {settings.API_BODY_BYTES:,} bytes at once.")
    try:
        if len(request._request.body) > settings.API_BODY_BYTES:
            raise too_large
    except RequestDataTooBig as error:
        raise too_large from error


@policy("api.read", by_token=True)
class Unknown(ApiView):
    """Any other address below the API."""

    @extend_schema(exclude=True)
    def get(self, request: Request, rest: str) -> Response:
        raise Http404("There is no such address. Addresses end with a slash; /api/v1/schema/ lists them.")

    post = patch = get
