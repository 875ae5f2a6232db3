"""Disputes in the browser: contesting, the list, and what each side and RevOps say."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format
from django.utils.timezone import localtime, now
from django.views.decorators.http import require_POST, require_safe

from alignment.lib.form_pages import form_page, form_view
from alignment.ops.exports import exported, wants_file
from alignment.people.permissions import can, policy, require
from alignment.people.requests import SignedInRequest
from leads.deals import sourcing
from leads.models import Lead, Opportunity
from leads.models.opportunity import SourcedBy
from sla import contesting, disputes
from sla.dispute_list import HEADER, DisputeList
from sla.models import Dispute, DisputeKind
from sla.models.dispute import Verdict
from sla.receipt import Frozen

RELATED = (
    "lead", "transition__reason", "transition__actor", "clock__policy", "sourcing__opportunity", "raised_by", "asked",
    "answered_by", "closed_by", "remedy", "correction",
)  # fmt: skip


class ContestForm(forms.Form):
    evidence = forms.CharField(
        label="What speaks against it",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What the buyer said or did, and where one can see it. The other side's manager reads it.",
    )
    evidence_url = forms.URLField(label="Link to it", required=False, max_length=500, assume_scheme="https")


class SourcingForm(ContestForm):
    claimed = forms.ChoiceField(label="Who brought this deal?", widget=forms.RadioSelect)

    field_order = ("claimed", "evidence", "evidence_url")

    def __init__(self, data: Any = None, *, standing: str) -> None:
        super().__init__(data)
        offered = [choice for choice in SourcedBy.choices if choice[0] != standing]
        self.fields["claimed"].choices = offered  # type: ignore[attr-defined]


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
    found = contesting.contestable(lead, request.user)
    if found is None:
        context = {"lead": lead, "open": Dispute.objects.open().filter(lead=lead).first()}
        return render(request, "disputes/nothing.html", context, status=409)
    form = ContestForm(request.POST or None)
    if form.is_valid() and (
        raised := opened(request, form, lambda said: contesting.contest_move(lead_id=pk, by=request.user, **said))
    ):
        return raised
    shown = {"lead": lead, "kind": found[0], "move": found[1], "form": form}
    return form_page(request, "disputes/contest.html", shown)


@policy("dispute.raise")
@form_view
def contest_sourcing(request: SignedInRequest, pk: int) -> HttpResponse:
    """Contest who brought a deal, until the books of its month close; 409 where that cannot be contested."""
    deal = get_object_or_404(Opportunity, pk=pk, withdrawn_at=None)
    standing = contesting.contestable_sourcing(deal)
    if standing is None:
        found = Dispute.objects.open().filter(sourcing__opportunity=deal).first()
        return render(request, "disputes/nothing.html", {"deal": deal, "open": found}, status=409)
    form = SourcingForm(request.POST or None, standing=standing.sourced_by)
    if form.is_valid() and (
        raised := opened(
            request, form, lambda said: contesting.contest_sourcing(opportunity_id=pk, by=request.user, **said)
        )
    ):
        return raised
    shown = {"deal": deal, "standing": standing, "form": form, "closes_at": sourcing.closes_at(standing)}
    return form_page(request, "disputes/sourcing.html", shown)


def opened(
    request: SignedInRequest, form: forms.Form, contest_it: Callable[[dict[str, Any]], Dispute]
) -> HttpResponse | None:
    """To the new dispute; None where it was refused, which the form then says."""
    try:
        dispute = contest_it(form.cleaned_data)
    except ValidationError as refusal:
        form.add_error(None, refusal)
        return None
    until = f" by {date_format(localtime(due), 'j F, H:i')}" if (due := dispute.answer_due_at) else ""
    messages.success(request, f"Contested. {dispute.asked or 'RevOps'} answers{until}.")
    return redirect("dispute", dispute.pk)


@policy("dispute.view")
@require_safe
def dispute_list(request: SignedInRequest) -> HttpResponseBase:
    """Open ones, the first due first; with `view=decided` the newest verdicts. `kind`, `verdict` and `days` narrow it;
    `format=csv`: all of them, a file.
    """
    narrowed = {name: request.GET.get(name, "") for name in ("kind", "verdict", "days")}
    shown = DisputeList(request.GET.get("after", ""), is_decided=request.GET.get("view") == "decided", **narrowed)
    if wants_file(request):
        name = "decided-disputes" if shown.is_decided else "open-disputes"
        return exported(request, name, HEADER, shown.lines(), of="dispute")
    return render(request, "disputes/disputes.html", {"list": shown, "now": now(), "kinds": DisputeKind.choices})


@policy("dispute.view")
@require_safe
def dispute(request: SignedInRequest, pk: int) -> HttpResponse:
    return _page(request, pk)


def _page(request: SignedInRequest, pk: int, status: int = 200, **more: Any) -> HttpResponse:
    found = get_object_or_404(Dispute.objects.select_related(*RELATED, "transition__note"), pk=pk)
    may_answer = not found.verdict and not found.answered_at and can(request.user, "dispute.answer", found)
    may_decide = found.is_decidable and can(request.user, "dispute.decide", found)
    context = {
        "dispute": found, "now": now(), "may_answer": may_answer, "may_decide": may_decide,
        "answer_form": AnswerForm(), "verdict_form": VerdictForm(),
        "receipt": Frozen.read(found.receipt) if found.receipt else None,
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
