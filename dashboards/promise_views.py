"""The promises page, and the clocks that its numbers open."""

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import push_url

from alignment.lib.csv import csv_response
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest
from dashboards import clock_list, ledger, promises_sheet
from dashboards.answering import exported, keepable, mistaken, unchanged
from dashboards.asking import filters_for
from dashboards.clock_list import ClockList
from dashboards.figures import FigureError
from dashboards.filters import FilterError
from dashboards.form import FilterForm
from dashboards.options import Options
from dashboards.promises_page import PromisesPage


@policy("promises.view")
@require_safe
@vary_on_headers("HX-Request")
def promises(request: SignedInRequest) -> HttpResponseBase:
    """The page; for htmx its figures; with `format=csv` its figures as a file, with `table` one of its tables."""
    at, options = now(), Options.load()
    try:
        filters = filters_for(request.user, request.GET.dict(), options=options, at=at)
    except FilterError as error:
        return _mistaken(request, error.messages)
    measured = ledger.current(filters, at)
    is_chosen = request.htmx.trigger == FilterForm.id
    if request.htmx and not is_chosen and (same := unchanged(request, measured)):
        return same
    page = PromisesPage(measured, options, request.user)
    if request.GET.get("format") == "csv":
        exported(request, "promises")
        return promises_sheet.response(page, request.GET.get("table", ""))
    if not request.htmx:
        form = FilterForm(request.user, options, filters, "promises")
        return render(request, "dashboards/promises.html", {"page": page, "form": form})
    response = keepable(render(request, "dashboards/_ledger.html", {"page": page}), request, measured)
    return push_url(response, page.address) if is_chosen else response


@policy("promises.view")
@require_safe
def promise_clocks(request: SignedInRequest) -> HttpResponseBase:
    """The clocks behind the number that `figure` names; `after` goes on from a row; with `format=csv` a file."""
    at, options, given = now(), Options.load(), request.GET.dict()
    try:
        rows = ClockList(request.user, given, filters_for(request.user, given, options=options, at=at), at=at)
    except FilterError as error:
        return _mistaken(request, error.messages)
    except FigureError as error:
        return _mistaken(request, [str(error)])
    if given.get("format") == "csv":
        exported(request, "promises")
        return csv_response("promises", clock_list.HEADER, rows.lines())
    return render(request, "dashboards/promise_clocks.html", {"list": rows})


def _mistaken(request: SignedInRequest, sentences: list[str]) -> HttpResponse:
    return mistaken(request, sentences, route="promises", title="Promises")
