"""Why a lead went to whom, leads that are routed anew, who was routed how many, and somebody who leaves."""

from datetime import timedelta

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.utils.timezone import now
from django.views.decorators.http import require_GET

from alignment.lib.form_pages import form_page, form_view
from alignment.ops.exports import exported, wants_file
from alignment.people.models import User
from alignment.people.permissions import can, policy
from alignment.people.requests import SignedInRequest
from leads.conditions import Names
from leads.models import HolderInterval, Lead
from leads.models.route import RoutingDecision
from leads.routing import explaining
from leads.routing.forms import LeaveForm, LedgerForm, RouteAgainForm
from leads.routing.ledger import HEADER, ledger, lines
from leads.routing.reassigning import leave, open_leads, refusals, route_again
from leads.views.answers import way_back
from leads.views.moving import page_cause


@policy("lead.view", POST="lead.assign")
@form_view
def lead_routing(request: SignedInRequest, pk: int) -> HttpResponse:
    """Every decision about the lead with all candidates, and every holder; who may assign leads routes it anew."""
    lead = get_object_or_404(Lead.objects.select_related("owner"), pk=pk)
    form = RouteAgainForm(request.POST or None)
    if form.is_valid() and _routed(request, lead, form):
        return redirect("lead_routing", pk)
    decisions = RoutingDecision.objects.filter(lead=pk).select_related("version", "pool", "user", "opportunity")
    names = Names()
    context = {
        "lead": lead,
        "form": form,
        "back": way_back(request, lead),
        "decisions": [
            (each, explaining.headline(each), explaining.rule_name(each), explaining.condition(each, names), lines)
            for each, lines in explaining.with_lines(decisions.order_by("-id"))
        ],
        "holders": HolderInterval.objects.filter(lead=pk).select_related("user", "actor").order_by("-held"),
    }
    return form_page(request, "routing/lead.html", context)


def _routed(request: SignedInRequest, lead: Lead, form: RouteAgainForm) -> bool:
    if refused := refusals([lead.pk]):
        form.add_error(None, refused[lead.pk])
        return False
    [decision] = route_again(lead_ids=[lead.pk], cause=page_cause(request), why=form.cleaned_data["why"])
    holder = User.objects.get(pk=decision.user_id)
    messages.success(request, format_html("<b>{}</b> is held by {} now.", lead.display_name, holder))
    return True


@policy("routing.ledger")
@require_GET
def routing_ledger(request: SignedInRequest) -> HttpResponseBase:
    """Who was routed how many leads, and how good they were; a rep sees their own row alone.

    With `format=csv` the same as a file.
    """
    form = LedgerForm(request.GET if "days" in request.GET else {"days": 30})
    days = form.cleaned_data["days"] if form.is_valid() else 30
    pool = form.cleaned_data.get("pool")
    until = now()
    entries = ledger(since=until - timedelta(days=days), until=until, pool_id=pool.pk if pool else None)
    sees_all = can(request.user, "funnel.of_reps")
    shown = entries if sees_all else [each for each in entries if each.user.pk == request.user.pk]
    if wants_file(request):
        return exported(request, "who-got-how-many", HEADER, lines(shown), of="routing_ledger")
    context = {"form": form, "entries": shown, "sees_all": sees_all}
    return render(request, "routing/ledger.html", context, status=200 if form.is_valid() else 422)


@policy("people.manage")
@form_view
def setup_person_leave(request: SignedInRequest, pk: int) -> HttpResponse:
    """Somebody leaves: where their open leads go, and the end of their access, in one step."""
    person = get_object_or_404(User, pk=pk, is_active=True)
    form = LeaveForm(request.POST or None, leaver=person)
    if form.is_valid():
        try:
            count = leave(
                user_id=pk, to=form.cleaned_data["to"], cause=page_cause(request), by=request.user,
                why=form.cleaned_data["why"],
            )  # fmt: skip
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, f"{person} has left; {count:,} open leads changed hands.")
            return redirect("setup_person", pk)
    context = {"person": person, "form": form, "count": open_leads(pk).count()}
    return form_page(request, "routing/leave.html", context)
