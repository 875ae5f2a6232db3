"""The set-up pages of web forms."""

import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import OuterRef, Q, Subquery, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from alignment.integrations.web_forms import setup
from alignment.integrations.web_forms.intake import SYSTEM, submit
from alignment.integrations.web_forms.models import FormKey, Outcome, Submission, Tally, WebForm
from alignment.integrations.web_forms.posting import Context
from alignment.integrations.web_forms.setup_forms import WebFormForm
from alignment.integrations.web_forms.visitor import HONEYPOT, VisitorForm
from alignment.lib.form_pages import form_page, form_view
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest
from leads.models import Lead

COUNTED_DAYS = 30
SHOWN_SUBMISSIONS = 20
TRIAL = {"email": "trial@example.com", "name": "Trial Submission", "company_name": "Trial Company"}


@policy("forms.manage")
@require_GET
def forms(request: SignedInRequest) -> HttpResponse:
    since = now().date() - timedelta(days=COUNTED_DAYS)
    newest = Submission.objects.filter(form=OuterRef("pk"), outcome=Outcome.RECEIVED).order_by("-id").values("at")[:1]
    rows = (
        WebForm.objects.select_related("source", "campaign")
        .annotate(
            received=Sum("tallies__posts", filter=Q(tallies__outcome=Outcome.RECEIVED, tallies__counted_on__gte=since)),
            others=Sum(
                "tallies__posts", filter=~Q(tallies__outcome=Outcome.RECEIVED) & Q(tallies__counted_on__gte=since)
            ),
            newest_at=Subquery(newest),
        )
        .order_by("retired_at", "name")
    )
    return render(request, "web_forms/forms.html", {"forms": rows, "days": COUNTED_DAYS})


@policy("forms.manage")
@form_view
def form_new(request: SignedInRequest) -> HttpResponse:
    form = WebFormForm(request.POST or None)
    if form.is_bound and form.is_valid():
        made = setup.make(facts=form.facts, wordings=form.wordings, by=request.user)
        messages.success(request, f"{made} is there. Copy its HTML into your website.")
        return redirect("setup_form", made.pk)
    return form_page(request, "web_forms/new.html", {"form": form})


@policy("forms.manage")
@form_view
def form_edit(request: SignedInRequest, pk: int) -> HttpResponse:
    web_form = get_object_or_404(WebForm, pk=pk)
    form = WebFormForm(request.POST or None, instance=web_form)
    if form.is_bound and form.is_valid():
        setup.change(form_id=pk, facts=form.facts, wordings=form.wordings, by=request.user)
        messages.success(request, "Saved. If fields or consents changed, copy the HTML into your website again.")
        return redirect("setup_form", pk)
    context = {"form": form, "web_form": WebForm.objects.get(pk=pk)}
    return form_page(request, "web_forms/edit.html", context)


@policy("forms.manage")
@require_GET
def form(request: SignedInRequest, pk: int) -> HttpResponse:
    """What to copy, what came in, and what was refused and why."""
    return _form_page(request, pk)


@policy("forms.manage")
@require_POST
def form_retire(request: SignedInRequest, pk: int) -> HttpResponse:
    web_form = get_object_or_404(WebForm, pk=pk)
    change = setup.take_up if web_form.retired_at else setup.retire
    change(form_id=pk, by=request.user)
    messages.success(request, "Saved.")
    return redirect("setup_form", pk)


@policy("forms.manage")
@require_POST
def form_key(request: SignedInRequest, pk: int) -> HttpResponse:
    get_object_or_404(WebForm, pk=pk)
    setup.rotate_key(form_id=pk, by=request.user)
    messages.success(
        request, "The form has a new address. Copy the HTML into your website again: the old one is closed."
    )
    return redirect("setup_form", pk)


@policy("forms.manage")
@require_POST
def form_test(request: SignedInRequest, pk: int) -> HttpResponse:
    """Send one submission all the way and take it back: what would have come of it."""
    get_object_or_404(WebForm, pk=pk)
    return _form_page(request, pk, trial=_trial(pk))


def _form_page(request: SignedInRequest, pk: int, **context: Any) -> HttpResponse:
    related = WebForm.objects.select_related("source", "campaign", "created_by")
    web_form = get_object_or_404(related, pk=pk)
    texts = list(web_form.consent_texts.filter(replaced_at=None).order_by("slot"))
    since = now().date() - timedelta(days=COUNTED_DAYS)
    counted = dict(
        Tally.objects.filter(form=pk, counted_on__gte=since)
        .values_list("outcome")
        .annotate(posts=Sum("posts"))
        .values_list("outcome", "posts")
    )
    newest = Submission.objects.filter(form=pk).select_related("lead__stage").order_by("-id")[:SHOWN_SUBMISSIONS]
    address = address_of(web_form)
    defaults = {
        "web_form": web_form,
        "address": address,
        "snippet": snippet(web_form, texts, address),
        "script": _to_copy("web_forms/tags.js.txt", {}),
        "example": json.dumps(_example(web_form, texts), indent=2, ensure_ascii=False),
        "texts": texts,
        "counts": [(outcome.label, counted.get(outcome.value, 0), outcome) for outcome in Outcome],
        "days": COUNTED_DAYS,
        "submissions": newest,
    }
    return render(request, "web_forms/form.html", defaults | context)


def address_of(web_form: WebForm) -> str:
    """Where a website posts this form to."""
    key = FormKey.objects.get(form=web_form, replaced_at=None).key
    return settings.BASE_URL + reverse("web_form", args=[key])


def snippet(web_form: WebForm, texts: list[Any], address: str) -> str:
    """The HTML to copy."""
    shown = VisitorForm(web_form, texts)
    context = {"form": web_form, "asked": shown.asked, "texts": texts, "address": address, "honeypot": HONEYPOT}
    return _to_copy("web_forms/snippet.txt", context)


def _to_copy(template: str, context: dict[str, Any]) -> str:
    """HTML as text: cut out of what is rendered it is no longer marked as safe, and a page that shows it escapes it."""
    return render_to_string(template, context).strip() + "\n"


def _example(web_form: WebForm, texts: list[Any]) -> dict[str, Any]:
    """A submission that this form receives, as JSON says it."""
    filled: dict[str, Any] = {}
    for field in VisitorForm(web_form, texts).asked:
        filled[field.name] = TRIAL.get(field.name) or (field.choices[0] if field.choices else field.label)
    return filled | {f"consent_{text.slot}": text.version for text in texts}


def _trial(pk: int) -> dict[str, Any]:
    """What one submission would do. All of it runs, and nothing of it stays."""
    web_form = WebForm.objects.select_related("source", "campaign").get(pk=pk)
    texts = list(web_form.consent_texts.order_by("slot", "version"))
    data = _example(web_form, [text for text in texts if text.replaced_at is None])
    filled = VisitorForm(web_form, texts, data)
    if not filled.is_valid():
        return {"problems": filled.problems}
    with transaction.atomic():
        taken = submit(filled=filled, context=Context(submission_id=f"trial-{now():%Y%m%d%H%M%S%f}"))
        lead = Lead.objects.select_related("stage", "source", "campaign").get(form_submissions=taken.submission)
        touch = lead.touchpoints.filter(system=SYSTEM).latest("pk")
        transaction.set_rollback(True)
    return {"lead": lead, "is_new": taken.submission.is_new_lead, "touch": touch, "texts": filled.agreed}
