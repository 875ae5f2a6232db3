"""The funnel page, and the lists that its numbers open."""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import push_url

from alignment.lib.csv import csv_response
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest
from dashboards import drill, report, sheet
from dashboards.answering import exported, keepable, mistaken, unchanged
from dashboards.asking import filters_for
from dashboards.drill import FigureList
from dashboards.figures import FigureError
from dashboards.filters import FilterError
from dashboards.form import FilterForm
from dashboards.options import Options
from dashboards.page import FunnelPage

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
    if request.htmx and not is_chosen and (same := unchanged(request, measured)):
        return same
    page = FunnelPage(measured, options)
    if request.GET.get("format") == "csv":
        exported(request)
        return csv_response("funnel", sheet.HEADER, sheet.lines(page))
    if not request.htmx:
        form = FilterForm(request.user, options, filters)
        return render(request, "dashboards/funnel.html", {"page": page, "form": form})
    response = keepable(render(request, "dashboards/_figures.html", {"page": page}), request, measured)
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
        exported(request)
        return csv_response("leads", drill.HEADER, rows.lines())
    return render(request, "dashboards/leads.html", {"list": rows})


def _mistaken(request: SignedInRequest, sentences: list[str]) -> HttpResponse:
    return mistaken(request, sentences, route="funnel", title="Funnel")
