"""The reasons for which clocks may be paused."""

from django.contrib import messages
from django.db.models import Max
from django.db.models.functions import Now
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.text import slugify
from django.views.decorators.http import require_POST

from alignment.lib.form_pages import form_page, form_view
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest
from sla.forms import PauseReasonForm
from sla.models import PauseReason


@policy("promise.manage")
@form_view
def setup_pause_new(request: SignedInRequest) -> HttpResponse:
    form = PauseReasonForm(request.POST or None)
    if form.is_valid():
        reason = form.save(commit=False)
        reason.key = _free_key(reason.name)
        reason.position = (PauseReason.objects.aggregate(Max("position"))["position__max"] or 0) + 1
        reason.save()
        messages.success(request, f"“{reason}” is there. Rules that allow it say so.")
        return redirect("setup_slas")
    return form_page(request, "sla/pause_reason.html", {"form": form})


@policy("promise.manage")
@form_view
def setup_pause(request: SignedInRequest, pk: int) -> HttpResponse:
    """Pauses that run keep the cap that they began with."""
    reason = get_object_or_404(PauseReason, pk=pk)
    form = PauseReasonForm(request.POST or None, instance=reason)
    if form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("setup_slas")
    return form_page(request, "sla/pause_reason.html", {"form": form, "reason": reason})


@policy("promise.manage")
@require_POST
def setup_pause_retire(request: SignedInRequest, pk: int) -> HttpResponse:
    reason = get_object_or_404(PauseReason, pk=pk)
    PauseReason.objects.filter(pk=pk).update(retired_at=None if reason.retired_at else Now())
    messages.success(request, "Saved.")
    return redirect("setup_slas")


def _free_key(name: str) -> str:
    key = slugify(name)[:30] or "pause"
    taken = set(PauseReason.objects.filter(key__startswith=key).values_list("key", flat=True))
    return next(each for each in (key, *(f"{key}-{n}" for n in range(2, 10_000))) if each not in taken)
