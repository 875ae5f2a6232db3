"""Forms of the set-up of promises. They validate; the verbs of this package write."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from alignment.people.models import WorkingCalendar
from sla.models import PauseReason, TargetUnit
from sla.rules import LONGEST, Rule, floor_mistake


class RuleForm(forms.Form):
    """A rule without its condition."""

    name = forms.CharField(max_length=120, help_text="What people read: “Sales answers every lead within 48 hours”.")
    is_promised = forms.BooleanField(
        label="Something is promised", required=False, help_text="Off: leads that this rule is about have no clock."
    )
    target = forms.IntegerField(label="Within", min_value=1, max_value=LONGEST)
    unit = forms.ChoiceField(label="Counted in", choices=TargetUnit)
    floor_hours = forms.IntegerField(
        label="At the earliest after so many working hours", min_value=0, max_value=200, required=False,
        help_text="For elapsed hours: 48 hours given on a Friday night are then not due before Monday’s end. 0: off.",
    )  # fmt: skip
    calendar = forms.ModelChoiceField(
        WorkingCalendar.objects.none(), required=False, empty_label="The territory’s, the holder’s or the company’s",
        help_text="Whose working hours count. What a clock began with, it keeps.",
    )  # fmt: skip
    reminders = forms.CharField(
        required=False, label="Remind the holder after per cent of the time",
        help_text="In their working hours, each once. As “50, 75, 90”; blank: never.",
    )  # fmt: skip
    propose_after = forms.IntegerField(
        label="Propose to hand over, working hours after a breach", min_value=0, max_value=200, required=False,
        help_text="To the manager of the team. 0: never.",
    )  # fmt: skip
    hands_over = forms.BooleanField(
        label="Hand it over by itself then", required=False,
        help_text="A lead goes to whom routing finds instead. Counts once both heads have signed it for this version; "
        "until then the manager is asked.",
    )  # fmt: skip
    heads_after = forms.IntegerField(
        label="Tell both heads, business days after a breach", min_value=0, max_value=60, required=False,
        help_text="The last step. 0: never.",
    )  # fmt: skip
    pauses = forms.MultipleChoiceField(
        label="May be paused for", required=False, widget=forms.CheckboxSelectMultiple, choices=()
    )

    def __init__(self, data: Any = None, *, rule: Rule | None = None, initial: Any = None) -> None:
        super().__init__(data, initial=initial or (shown(rule) if rule else None))
        calendar = self.fields["calendar"]
        calendar.queryset = WorkingCalendar.objects.filter(retired_at=None).order_by("name")  # type: ignore[attr-defined]
        offered = PauseReason.objects.filter(retired_at=None)
        self.fields["pauses"].choices = [  # type: ignore[attr-defined]
            (each.key, f"{each.name} (at most {each.cap_hours} hours)") for each in offered
        ]

    def clean_reminders(self) -> list[int]:
        """The percentages, in order."""
        given = [part.strip().removesuffix("%").strip() for part in self.cleaned_data["reminders"].split(",")]
        parts = [part for part in given if part]
        if not all(part.isascii() and part.isdecimal() and 0 < int(part) < 100 for part in parts):
            raise ValidationError("Write numbers from 1 to 99 with commas between: 50, 75, 90.")
        return sorted({int(part) for part in parts})

    def clean(self) -> None:
        """A floor only where it counts."""
        data = super().clean() or {}
        if mistake := floor_mistake(data.get("unit", TargetUnit.ELAPSED_HOURS), data.get("floor_hours") or 0):
            self.add_error("floor_hours", mistake)

    def as_rule(self, when: dict[str, Any]) -> Rule:
        """The rule of a valid form."""
        data = self.cleaned_data
        numbers = {name: data[name] or 0 for name in ("floor_hours", "propose_after", "heads_after")}
        return Rule(
            name=" ".join(data["name"].split()), when=when, is_promised=data["is_promised"], target=data["target"],
            unit=data["unit"], calendar=data["calendar"].pk if data["calendar"] else None,
            reminders=data["reminders"], pauses=data["pauses"], hands_over=data["hands_over"], **numbers,
        )  # fmt: skip


def shown(rule: Rule) -> dict[str, Any]:
    """A rule as the form shows it."""
    return {
        "name": rule.name, "is_promised": rule.is_promised, "target": rule.target, "unit": rule.unit,
        "floor_hours": rule.floor_hours, "calendar": rule.calendar, "propose_after": rule.propose_after,
        "heads_after": rule.heads_after, "hands_over": rule.hands_over,
        "reminders": ", ".join(map(str, rule.reminders)), "pauses": list(rule.pauses),
    }  # fmt: skip


class PauseReasonForm(forms.ModelForm):  # type: ignore[type-arg]
    """A reason and its cap."""

    class Meta:
        model = PauseReason
        fields = ["name", "cap_hours"]
        error_messages = {"cap_hours": {"invalid": "Give whole hours."}}

    def clean_cap_hours(self) -> int:
        """Between an hour and 90 days."""
        hours: int = self.cleaned_data["cap_hours"]
        if not 1 <= hours <= 24 * 90:
            raise ValidationError("Between 1 and 2160 hours, which is 90 days.")
        return hours


class PauseForm(forms.Form):
    """Why a clock is to stand still."""

    reason = forms.ModelChoiceField(PauseReason.objects.none(), empty_label=None)
    note = forms.CharField(max_length=500, required=False)

    def __init__(self, data: Any = None, *, keys: list[str]) -> None:
        super().__init__(data)
        offered = PauseReason.objects.filter(retired_at=None, key__in=keys)
        self.fields["reason"].queryset = offered  # type: ignore[attr-defined]
