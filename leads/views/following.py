"""What comes next with a lead, from its page and from the queue: the next step, and letting it sleep."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST
from django_htmx.http import reswap, retarget

from alignment.lib.days import validate_day
from alignment.people.permissions import policy, require
from alignment.people.requests import SignedInRequest
from leads import following
from leads.forms import DateInput
from leads.models import Lead
from leads.views import answers
from leads.views.moving import page_cause


def _to_come(day: Any) -> None:
    if day < timezone.localdate():
        raise ValidationError("Choose today or a day that is still to come.")


def _in(days: int) -> date:
    """So many days ahead, or the Monday after that weekend: what is proposed should be a day at work."""
    day = timezone.localdate() + timedelta(days=days)
    return day + timedelta(days=7 - day.weekday() if day.weekday() > 4 else 0)


class StepForm(forms.Form):
    """The next step with its day."""

    step = forms.CharField(
        label="Next step",
        max_length=following.STEP_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "data-key": "t", "placeholder": "What comes next"}),
        error_messages={"required": "Say what comes next."},
    )
    on = forms.DateField(label="On", widget=DateInput, validators=[_to_come, validate_day])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "step_%s"
        self.initial = {"on": _in(days=1), **(self.initial or {})}


class SnoozeForm(forms.Form):
    """Until when; blank wakes the lead up."""

    until = forms.DateField(label="Until", required=False, widget=DateInput, validators=[validate_day])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "snooze_%s"
        self.initial = {"until": _in(days=3), **(self.initial or {})}

    def clean_until(self) -> Any:
        day = self.cleaned_data["until"]
        if day and day <= timezone.localdate():
            raise ValidationError("Choose a day that is still to come.")
        return day


def forms_for(lead: Lead, follow_up: Any) -> dict[str, Any]:
    """What `leads/_follow_up.html` shows of this lead; `follow_up` is its plan for this pass, or None."""
    return {"lead": lead, "follow_up": follow_up, "step_form": StepForm(), "snooze_form": SnoozeForm()}


@policy("lead.follow_up")
@require_POST
def step(request: SignedInRequest, pk: int) -> HttpResponse:
    """Plan the next step; with `done` the planned one is done."""
    lead = _open(request, pk)
    if "done" in request.POST:
        following.done(lead_ids=[pk], cause=page_cause(request))
        return answers.done(request, lead, format_html("Done. <b>{}</b> has no next step now.", lead.display_name))
    form = StepForm(request.POST)
    if not form.is_valid():
        return _asked(request, lead, step_form=form)
    data = form.cleaned_data
    following.plan(lead_ids=[pk], step=data["step"], on=data["on"], cause=page_cause(request))
    text = format_html("Next with <b>{}</b> on {}: {}.", lead.display_name, f"{data['on']:%-d %B}", data["step"])
    return answers.done(request, lead, text)


@policy("lead.follow_up")
@require_POST
def snooze(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let a lead sleep until a day; with `wake` it wakes up."""
    lead = _open(request, pk)
    form = SnoozeForm({} if "wake" in request.POST else request.POST)
    if not form.is_valid():
        return _asked(request, lead, snooze_form=form)
    until = form.cleaned_data["until"]
    following.snooze(lead_ids=[pk], until=until, cause=page_cause(request))
    said = f"sleeps until {until:%-d %B}; its promise runs on" if until else "is awake"
    return answers.done(request, lead, format_html("<b>{}</b> {}.", lead.display_name, said))


def _open(request: SignedInRequest, pk: int) -> Lead:
    """Raises Http404 for a lead that is not under way."""
    lead = get_object_or_404(Lead.objects.standing().filter(outcome="").select_related("owner", "stage"), pk=pk)
    require(request.user, "lead.follow_up", lead)
    return lead


def _asked(request: SignedInRequest, lead: Lead, **bound: forms.Form) -> HttpResponse:
    plan = getattr(lead, "follow_up", None)
    context = forms_for(lead, plan if plan and plan.pass_no == lead.pass_no else None) | bound
    context["back"] = answers.way_back(request, lead)
    if not request.htmx:
        return render(request, "leads/follow_up.html", context, status=422)
    return reswap(retarget(render(request, "leads/_follow_up.html", context, status=422), "#follow-up"), "outerHTML")
