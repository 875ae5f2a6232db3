"""The set-up pages of the reasons: the list that both sides own, and what is proposed to change in it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from alignment.lib.form_pages import form_page, form_view
from alignment.people.models import Company, Side
from alignment.people.permissions import policy, require
from alignment.people.requests import SignedInRequest
from leads import reasons
from leads.models import LeadTransition, Reason, ReasonProposal
from leads.models.reason_proposal import Change
from leads.models.stage import ReasonKind

COUNTED_DAYS = 90
CLOSED_SHOWN = 20

WHY = forms.CharField(
    label="Why", max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), help_text="The other side reads it."
)


class ProposalForm(forms.Form):
    """A reason as it should be. What follows from a reason, only a rejection has to say."""

    label = forms.CharField(label="Words", max_length=80, help_text="What a rep chooses, in few words.")
    counts_as_miss = forms.BooleanField(
        label="Counts as marketing's miss",
        required=False,
        help_text="The lead was none that marketing should have handed over.",
    )
    proposes_recycle = forms.BooleanField(
        label="Proposes recycling with a date", required=False, help_text="For “not now”: the lead comes back."
    )
    means_duplicate = forms.BooleanField(
        label="Means a duplicate", required=False, help_text="Asks which lead it is, and merges them."
    )
    why = WHY

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kind != ReasonKind.REJECT:
            for name in reasons.FIELDS[1:]:
                del self.fields[name]

    def clean_label(self) -> str:
        return " ".join(self.cleaned_data["label"].split())


class WhyForm(forms.Form):
    why = WHY


class DeclineForm(forms.Form):
    why = forms.CharField(max_length=2000, error_messages={"required": "Say why not: the other side reads it."})


@policy("reasons.view")
@require_GET
def setup_reasons(request: SignedInRequest) -> HttpResponse:
    """The three lists, what waits for a signature, and what was agreed before."""
    return _page(request)


def _page(request: SignedInRequest, status: int = 200, **more: Any) -> HttpResponse:
    proposals = ReasonProposal.objects.select_related(
        "reason", "proposed_by", "closed_by", "marketing_signed_by", "sales_signed_by"
    )
    company = Company.objects.select_related("marketing_head", "sales_head").get(pk=1)
    context = {
        "lists": _lists(),
        "open": list(proposals.open().order_by("id")),
        "closed": list(proposals.exclude(verdict="").order_by("-closed_at")[:CLOSED_SHOWN]),
        "company": company,
        "days": COUNTED_DAYS,
        "signs_for": set(reasons.sides_signed_by(request.user, company)),
        "sides": [(Side.MARKETING, company.marketing_head), (Side.SALES, company.sales_head)],
    }
    return render(request, "reasons/reasons.html", context | more, status=status)


def _lists() -> list[tuple[ReasonKind, list[Reason]]]:
    """The reasons of each kind with how often each was given of late; two queries."""
    since = now() - timedelta(days=COUNTED_DAYS)
    used = dict(
        LeadTransition.objects.filter(recorded_at__gte=since, reason__isnull=False, reverted_by=None)
        .values_list("reason")
        .annotate(n=Count("pk"))
        .order_by()
    )
    rows: dict[str, list[Any]] = {kind: [] for kind in ReasonKind}
    waiting = Count("proposals", filter=Q(proposals__verdict="", proposals__isnull=False))
    for reason in Reason.objects.filter(is_offered=True).annotate(waiting=waiting).order_by("position", "pk"):
        reason.used = used.get(reason.pk, 0)  # type: ignore[attr-defined]
        rows[reason.kind].append(reason)
    # Retired ones last, in the order that they had.
    return [(kind, sorted(rows[kind], key=lambda reason: reason.retired_at is not None)) for kind in ReasonKind]


@policy("reasons.propose")
@form_view
def setup_reason_new(request: SignedInRequest) -> HttpResponse:
    asked = request.GET.get("kind", "")
    kind = ReasonKind(asked) if asked in ReasonKind.values else ReasonKind.REJECT
    form = ProposalForm(request.POST or None, kind=kind)
    return _proposed(request, form, kind=kind, change=Change.ADD, reason=None)


@policy("reasons.propose")
@form_view
def setup_reason(request: SignedInRequest, pk: int) -> HttpResponse:
    reason = get_object_or_404(Reason, pk=pk, is_offered=True)
    initial = {name: getattr(reason, name) for name in reasons.FIELDS}
    form = ProposalForm(request.POST or None, kind=reason.kind, initial=initial)
    return _proposed(request, form, kind=ReasonKind(reason.kind), change=Change.EDIT, reason=reason)


@policy("reasons.propose")
@form_view
def setup_reason_retire(request: SignedInRequest, pk: int) -> HttpResponse:
    """Propose to retire a reason, or to take a retired one up again."""
    reason = get_object_or_404(Reason, pk=pk, is_offered=True)
    change = Change.TAKE_UP if reason.retired_at else Change.RETIRE
    form = WhyForm(request.POST or None)
    return _proposed(request, form, kind=ReasonKind(reason.kind), change=change, reason=reason)


def _proposed(
    request: SignedInRequest, form: forms.Form, *, kind: ReasonKind, change: Change, reason: Reason | None
) -> HttpResponse:
    if form.is_valid():
        wanted = dict(form.cleaned_data)
        why = wanted.pop("why")
        try:
            proposal = reasons.propose(
                kind=kind,
                change=change,
                why=why,
                by=request.user,
                reason_id=reason.pk if reason else None,
                wanted=wanted,
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            said = (
                "Both sides signed: it is in force." if proposal.verdict else "Proposed. It waits for its signatures."
            )
            messages.success(request, said)
            return redirect("setup_reasons")
    context = {"form": form, "kind": kind, "change": change, "reason": reason}
    return form_page(request, "reasons/propose.html", context)


@policy("reasons.order")
@require_POST
def setup_reason_move(request: SignedInRequest, pk: int) -> HttpResponse:
    get_object_or_404(Reason.objects.filter(retired_at=None, is_offered=True), pk=pk)
    reasons.move(reason_id=pk, down=request.POST.get("down") == "1", by=request.user)
    return redirect("setup_reasons")


# Signatures ---------------------------------------------------------------------------------------------------


@policy("reasons.sign")
@require_POST
def setup_reason_sign(request: SignedInRequest, pk: int) -> HttpResponse:
    get_object_or_404(ReasonProposal, pk=pk)
    require(request.user, "reasons.sign", Company.get())
    return _answered(request, lambda: reasons.sign(proposal_id=pk, by=request.user), "Signed.")


@policy("reasons.sign")
@require_POST
def setup_reason_decline(request: SignedInRequest, pk: int) -> HttpResponse:
    get_object_or_404(ReasonProposal, pk=pk)
    require(request.user, "reasons.sign", Company.get())
    form = DeclineForm(request.POST)
    if not form.is_valid():
        return _page(request, status=422, declining=pk, decline_form=form)
    why = form.cleaned_data["why"]
    return _answered(request, lambda: reasons.decline(proposal_id=pk, by=request.user, why=why), "Declined.")


@policy("reasons.withdraw")
@require_POST
def setup_reason_withdraw(request: SignedInRequest, pk: int) -> HttpResponse:
    require(
        request.user, "reasons.withdraw", get_object_or_404(ReasonProposal.objects.select_related("proposed_by"), pk=pk)
    )
    return _answered(request, lambda: reasons.withdraw(proposal_id=pk, by=request.user), "Withdrawn.")


def _answered(request: SignedInRequest, verb: Callable[[], object], said: str) -> HttpResponse:
    """Back to the list; 409 where somebody was first."""
    try:
        verb()
    except ValidationError as refusal:
        return _page(request, status=409, refusal=refusal.message)
    messages.success(request, said)
    return redirect("setup_reasons")
