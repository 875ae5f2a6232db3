"""Disputes in the browser: contesting a move, the list, and what each side and RevOps say."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe

from alignment.lib.form_pages import form_page, form_view
from alignment.people.permissions import can, policy, require
from alignment.people.requests import SignedInRequest
from leads.models import Lead
from sla import disputes
from sla.models import Dispute, DisputeKind
from sla.models.dispute import Verdict

RELATED = (
    "lead", "transition__reason", "transition__actor", "raised_by", "asked", "answered_by", "closed_by", "remedy",
)  # fmt: skip
SHOWN = 200


class ContestForm(forms.Form):
    evidence = forms.CharField(
        label="What speaks against it",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What the buyer said or did, and where one can see it. The other side's manager reads it.",
    )
    evidence_url = forms.URLField(label="Link to it", required=False, max_length=500, assume_scheme="https")


class AnswerForm(forms.Form):
    text = forms.CharField(
        label="Your answer", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), strip=True,
        error_messages={"required": "Say why: the other side reads it."},
    )  # fmt: skip
    agrees = forms.ChoiceField(choices=[("yes", "yes"), ("no", "no")])


class VerdictForm(forms.Form):
    why = forms.CharField(
        label="Why", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why: both sides read it."},
    )  # fmt: skip
    verdict = forms.ChoiceField(choices=Verdict.choices)


@policy("dispute.raise")
@form_view
def contest(request: SignedInRequest, pk: int) -> HttpResponse:
    """Contest the move of a lead that `request.user` may contest; 409 where there is none."""
    lead = get_object_or_404(Lead.objects.standing().select_related("stage", "owner"), pk=pk)
    found = disputes.contestable(lead, request.user)
    if found is None:
        context = {"lead": lead, "open": Dispute.objects.open().filter(lead=lead).first()}
        return render(request, "disputes/nothing.html", context, status=409)
    form = ContestForm(request.POST or None)
    if form.is_valid():
        try:
            dispute = disputes.contest(lead_id=pk, by=request.user, **form.cleaned_data)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, f"Contested. {dispute.asked or 'RevOps'} answers within 48 hours.")
            return redirect("dispute", dispute.pk)
    shown = {"lead": lead, "kind": found[0], "move": found[1], "form": form}
    return form_page(request, "disputes/contest.html", shown)


@policy("dispute.view")
@require_safe
def dispute_list(request: SignedInRequest) -> HttpResponse:
    """Open ones, the first due first; or, with `decided`, the newest verdicts."""
    is_decided = request.GET.get("view") == "decided"
    found = Dispute.objects.select_related(*RELATED)
    rows = found.exclude(verdict="").order_by("-closed_at") if is_decided else found.open().order_by("due_at", "pk")
    context = {"disputes": rows[:SHOWN], "is_decided": is_decided, "now": now(), "kinds": DisputeKind}
    return render(request, "disputes/disputes.html", context)


@policy("dispute.view")
@require_safe
def dispute(request: SignedInRequest, pk: int) -> HttpResponse:
    return _page(request, pk)


def _page(request: SignedInRequest, pk: int, status: int = 200, **more: Any) -> HttpResponse:
    found = get_object_or_404(Dispute.objects.select_related(*RELATED, "transition__note"), pk=pk)
    may_answer = not found.verdict and not found.answered_at and can(request.user, "dispute.answer", found)
    may_decide = bool(found.escalated_at and not found.verdict and can(request.user, "dispute.decide", found))
    context = {
        "dispute": found, "now": now(), "may_answer": may_answer, "may_decide": may_decide,
        "answer_form": AnswerForm(), "verdict_form": VerdictForm(),
    }  # fmt: skip
    return render(request, "disputes/dispute.html", context | more, status=status)


@policy("dispute.answer")
@require_POST
def dispute_answer(request: SignedInRequest, pk: int) -> HttpResponse:
    require(request.user, "dispute.answer", get_object_or_404(Dispute, pk=pk))
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _page(request, pk, status=422, answer_form=form)
    data = form.cleaned_data
    return _written(
        request,
        pk,
        lambda: disputes.answer(dispute_id=pk, agrees=data["agrees"] == "yes", text=data["text"], by=request.user),
    )


@policy("dispute.decide")
@require_POST
def dispute_decide(request: SignedInRequest, pk: int) -> HttpResponse:
    require(request.user, "dispute.decide", get_object_or_404(Dispute, pk=pk))
    form = VerdictForm(request.POST)
    if not form.is_valid():
        return _page(request, pk, status=422, verdict_form=form)
    data = form.cleaned_data
    verdict = Verdict(data["verdict"])
    return _written(
        request, pk, lambda: disputes.decide(dispute_id=pk, verdict=verdict, why=data["why"], by=request.user)
    )


def _written(request: SignedInRequest, pk: int, verb: Callable[[], Dispute]) -> HttpResponse:
    """Back to the dispute; 409 where somebody was first."""
    try:
        said = verb().state
    except ValidationError as refusal:
        return _page(request, pk, status=409, refusal=refusal.message)
    messages.success(request, f"{said}.")
    return redirect("dispute", pk)
