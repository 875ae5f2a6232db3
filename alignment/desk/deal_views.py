"""The pages of deals and accounts: the list, one deal, one account."""

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from alignment.desk.account_page import AccountPage
from alignment.desk.deal_list import HEADER, DealList
from alignment.desk.deal_page import DealPage
from alignment.ops.exports import exported, wants_file
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest
from leads.models import Account, Opportunity

fragments = vary_on_headers("HX-Request", "HX-Target")


@policy("lead.view")
@require_safe
@fragments
def deals(request: SignedInRequest) -> HttpResponseBase:
    """The list; with `format=csv` all that was found, as a file."""
    found = DealList(request.user, request.GET.dict(), today=timezone.localdate())
    if wants_file(request):
        return exported(request, "deals", HEADER, found.lines(), of="opportunity")
    template = "desk/_deals.html" if request.htmx and request.htmx.target == "deals" else "desk/deals.html"
    return render(request, template, {"list": found})


@policy("lead.view")
@require_safe
@fragments
def deal(request: SignedInRequest, pk: int) -> HttpResponse:
    """`before` goes on from a change in its history."""
    page = DealPage(request.user, pk, at=timezone.now(), before=request.GET.get("before", ""))
    try:
        page.deal  # noqa: B018 (read here, so that an unknown deal is a 404)
    except Opportunity.DoesNotExist:
        raise Http404 from None
    template = "desk/_deal.html" if request.htmx and request.htmx.target == "deal" else "desk/deal.html"
    return render(request, template, {"page": page})


@policy("lead.view")
@require_safe
@fragments
def account(request: SignedInRequest, pk: int) -> HttpResponse:
    page = AccountPage(request.user, pk)
    try:
        page.account  # noqa: B018 (read here, so that an unknown account is a 404)
    except Account.DoesNotExist:
        raise Http404 from None
    template = "desk/_account.html" if request.htmx and request.htmx.target == "account" else "desk/account.html"
    return render(request, template, {"page": page})
