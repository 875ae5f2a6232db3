"""The page on which people make, see and revoke the API tokens that act for them, and RevOps' page of everybody's."""

from typing import Any

from django.contrib import messages
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from alignment.lib.form_pages import form_view
from alignment.people import tokens as verbs
from alignment.people.forms import TokenForm
from alignment.people.models import ApiToken
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest


@policy("account.self")
@form_view
@never_cache
def tokens(request: SignedInRequest) -> HttpResponse:
    """The list, and a form for another one; the answer to the form is the only page that shows a token's text."""
    form = TokenForm(request.POST or None)
    if form.is_valid():
        token, text = verbs.make(user=request.user, **form.cleaned_data)
        return _page(request, TokenForm(), made=token, text=text)
    return _page(request, form, status=422 if form.is_bound else 200)


@policy("account.self")
@require_POST
def revoke(request: SignedInRequest, pk: int) -> HttpResponse:
    if ApiToken.objects.filter(pk=pk, user=request.user).exists():
        token = verbs.revoke(token_id=pk, by=request.user)
        messages.success(request, f"“{token}” is revoked: nothing can use it any more.")
    else:
        messages.error(request, "You have no such token.")
    return redirect("account_tokens")


@policy("tokens.manage")
@require_GET
def everybodys(request: SignedInRequest) -> HttpResponse:
    """What acts for whom: those in use first, each with its person, and what was used last on top."""
    at = now()
    known = ApiToken.objects.select_related("user__team").order_by(F("last_used_at").desc(nulls_last=True), "-pk")
    rows = [(token, token.state(at)) for token in known]
    return render(
        request, "people/everybodys_tokens.html", {"tokens": sorted(rows, key=lambda row: row[1] != "active")}
    )


@policy("tokens.manage")
@require_POST
def revoke_any(request: SignedInRequest, pk: int) -> HttpResponse:
    try:
        token = verbs.revoke(token_id=pk, by=request.user)
    except ApiToken.DoesNotExist:
        messages.error(request, "There is no such token.")
    else:
        messages.success(request, f"“{token}” of {token.user} is revoked: nothing can use it any more.")
    return redirect("setup_tokens")


def _page(request: SignedInRequest, form: TokenForm, status: int = 200, **made: Any) -> HttpResponse:
    at = now()
    rows = [(token, token.state(at)) for token in ApiToken.objects.filter(user=request.user).order_by("-created")]
    return render(request, "people/tokens.html", {"form": form, "tokens": rows, **made}, status=status)
