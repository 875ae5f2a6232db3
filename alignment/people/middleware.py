"""The policy table at the door (no view runs whose action the visitor may not do), and the visitor's time zone."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from alignment.people.models import User
from alignment.people.permissions import action_of, can, policy_of, why_not
from alignment.people.requests import Request

SIGN_IN = "account.sign_in"


class PolicyMiddleware:
    """Closed by default: a view that the table does not know is refused to everyone.

    Strangers are sent to the login page; to the welcome page while nobody has a login yet.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: Request, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        route = request.resolver_match.url_name if request.resolver_match else None
        action = action_of(view, route, request.method or "GET")
        if action is None:
            raise PermissionDenied("The policy table does not know this page, so nobody may open it.")
        if is_by_token(view):
            return None
        if action == SIGN_IN and _nobody_has_a_login(request):
            return redirect("welcome")
        if can(request.user, action):
            return None
        if request.user.is_authenticated:
            raise PermissionDenied(why_not(request.user, action))
        return _to_login(request)


class TimeZoneMiddleware:
    """Pages tell time in their reader's zone. Streamed answers are written later: they name their zone themselves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(self, request: Request, view: Any, args: Any, kwargs: Any) -> None:
        if not is_by_token(view) and isinstance(request.user, User):
            timezone.activate(request.user.zone)


def is_by_token(view: Callable[..., HttpResponse]) -> bool:
    """Whether the view answers tokens: it asks the policy table itself, and tells time in UTC."""
    marked = policy_of(view)
    return marked is not None and marked.by_token


def _nobody_has_a_login(request: Request) -> bool:
    return not request.user.is_authenticated and not User.objects.with_login().exists()


def _to_login(request: Request) -> HttpResponse:
    """To the login page and back. htmx would swap the page into a fragment, so it is told to leave the page."""
    if request.htmx:
        here = request.htmx.current_url_abs_path or "/"
        return HttpResponseClientRedirect(redirect_to_login(here).url)
    if request.method == "GET":
        return redirect_to_login(request.get_full_path())
    form = _came_from(request)
    return redirect_to_login(form) if form else redirect(settings.LOGIN_URL)


def _came_from(request: Request) -> str:
    """The page of ours on which the form stood; blank where nobody says."""
    page = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(page)
    return parts.path + (f"?{parts.query}" if parts.query else "")
