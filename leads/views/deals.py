"""Opening, editing and closing deals, the people around them, and who brought them."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import Q
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.utils.timezone import now
from django.views import View
from django.views.decorators.http import require_POST

from alignment.lib.form_pages import form_page, form_view
from alignment.people.models import Company
from alignment.people.permissions import policy, require
from alignment.people.requests import SignedInRequest
from leads.causes import Cause
from leads.deals import buying_groups, carrying, closing, deals, sourcing
from leads.deals import forms as deal_forms
from leads.deals import likeness as deal_likeness
from leads.deals.changes import base_amount
from leads.deals.closing import NotClosedError
from leads.drafts import DealDraft
from leads.finding import Named, find_named
from leads.hands import owners_for, salespeople, whose
from leads.models import Account, Lead, Opportunity, OpportunityChange
from leads.models.opportunity import DealState
from leads.sentences import why_refused
from leads.views.moving import page_cause

MOST_ACCOUNTS = 8
MOST_PEOPLE = 200


def _deal(pk: int) -> Opportunity:
    deals_shown = Opportunity.objects.filter(withdrawn_at=None).select_related("account", "owner", "stage")
    return get_object_or_404(deals_shown, pk=pk)


# What it is ---------------------------------------------------------------------------------------------------


@policy("deal.open")
@form_view
def new(request: SignedInRequest) -> HttpResponse:
    """Open a deal without a lead, of the `account` that the address names; without one, `q` finds accounts."""
    named = request.GET.get("account", "")
    account = Account.objects.filter(pk=named).first() if named.isdecimal() and len(named) < 19 else None
    if account is None:
        return render(request, "leads/deal_account.html", _found(request.GET.get("q", "")))
    form = deal_forms.NewDealForm(
        request.POST or None,
        company=Company.get(),
        owners=owners_for(request.user),
        initial={"account": account.pk, "owner": request.user.pk, "name": str(account)},
    )
    context: dict[str, Any] = {"form": form, "account": account}
    if not form.is_valid():
        return form_page(request, "leads/deal_new.html", context)
    columns = form.columns | {"account_id": account.pk}
    likely = _likely(columns)
    if likely and "anyway" not in request.POST:
        return render(request, "leads/deal_new.html", context | {"likely": likely}, status=409)
    [pk] = deals.open_deals(drafts=[DealDraft(**columns)], cause=page_cause(request))
    messages.success(request, format_html("<b>{}</b> is open.", columns["name"]))
    return redirect("deal", pk)


def _found(words: str) -> dict[str, Any]:
    found: Sequence[Named] = find_named(words, limit=MOST_ACCOUNTS) if words else ()
    return {"words": words, "found": [one for one in found if one.kind == "account"]}


def _likely(columns: dict[str, Any]) -> list[deal_likeness.Likeness]:
    return deal_likeness.look_for(
        account_id=columns["account_id"],
        name=columns["name"],
        base_amount=base_amount(columns),
        expected_close_on=columns["expected_close_on"],
    )


@policy("deal.edit")
@form_view
def edit(request: SignedInRequest, pk: int) -> HttpResponse:
    """Each change becomes a row. Who saves what somebody else has changed meanwhile is told so first (409)."""
    deal = _deal(pk)
    require(request.user, "deal.edit", whose(deal))
    form = deal_forms.EditDealForm(
        request.POST or None, company=Company.get(), deal=deal, is_carried=deals.carried(pk), owners=salespeople()
    )
    newest = OpportunityChange.objects.filter(opportunity=deal).select_related("actor").order_by("-id").first()
    seen = str(newest.pk) if newest else ""
    status = 200
    if form.is_valid():
        if request.POST.get("seen", seen) != seen:
            who = newest.actor if newest and newest.actor else "Somebody"
            form.add_error(None, f"{who} has changed this deal meanwhile. Save again to have it your way.")
            status = 409
        else:
            try:
                deals.change(opportunity_id=pk, changes=form.columns, cause=page_cause(request))
            except deals.DealError as refusal:
                form.add_error(refusal.field.removesuffix("_id"), str(refusal))
            else:
                messages.success(request, "Saved.")
                return redirect("deal", pk)
    if form.is_bound and status == 200:
        status = 422
    return render(request, "leads/deal_edit.html", {"deal": deal, "form": form, "seen": seen}, status=status)


@policy("deal.withdraw")
@require_POST
def withdraw(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take back a deal that should never have been opened."""
    deal = _deal(pk)
    if not deals.withdraw(opportunity_ids=[pk], cause=page_cause(request)):
        messages.error(request, "A lead carries this deal: undo its move instead.")
        return redirect("deal", pk)
    messages.success(request, format_html("<b>{}</b> was taken back.", deal.name))
    return redirect("deals")


# How it ends --------------------------------------------------------------------------------------------------


class ClosingView(View):
    """Winning, losing or reopening one deal."""

    http_method_names = ["get", "head", "post"]

    label: ClassVar[str]
    told: ClassVar[str]
    form_class: ClassVar[type[Form]]
    fits: ClassVar[tuple[str, ...]]

    def dispatch(self, request: SignedInRequest, pk: int) -> HttpResponse:  # type: ignore[override]
        self.deal = _deal(pk)
        require(request.user, "deal.close", whose(self.deal))
        return super().dispatch(request, pk)  # type: ignore[return-value]

    def get(self, request: SignedInRequest, pk: int) -> HttpResponse:
        return self._asked(request, self.form_class())

    def post(self, request: SignedInRequest, pk: int) -> HttpResponse:
        form = self.form_class(request.POST)
        if not form.is_valid():
            return self._asked(request, form, status=422)
        try:
            self.take(form.cleaned_data, page_cause(request))
        except NotClosedError as error:
            form.add_error(None, why_refused(error.refusal, viewer=request.user, now=now()))
            return self._asked(request, form, status=409)
        messages.success(request, format_html("{} <b>{}</b>.", self.told, self.deal.name))
        return redirect("deal", pk)

    def take(self, data: dict[str, Any], cause: Cause) -> None:
        """Do it. Raises NotClosedError."""
        raise NotImplementedError

    def _asked(self, request: SignedInRequest, form: Form, status: int = 200) -> HttpResponse:
        context = {"deal": self.deal, "form": form, "label": self.label}
        return render(request, "leads/deal_close.html", context, status=status)


@policy("deal.close")
class Win(ClosingView):
    label, told, form_class, fits = "Won", "Won", deal_forms.WinDealForm, (DealState.OPEN,)

    def take(self, data: dict[str, Any], cause: Cause) -> None:
        reason = data["reason"].pk if data["reason"] else None
        closing.win(opportunity_id=self.deal.pk, reason_id=reason, note=data["note"], cause=cause)


@policy("deal.close")
class Lose(ClosingView):
    label, told, form_class, fits = "Lost", "Lost", deal_forms.LoseDealForm, (DealState.OPEN,)

    def take(self, data: dict[str, Any], cause: Cause) -> None:
        closing.lose(opportunity_id=self.deal.pk, reason_id=data["reason"].pk, note=data["note"], cause=cause)


@policy("deal.close")
class Reopen(ClosingView):
    label, told, form_class = "Reopen", "Reopened", deal_forms.ReopenDealForm
    fits = (DealState.WON, DealState.LOST)

    def take(self, data: dict[str, Any], cause: Cause) -> None:
        closing.reopen(opportunity_id=self.deal.pk, note=data["note"], cause=cause)


# Who is around it, and who brought it -------------------------------------------------------------------------


@policy("deal.edit")
@form_view
def contact(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take somebody of the account into the buying group, or name the role of who is in it."""
    deal = _deal(pk)
    require(request.user, "deal.edit", whose(deal))
    inside = Q(contact_roles__opportunity=deal)
    people = Lead.objects.standing().filter(Q(account__isnull=False, account=deal.account_id) | inside).distinct()
    initial = {"lead": request.GET.get("lead"), "role": request.GET.get("role", "")}
    form = deal_forms.ContactForm(request.POST or None, people=people.order_by("name", "pk"), initial=initial)
    if form.is_valid():
        lead = form.cleaned_data["lead"]
        buying_groups.name_roles(
            opportunity_id=pk, roles={lead.pk: form.cleaned_data["role"]}, cause=page_cause(request)
        )
        messages.success(request, format_html("<b>{}</b> is part of the buying group.", lead.display_name))
        return redirect("deal", pk)
    context = {"deal": deal, "form": form}
    return form_page(request, "leads/deal_contact.html", context)


@policy("deal.edit")
@require_POST
def contact_remove(request: SignedInRequest, pk: int, lead: int) -> HttpResponse:
    """Take somebody out of the buying group."""
    deal = _deal(pk)
    require(request.user, "deal.edit", whose(deal))
    if not buying_groups.dismiss(opportunity_id=pk, lead_ids=[lead], cause=page_cause(request)):
        messages.error(request, "Who carries the deal, or joined it, stays in its buying group.")
    return redirect("deal", pk)


@policy("deal.edit")
@require_POST
def carrier(request: SignedInRequest, pk: int, lead: int) -> HttpResponse:
    """Somebody else of the buying group carries the deal."""
    deal = _deal(pk)
    taker = get_object_or_404(Lead.objects.select_related("owner"), pk=lead)
    require(request.user, "deal.edit", whose(deal))
    require(request.user, "lead.advance", taker)
    try:
        carrying.carry(opportunity_id=pk, lead_id=lead, cause=page_cause(request))
    except NotClosedError as error:
        messages.error(request, why_refused(error.refusal, viewer=request.user, now=now()))
    else:
        messages.success(request, format_html("<b>{}</b> carries the deal from now on.", taker.display_name))
    return redirect("deal", pk)


@policy("deal.source")
@form_view
def sourced_by(request: SignedInRequest, pk: int) -> HttpResponse:
    """Correct who brought the deal, until its books are closed."""
    deal = _deal(pk)
    standing = deal.sourcings.order_by("-id").first()
    if standing and now() >= (closed_at := sourcing.closes_at(standing)):
        context = {"deal": deal, "standing": standing, "closed": sourcing.closed_since(closed_at)}
        return render(request, "leads/deal_sourced_by.html", context, status=409)
    form = deal_forms.SourcedByForm(request.POST or None, initial={"sourced_by": deal.sourced_by})
    if form.is_valid():
        try:
            sourcing.correct(opportunity_id=pk, cause=page_cause(request), **form.cleaned_data)
        except sourcing.SourcingError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Corrected. The rule's own answer stays beside it.")
            return redirect("deal", pk)
    context = {"deal": deal, "form": form, "standing": standing}
    return form_page(request, "leads/deal_sourced_by.html", context)


@policy("deal.edit")
@require_POST
def distinct(request: SignedInRequest, pk: int, other: int) -> HttpResponse:
    """Two deals that look alike are two."""
    deal = _deal(pk)
    require(request.user, "deal.edit", whose(deal))
    apart = get_object_or_404(Opportunity, pk=other, account=deal.account_id)
    deal_likeness.tell_apart(opportunity_id=pk, others=[apart.pk], cause=page_cause(request))
    return redirect("deal", pk)
