"""What a rep fills in to reject a lead or to recycle it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone

from alignment.lib.days import validate_day
from leads.forms import DateInput, MoveForm, ReasonField
from leads.merging import twins
from leads.models import Lead, NurtureTrack

LOOK_AGAIN_DAYS = 90
"""What a reason that proposes recycling proposes."""


def _tracks() -> QuerySet[NurtureTrack]:
    return NurtureTrack.objects.filter(retired_at=None)


class RejectForm(MoveForm):
    """A rejection. A reason that proposes recycling asks for the day in place; ticked, the lead is recycled instead."""

    template_name = "leads/_reject_form.html"
    template_name_div = template_name

    reason = ReasonField("reject", label="Why is this not sales-ready?")
    instead = forms.BooleanField(label="Recycle it, and look again on", required=False)
    revisit_on = forms.DateField(label="Look again on", required=False, widget=DateInput, validators=[validate_day])
    track = forms.ModelChoiceField(_tracks(), label="Nurture track", required=False, empty_label="No track")
    same_as = forms.CharField(
        label="Which lead is it?",
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"list": "twins", "autocomplete": "off"}),
        help_text="Its number, e-mail address or name: the two become one lead. Blank: rejected without merging.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].label = "Note for marketing"
        again = timezone.localdate() + timedelta(days=LOOK_AGAIN_DAYS)
        self.initial = {"instead": True, "revisit_on": again, **(self.initial or {})}

    @property
    def twins(self) -> Sequence[Lead]:
        """What the field for the other lead suggests."""
        return twins.suggested(self.lead)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        reason = data.get("reason")
        data["instead"] = bool(data.get("instead") and reason and reason.proposes_recycle)
        data["same_as"] = self._named(data.get("same_as", "")) if reason and reason.means_duplicate else None
        if data["instead"]:
            self._check_day(data)
        else:
            # What stands in fields that the reason does not show is nobody's mistake.
            for name in ("revisit_on", "track"):
                self.errors.pop(name, None)
        return data

    def _check_day(self, data: dict[str, Any]) -> None:
        if "revisit_on" in data and not data["revisit_on"]:
            self.add_error("revisit_on", "Say when to look at it again.")
        elif data.get("revisit_on") and data["revisit_on"] <= timezone.localdate():
            self.add_error("revisit_on", "Choose a day that is still to come.")

    def _named(self, text: str) -> Lead | None:
        other = twins.named(text, beside=self.lead) if text else None
        if text and other is None:
            self.add_error("same_as", "This names no other lead, or several: give its number or e-mail address.")
        return other


class RecycleForm(MoveForm):
    reason = ReasonField("recycle", label="Why not now?", required=False)
    track = forms.ModelChoiceField(_tracks(), label="Nurture track", required=False, empty_label="No track")
    revisit_on = forms.DateField(
        label="Look again on", required=False, widget=DateInput, validators=[validate_day],
        help_text="Blank: when the track says so.",
    )  # fmt: skip

    def clean_revisit_on(self) -> Any:
        day = self.cleaned_data["revisit_on"]
        if day and day <= timezone.localdate():
            raise ValidationError("Choose a day that is still to come.")
        return day

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("track") and "revisit_on" in data and not data["revisit_on"]:
            data["revisit_on"] = timezone.localdate() + timedelta(days=data["track"].revisit_after_days)
        return data
