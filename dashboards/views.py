"""The funnel page, and the lists that its numbers open."""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpResponseBase
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest
from dashboards import report, sheet
from dashboards.dashboard import Dashboard
from dashboards.drill import FigureList
from dashboards.page import FunnelPage

# Plotly styles what it draws.
STYLED = {"style-src-elem": [SELF, UNSAFE_INLINE], "style-src-attr": [UNSAFE_INLINE]}

FUNNEL = Dashboard(
    name="funnel",
    title="Funnel",
    fragment="dashboards/_figures.html",
    current=report.current,
    page=lambda measured, options, user: FunnelPage(measured, options),
    file=lambda page, table: ("funnel", sheet.HEADER, sheet.lines(page)),
)


@policy("funnel.view")
@require_safe
@vary_on_headers("HX-Request")
@csp_update(STYLED)  # type: ignore[arg-type]  # it is typed for plain requests
def funnel(request: SignedInRequest) -> HttpResponseBase:
    """The page, its figures, or their file."""
    return FUNNEL.show(request)


@policy("funnel.view")
@require_safe
@vary_on_headers("HX-Request")
def funnel_leads(request: SignedInRequest) -> HttpResponseBase:
    """The passes behind the number that `figure` names, or their file."""
    return FUNNEL.open(
        request,
        lambda user, asked, filters, at: FigureList(asked, filters, at=at),
        template="dashboards/leads.html",
        file="leads",
    )
