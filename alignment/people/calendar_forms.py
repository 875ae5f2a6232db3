"""Forms of working calendars and absences. They validate; `calendars` and `absences` write."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from alignment.lib.business_time import Calendar, CalendarError, Hours, read_hours
from alignment.lib.public_holidays import countries, country_names
from alignment.people import calendars
from alignment.people.forms import zone_choices
from alignment.people.models import User, Weekday, WorkingCalendar

OFFICE = "09:00–17:00"


class HoursField(forms.CharField):
    """The hours of a day, as people write them."""

    def to_python(self, value: Any) -> Any:
        try:
            return read_hours(super().to_python(value) or "")
        except CalendarError as mistake:
            raise ValidationError(str(mistake)) from mistake

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value


class CalendarForm(forms.Form):
    """A calendar's facts and its week."""

    name = forms.CharField(max_length=80, help_text="As “Berlin office”.")
    time_zone = forms.ChoiceField(choices=zone_choices)
    country = forms.ChoiceField(
        label="Public holidays of", choices=lambda: [("", "None"), *country_names()], required=False
    )
    subdivision = forms.CharField(
        label="State or region",
        max_length=10,
        required=False,
        help_text="Where its holidays differ from the country's, its code: BE for Berlin, CA for California.",
    )

    def __init__(self, data: Any = None, *, calendar: WorkingCalendar | None = None) -> None:
        self.calendar = calendar
        super().__init__(data, initial=_initial(calendar))
        for day in Weekday:
            self.fields[f"day_{day.value}"] = HoursField(label=str(day.label), required=False)
        self.fields[
            "day_1"
        ].help_text = "As “09:00–12:00, 13:00–17:30”; “22:00–06:00” for a night; blank for a free day."

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = WorkingCalendar.objects.filter(name__iexact=name)
        if self.calendar:
            others = others.exclude(pk=self.calendar.pk)
        if others.exists():
            raise ValidationError("A calendar of this name exists.")
        return name

    def clean_subdivision(self) -> str:
        code: str = self.cleaned_data["subdivision"].strip().upper()
        country = self.cleaned_data.get("country", "")
        known = countries().get(country, [])
        if code and not country:
            raise ValidationError("Choose the country that it is a part of.")
        if code and code not in known:
            raise ValidationError(
                f"Known for this country: {', '.join(known)}." if known else "This country's are the same everywhere."
            )
        return code

    def clean(self) -> None:
        super().clean()
        if self.errors:
            return
        try:
            self.pure()
        except CalendarError as mistake:
            raise ValidationError(str(mistake)) from mistake

    @property
    def week(self) -> dict[int, Sequence[Hours]]:
        return {day.value: self.cleaned_data[f"day_{day.value}"] for day in Weekday}

    @property
    def facts(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("name", "time_zone", "country", "subdivision")}

    def pure(self) -> Calendar:
        facts = self.facts
        return calendars.pure(
            zone=facts["time_zone"], week=self.week, dates={}, country=facts["country"],
            subdivision=facts["subdivision"],
        )  # fmt: skip


def _initial(calendar: WorkingCalendar | None) -> dict[str, Any]:
    if calendar is None:
        return {f"day_{day}": OFFICE for day in range(1, 6)}
    facts = {name: getattr(calendar, name) for name in ("name", "time_zone", "country", "subdivision")}
    return facts | {f"day_{day}": hours for day, hours in calendars.week_of(calendar).items()}


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class CalendarDateForm(forms.Form):
    """A date that is unlike the others."""

    falls_on = forms.DateField(label="Date", widget=DateInput)
    hours = HoursField(required=False, help_text="Blank: closed. A half day is “09:00–12:00”.")
    name = forms.CharField(max_length=80, required=False, help_text="As “Works outing”.")

    def clean_hours(self) -> Hours | None:
        hours: list[Hours] = self.cleaned_data["hours"]
        if len(hours) > 1:
            raise ValidationError("One stretch of hours: from when to when.")
        if hours and hours[0].closes > 1440:
            raise ValidationError("Hours of a single date end by 24:00.")
        return hours[0] if hours else None


class AbsenceForm(forms.Form):
    """Days on which somebody is away: oneself, or whom one may plan for."""

    person = forms.ModelChoiceField(User.objects.none(), empty_label=None)
    first_on = forms.DateField(label="First day away", widget=DateInput)
    last_on = forms.DateField(label="Last day away", widget=DateInput)
    note = forms.CharField(max_length=120, required=False, help_text="Only they, managers and RevOps read it.")

    def __init__(self, *args: Any, people: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = people  # type: ignore[attr-defined]

    def clean(self) -> None:
        super().clean()
        first, last = self.cleaned_data.get("first_on"), self.cleaned_data.get("last_on")
        if first and last and last < first:
            self.add_error("last_on", "The last day comes before the first.")
