"""The funnel page, and the lists that its numbers open."""

from hashlib import sha256
from http import HTTPStatus

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag
from django.utils.timezone import now
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import push_url

from alignment.lib.csv import csv_response
from alignment.ops import audit
from alignment.people.permissions import policy, require
from alignment.people.requests import SignedInRequest
from dashboards import drill, report, sheet
from dashboards.asking import filters_for
from dashboards.drill import FigureList
from dashboards.figures import FigureError
from dashboards.filters import FilterError
from dashboards.form import FilterForm
from dashboards.options import Options
from dashboards.page import FunnelPage
from dashboards.report import Report

# Plotly styles what it draws.
STYLED = {"style-src-elem": [SELF, UNSAFE_INLINE], "style-src-attr": [UNSAFE_INLINE]}


@policy("funnel.view")
@require_safe
@vary_on_headers("HX-Request")
@csp_update(STYLED)  # type: ignore[arg-type]  # it is typed for plain requests
def funnel(request: SignedInRequest) -> HttpResponseBase:
    """The page; for htmx its figures; with `format=csv` its figures as a file."""
    at, options = now(), Options.load()
    try:
        filters = filters_for(request.user, request.GET.dict(), options=options, at=at)
    except FilterError as error:
        return _mistaken(request, error.messages)
    measured = report.current(filters, at)
    is_chosen = request.htmx.trigger == FilterForm.id
    if request.htmx and not is_chosen and (same := _unchanged(request, measured)):
        return same
    page = FunnelPage(measured, options)
    if request.GET.get("format") == "csv":
        _exported(request)
        return csv_response("funnel", sheet.HEADER, sheet.lines(page))
    if not request.htmx:
        form = FilterForm(request.user, options, filters)
        return render(request, "dashboards/funnel.html", {"page": page, "form": form})
    response = render(request, "dashboards/_figures.html", {"page": page})
    response["ETag"] = _etag(request, measured)
    patch_cache_control(response, private=True, no_cache=True)
    return push_url(response, page.address) if is_chosen else response


@policy("funnel.view")
@require_safe
def funnel_leads(request: SignedInRequest) -> HttpResponseBase:
    """The rows behind the number that `figure` names; `after` goes on from a row; with `format=csv` a file."""
    at, options = now(), Options.load()
    try:
        filters = filters_for(request.user, request.GET.dict(), options=options, at=at)
        rows = FigureList(request.GET.dict(), filters, at=at)
    except FilterError as error:
        return _mistaken(request, error.messages)
    except FigureError as error:
        return _mistaken(request, [str(error)])
    if request.GET.get("format") == "csv":
        _exported(request)
        return csv_response("leads", drill.HEADER, rows.lines())
    return render(request, "dashboards/leads.html", {"list": rows})


def _etag(request: SignedInRequest, measured: Report) -> str:
    """What a fragment hangs on: which measurement, for whom, by which templates and styles."""
    told = (measured.at, measured.filters.query, request.user.pk, getattr(staticfiles_storage, "manifest_hash", ""))
    return quote_etag(sha256(repr(told).encode()).hexdigest()[:32])


def _unchanged(request: SignedInRequest, measured: Report) -> HttpResponse | None:
    """304 for a browser that has these figures already; None for others."""
    answer = get_conditional_response(request, etag=_etag(request, measured))
    return answer if answer is not None and answer.status_code == HTTPStatus.NOT_MODIFIED else None


def _exported(request: SignedInRequest) -> None:
    require(request.user, "export")
    audit.record(action="exported", actor=request.user, subject_kind="funnel", detail={"query": request.GET.dict()})


def _mistaken(request: SignedInRequest, sentences: list[str]) -> HttpResponse:
    """422: the address asks for something that does not exist."""
    template = "dashboards/_mistaken.html" if request.htmx else "dashboards/mistaken.html"
    return render(request, template, {"sentences": sentences}, status=422)
