"""The agreement: everybody reads it, RevOps drafts it, both heads sign it."""

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_POST, require_safe

from alignment.lib.form_pages import form_view
from alignment.lib.periods import Period, this_quarter
from alignment.ops import versions
from alignment.ops.draft_pages import as_seen
from alignment.ops.versions import StaleDraftError
from alignment.people.models import Company
from alignment.people.permissions import can, policy, require
from alignment.people.requests import SignedInRequest
from sla import agreements, history
from sla.agreement_forms import LAST_YEAR, TermsForm
from sla.agreement_page import AgreementPage
from sla.models import Agreement
from sla.promises import in_force
from sla.quarters import FiscalCalendar
from sla.terms import Terms


@policy("agreement.view")
@require_safe
def agreement(request: SignedInRequest) -> HttpResponse:
    """The one of the running fiscal quarter."""
    company = Company.get()
    today = localdate(now(), ZoneInfo(company.time_zone))
    return _document(request, FiscalCalendar.of(company).quarter(today))


@policy("agreement.view")
@require_safe
def agreement_of_quarter(request: SignedInRequest, quarter: str) -> HttpResponse:
    """What is in force for a quarter, else what waits for signatures."""
    return _document(request, _quarter(quarter))


@policy("agreement.view")
@require_safe
def agreement_version(request: SignedInRequest, quarter: str, number: int) -> HttpResponse:
    return _show(request, _quarter(quarter), _published(quarter, number))


def _document(request: SignedInRequest, quarter: Period) -> HttpResponse:
    return _show(request, quarter, in_force(quarter) or Agreement.published(str(quarter.first)))


def _show(request: SignedInRequest, quarter: Period, version: Agreement | None) -> HttpResponse:
    page = AgreementPage(user=request.user, quarter=quarter, version=version, at=now())
    context = {"page": page, "may_draft": can(request.user, "agreement.draft")}
    return render(request, "agreement/agreement.html", context)


def _quarter(scope: str) -> Period:
    """The fiscal quarter that begins on this day; 404 where none does."""
    try:
        first = date.fromisoformat(scope)
        quarter = this_quarter(first, fiscal_start=Company.get().fiscal_year_start_month)
    except ValueError as error:
        raise Http404("There is no such quarter.") from error
    if str(quarter.first) != scope:
        raise Http404("No fiscal quarter begins on this day.")
    return quarter


def _published(scope: str, number: int) -> Agreement:
    found = Agreement.objects.exclude(state=versions.VersionState.DRAFT).prefetch_related("signatures")
    return get_object_or_404(found, scope=scope, number=number)


# Drafting -----------------------------------------------------------------------------------------------------


@policy("agreement.draft")
@require_POST
def agreement_begin(request: SignedInRequest, quarter: str) -> HttpResponse:
    """A draft with the rates of the last twelve months, where there are enough cases."""
    agreements.begin(quarter=_quarter(quarter), by=request.user, rates=_rates())
    return redirect("agreement_draft", quarter)


def with_draft(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Hands the quarter and its draft to the view; where it is gone, the agreement says so."""

    @wraps(view)
    def found(request: SignedInRequest, quarter: str, **kwargs: Any) -> HttpResponse:
        period = _quarter(quarter)
        draft = Agreement.draft(quarter)
        if draft is None:
            messages.error(request, "There is no draft any more.")
            return redirect("agreement_of_quarter", quarter)
        return view(request, quarter=period, draft=draft, **kwargs)

    return found


@policy("agreement.draft")
@form_view
@with_draft
def agreement_draft(request: SignedInRequest, quarter: Period, draft: Agreement) -> HttpResponse:
    """The terms as a form."""
    calendar = FiscalCalendar.of(Company.get())
    form = TermsForm(
        request.POST or None, terms=Terms.read(draft.body), weeks=len(calendar.weeks(quarter)), history=_rates()
    )
    if form.is_valid():
        season, season_of = _season(form, quarter, calendar)
        if form.is_valid():  # last year may not have enough
            return _changed(request, draft, form.as_terms(season, season_of))
    context = {
        "form": form, "draft": draft, "quarter": calendar.name(quarter), "decided": _decided(),
        "currency": Company.get().currency,
    }  # fmt: skip
    return render(request, "agreement/draft.html", context, status=422 if form.is_bound else 200)


def _season(form: TermsForm, quarter: Period, calendar: FiscalCalendar) -> tuple[Any, str]:
    if form.cleaned_data["season"] != LAST_YEAR:
        return (), ""
    season, told = history.season(quarter, calendar, _zone())
    if not season:
        form.add_error("season", f"Not enough data: {told.n} MQLs in the same quarter of last year.")
    return season, f"As the {told.n:,} MQLs of {told.period} came"


@policy("agreement.draft")
@require_POST
@with_draft
def agreement_rates(request: SignedInRequest, quarter: Period, draft: Agreement) -> HttpResponse:
    """Take what history says today, wherever it has enough cases."""
    terms = Terms.read(draft.body)
    known = {key: rate for key, rate in _rates().items() if rate.value is not None}
    return _changed(request, draft, terms.with_rates(known), to="agreement_draft")


def _changed(request: SignedInRequest, draft: Agreement, terms: Terms, to: str = "agreement_publish") -> HttpResponse:
    try:
        agreements.change(draft=as_seen(request, draft), terms=terms, by=request.user)
    except StaleDraftError as stale:
        messages.error(request, str(stale))
        return redirect("agreement_draft", draft.scope)
    messages.success(request, "Saved.")
    return redirect(to, draft.scope)


@policy("agreement.draft")
@form_view
@with_draft
def agreement_publish(request: SignedInRequest, quarter: Period, draft: Agreement) -> HttpResponse:
    """The draft as the document that it would be; publishing puts it before both heads."""
    wrong: list[str] = []
    if request.method == "POST":
        try:
            note = request.POST.get("note", "").strip()[:500]
            published = agreements.publish(draft=as_seen(request, draft), by=request.user, note=note)
        except ValidationError as refusal:
            wrong = refusal.messages
        except StaleDraftError as stale:
            wrong = [str(stale)]
        else:
            messages.success(request, "Published. It is in force when both heads have signed; they were asked to.")
            return redirect("agreement_version", published.scope, published.number)
    page = AgreementPage(user=request.user, quarter=quarter, version=draft, at=now())
    context = {"page": page, "draft": draft, "wrong": wrong, "may_draft": True}
    return render(request, "agreement/publish.html", context, status=422 if wrong else 200)


@policy("agreement.draft")
@require_POST
@with_draft
def agreement_discard(request: SignedInRequest, quarter: Period, draft: Agreement) -> HttpResponse:
    if versions.discard(as_seen(request, draft)):
        messages.success(request, "The draft is gone; what was agreed stays as it is.")
    else:
        messages.error(request, "Meanwhile this draft was changed. Look at it before you discard it.")
    return redirect("agreement_of_quarter", draft.scope)


@policy("agreement.draft")
@require_POST
def agreement_restore(request: SignedInRequest, quarter: str, number: int) -> HttpResponse:
    """A draft with what an earlier version said, unless one stands."""
    try:
        versions.restore(_published(quarter, number), by=request.user)
    except versions.DraftStandsError as refusal:
        messages.error(request, str(refusal))
    return redirect("agreement_draft", quarter)


@policy("agreement.sign")
@require_POST
def agreement_sign(request: SignedInRequest, quarter: str, number: int) -> HttpResponse:
    """A head stands behind the version."""
    require(request.user, "agreement.sign", Company.get())
    version = _published(quarter, number)
    try:
        sides = agreements.sign(version_id=version.pk, by=request.user)
    except ValidationError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"Signed for {' and '.join(side.label.lower() for side in sides)}.")
    return redirect("agreement_version", quarter, number)


# What history says --------------------------------------------------------------------------------------------


def _zone() -> ZoneInfo:
    return ZoneInfo(Company.get().time_zone)


def _rates() -> Any:
    return history.rates(at=now(), zone=_zone())


def _decided() -> history.Decided:
    """Of the last twelve months."""
    return history.decided(history.last_year(now(), _zone()), _zone())
