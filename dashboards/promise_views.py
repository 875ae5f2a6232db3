"""The promises page, and the clocks that its numbers open."""

from django.http import HttpResponseBase
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest
from dashboards import ledger, promises_sheet
from dashboards.clock_list import ClockList
from dashboards.dashboard import Dashboard
from dashboards.promises_page import PromisesPage

PROMISES = Dashboard(
    name="promises",
    title="Promises",
    fragment="dashboards/_ledger.html",
    current=ledger.current,
    page=PromisesPage,
    file=promises_sheet.file,
)


@policy("promises.view")
@require_safe
@vary_on_headers("HX-Request")
def promises(request: SignedInRequest) -> HttpResponseBase:
    """The page, its figures, or the file of them or of one `table`."""
    return PROMISES.show(request)


@policy("promises.view")
@require_safe
@vary_on_headers("HX-Request")
def promise_clocks(request: SignedInRequest) -> HttpResponseBase:
    """The clocks behind the number that `figure` names, or their file."""
    return PROMISES.open(
        request,
        lambda user, asked, filters, at: ClockList(user, asked, filters, at=at),
        template="dashboards/promise_clocks.html",
        file="promises",
    )
