"""One clock: what was promised and why, its story, its receipt; and pausing and contesting it."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from alignment.people.models import User
from alignment.people.permissions import can, policy, require
from alignment.people.requests import SignedInRequest
from leads.conditions import Names, sentence
from leads.lifecycle import database_now
from leads.views.moving import page_cause
from sla import contesting, handing_over, pausing
from sla.dispute_views import ContestForm, opened
from sla.forms import PauseForm
from sla.matching import condition_of
from sla.models import Clock, Dispute, EventKind
from sla.receipt import receipt
from sla.standings import Standings
from sla.subjects import subject


def _clock(pk: int) -> Clock:
    rows = Clock.objects.select_related("policy__version", "lead__owner", "lead__team", "calendar")
    return get_object_or_404(rows, pk=pk, lead__withdrawn_at=None)


@dataclass(frozen=True, slots=True)
class Held:
    """Whoever a subject is in the hands of, as the policy table asks for it."""

    owner: User | None

    @property
    def owner_id(self) -> int | None:
        return self.owner.pk if self.owner else None


def _held(clock: Clock) -> Held:
    return Held(Standings([clock]).of(clock).holder)


@policy("lead.view")
@require_GET
def clock(request: SignedInRequest, pk: int) -> HttpResponse:
    """The page of a clock."""
    return _page(request, pk)


def _page(
    request: SignedInRequest, pk: int, status: int = 200, contest_form: ContestForm | None = None
) -> HttpResponse:
    at, one = database_now(), _clock(pk)
    about = subject(one.subject_kind)
    events = list(one.events.exclude(kind=EventKind.PARKED).select_related("actor").order_by("at", "id"))
    condition = condition_of(one.policy)
    is_breached = one.is_breached(at)
    dispute = Dispute.objects.filter(clock=one).select_related("raised_by").first()
    context = {
        "clock": one, "words": about.words, "subject": about, "standing": Standings([one]).of(one), "events": events,
        "at": at,
        "why": sentence(condition, Names()) if condition.of else "", "receipt": receipt(one, at),
        "is_breached": is_breached, "is_excused": one.is_excused(at), "dispute": dispute,
        "contest_form": contest_form or ContestForm(),
        "pause_form": PauseForm(keys=one.policy.pauses),
        "may_pause": can(request.user, "clock.pause", _held(one)) and one.is_running and not is_breached,
        "may_hand_over": can(request.user, "lead.assign") and not handing_over.why_not(one),
    }  # fmt: skip
    return render(request, "sla/clock.html", context, status=status)


@policy("clock.pause")
@require_POST
def clock_pause(request: SignedInRequest, pk: int) -> HttpResponse:
    one = _clock(pk)
    require(request.user, "clock.pause", _held(one))
    form = PauseForm(request.POST, keys=one.policy.pauses)
    if not form.is_valid():
        messages.error(request, "Choose one of the reasons that this promise may be paused for.")
        return redirect("clock", pk)
    done = pausing.pause(
        clock_ids=[pk], reason=form.cleaned_data["reason"], note=form.cleaned_data["note"], cause=page_cause(request)
    )
    _told(request, done, "The clock stands still.")
    return redirect("clock", pk)


@policy("clock.pause")
@require_POST
def clock_resume(request: SignedInRequest, pk: int) -> HttpResponse:
    require(request.user, "clock.pause", _held(_clock(pk)))
    done = pausing.resume(clock_ids=[pk], cause=page_cause(request))
    _told(request, done, "The clock goes on.")
    return redirect("clock", pk)


@policy("lead.assign")
@require_POST
def clock_hand_over(request: SignedInRequest, pk: int) -> HttpResponse:
    """Carry the proposal out: the lead goes to whom routing finds instead."""
    _clock(pk)
    try:
        passed = handing_over.hand_over(clock_id=pk, by=request.user)
    except ValidationError as refusal:
        messages.error(request, refusal.messages[0])
    else:
        if passed.to:
            messages.success(request, f"{passed.to} has it now. The buyer's clock goes on.")
        else:
            messages.error(request, "Routing knows nobody else for it. Choose somebody by hand.")
    return redirect("clock", pk)


@policy("clock.contest")
@require_POST
def clock_contest(request: SignedInRequest, pk: int) -> HttpResponse:
    """Contest the breach: it becomes a dispute, which the other side answers."""
    _clock(pk)
    form = ContestForm(request.POST)
    raised = form.is_valid() and opened(
        request, form, lambda said: contesting.contest_breach(clock_id=pk, by=request.user, **said)
    )
    return raised or _page(request, pk, status=422, contest_form=form)


def _told(request: SignedInRequest, done: pausing.Paused, words: str) -> None:
    if done.clock_ids:
        messages.success(request, words)
    for why in done.refused.values():
        messages.error(request, why)
