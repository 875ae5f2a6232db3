"""How the dashboards answer: 304 to whoever has the figures already, 422 to a mistaken address."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Protocol

from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag

from alignment.people.requests import SignedInRequest
from dashboards.filters import Filters


class Measured(Protocol):
    """What a page shows: figures of `filters`, as they stood `at` a moment."""

    @property
    def filters(self) -> Filters: ...

    @property
    def at(self) -> datetime: ...


def unchanged(request: SignedInRequest, measured: Measured) -> HttpResponse | None:
    """304 for a browser that has these figures already; None for others."""
    answer = get_conditional_response(request, etag=_etag(request, measured))
    return answer if answer is not None and answer.status_code == HTTPStatus.NOT_MODIFIED else None


def keepable(response: HttpResponse, request: SignedInRequest, measured: Measured) -> HttpResponse:
    """The same response, named by what it shows, so that the browser asks for it by that name."""
    response["ETag"] = _etag(request, measured)
    patch_cache_control(response, private=True, no_cache=True)
    return response


def mistaken(request: SignedInRequest, sentences: Sequence[str], *, route: str, title: str) -> HttpResponse:
    """422: the address asks for something that does not exist; `route` is the page to begin again from."""
    template = "dashboards/_mistaken.html" if request.htmx else "dashboards/mistaken.html"
    return render(request, template, {"sentences": sentences, "route": route, "title": title}, status=422)


def _etag(request: SignedInRequest, measured: Measured) -> str:
    """What a fragment hangs on: which measurement, for whom, by which templates and styles."""
    told = (
        request.path, measured.at, measured.filters.query, request.user.pk,
        getattr(staticfiles_storage, "manifest_hash", ""),
    )  # fmt: skip
    return quote_etag(sha256(repr(told).encode()).hexdigest()[:32])
