"""My campaigns, and the leads behind its numbers."""

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from alignment.ops.exports import exported, wants_file
from alignment.people.figures import FiguresOfRep
from alignment.people.models import User
from alignment.people.permissions import policy, require
from alignment.people.requests import SignedInRequest
from dashboards import campaigns_sheet
from dashboards.campaigns import HEADER, CampaignLeads, MyCampaigns


@policy("campaigns.view")
@require_safe
def campaigns(request: SignedInRequest) -> HttpResponseBase:
    """`days` is the window, `whose=all` shows every campaign; with `format=csv` the figures as a file."""
    page = MyCampaigns(request.user, request.GET.dict(), at=now())
    if wants_file(request):
        return exported(request, "campaigns", campaigns_sheet.HEADER, campaigns_sheet.lines(page), of="campaigns")
    return render(request, "dashboards/campaigns.html", {"page": page})


@policy("campaigns.view")
@require_safe
def campaign_leads(request: SignedInRequest) -> HttpResponseBase:
    """The leads behind a number; with `format=csv` all of them, as a file."""
    asked = request.GET.dict()
    found = CampaignLeads(MyCampaigns(request.user, asked, at=now()), asked, owner=_rep(request))
    if wants_file(request):
        return exported(request, "campaign-leads", HEADER, found.lines(), of="journey")
    return render(request, "dashboards/campaign_leads.html", {"list": found})


def _rep(request: SignedInRequest) -> User | None:
    """The rep that the address names. Raises PermissionDenied where their figures are not for this visitor."""
    pk = request.GET.get("owner", "")
    if not pk.isdecimal() or len(pk) > 9:
        return None
    rep = get_object_or_404(User, pk=pk)
    require(request.user, "funnel.of_rep", FiguresOfRep(rep.name, rep.pk))
    return rep
