"""Trying a promise on history, from the agreement: nothing is stored, nothing changes."""

from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from alignment.people.models import Company
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest
from leads.conditions import Names
from sla.preview import DAYS
from sla.rules_in_words import told
from sla.what_if import USUAL, WhatIfForm, try_out


@policy("what_if.view")
@require_safe
def what_if(request: SignedInRequest) -> HttpResponse:
    """The address holds what is asked, so that an answer can be shared."""
    form = WhatIfForm(request.GET if "target" in request.GET else None, initial=USUAL)
    context = {"form": form, "days": DAYS}
    if form.is_valid():
        rule, kind = form.as_rule(), form.cleaned_data["kind"]
        tried = try_out(rule, kind, at=now(), zone=ZoneInfo(Company.get().time_zone))
        context |= {"preview": tried, "tried": tried.rules[0], "rule": told([rule], Names())[0]}
    return render(request, "agreement/what_if.html", context, status=422 if form.is_bound and form.errors else 200)
