"""What a write answers: a note and the way back, or for htmx the note alone and "look at this lead again"."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import trigger_client_event

from alignment.people.requests import SignedInRequest
from leads.models import Lead

REFRESH = "accord:refresh"
# Only the lead's own page listens to this topic: lists must not move under a pointer.
OWN_PAGE = {"topic": "lead", "force": True}


def way_back(request: SignedInRequest, lead: Lead) -> str:
    """The page that `next` names, if it is one of ours; else the lead's."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure()):
        return asked
    return reverse("lead", args=[lead.pk])


def done(request: SignedInRequest, lead: Lead, text: str, *, undo: str = "") -> HttpResponse:
    """It was written; `undo` is the address that takes it back."""
    messages.success(request, text, extra_tags=undo)
    return _noted(request) if request.htmx else redirect(way_back(request, lead))


def refused(request: SignedInRequest, lead: Lead, sentence: str) -> HttpResponse:
    """409: the state of the lead forbids it, usually because somebody was first."""
    if request.htmx:
        messages.error(request, sentence)
        return _noted(request, status=409)
    context = {"lead": lead, "sentence": sentence, "back": way_back(request, lead)}
    return render(request, "leads/refused.html", context, status=409)


def lacking(request: SignedInRequest, sentence: str) -> HttpResponse:
    """422 for a button without a form: what is missing, as a note."""
    messages.error(request, sentence)
    return _noted(request, status=422)


def _noted(request: SignedInRequest, status: int = 200) -> HttpResponse:
    response = render(request, "leads/_noted.html", status=status)
    return trigger_client_event(response, REFRESH, OWN_PAGE)
