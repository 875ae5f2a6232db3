"""Editing accounts, since when they are customers, and the rules for deals."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from alignment.lib.form_pages import form_view
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest
from leads import accounts
from leads.deals import customers, sourcing
from leads.deals import forms as deal_forms
from leads.hands import salespeople
from leads.models import Account, CustomerPeriod, DealRules
from leads.views.moving import page_cause


@policy("account.edit")
@form_view
def edit(request: SignedInRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(Account, pk=pk)
    form = deal_forms.AccountForm(request.POST or None, instance=account, people=salespeople())
    if form.is_valid():
        accounts.change(account_id=pk, changes=form.cleaned_data, cause=page_cause(request))
        messages.success(request, "Saved.")
        return redirect("account", pk)
    # The form has written into `account` what was typed.
    known = get_object_or_404(Account, pk=pk)
    return render(request, "leads/account_edit.html", {"account": known, "form": form}, status=_status(form.is_bound))


@policy("account.customer")
@form_view
def customer(request: SignedInRequest, pk: int) -> HttpResponse:
    """Since when the account is a customer, and until when."""
    account = get_object_or_404(Account, pk=pk)
    period = CustomerPeriod.objects.filter(account=account).last()
    form = deal_forms.CustomerForm(request.POST or None, period=period)
    if form.is_valid():
        try:
            customers.say(account_id=pk, today=timezone.localdate(), cause=page_cause(request), **form.cleaned_data)
        except customers.CustomerError as error:
            form.add_error(error.field, str(error))
        else:
            messages.success(request, "Saved.")
            return redirect("account", pk)
    context = {"account": account, "form": form}
    return render(request, "leads/account_customer.html", context, status=_status(form.is_bound))


@policy("deal.rules")
@form_view
def rules(request: SignedInRequest) -> HttpResponse:
    """How far back sourcing looks, when books close, and whose work a source is."""
    form = deal_forms.DealRulesForm(request.POST or None, instance=DealRules.objects.get())
    if form.is_valid():
        sourcing.change_rules(**form.cleaned_data, by=request.user)
        messages.success(request, "Saved. The rules hold for deals that become opportunities from now on.")
        return redirect("setup_deals")
    return render(request, "leads/deal_rules.html", {"form": form}, status=_status(form.is_bound))


def _status(is_bound: bool) -> int:
    return 422 if is_bound else 200
