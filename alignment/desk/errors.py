"""The page for a failure of ours, which shows an id that the log holds too, and for what a form alone may ask for."""

import logging
import sys
from collections.abc import Callable
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.loader import render_to_string

from alignment.api.problems import failure

API = "/api/"
log = logging.getLogger(__name__)


def server_error(request: HttpRequest) -> HttpResponse:
    """Status 500; rendered without the request, whose session or user may be what failed."""
    error_id = uuid4().hex[:8]
    kind = sys.exc_info()[0]
    log.error("Error %s: %s at %s", error_id, kind.__name__ if kind else "unknown", request.path)
    if request.path.startswith(API):
        return failure(error_id)
    page = HttpResponse(render_to_string("500.html", {"error_id": error_id}), status=500)
    # For requests whose answer is not shown: the page's own note tells the id.
    page["X-Error-Id"] = error_id
    return page


class NotAllowedMiddleware:
    """Whoever reloads the address of a form by hand reads what to do; Django's own answer is an empty page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            response.content = render_to_string("405.html", request=request).encode()
        return response
