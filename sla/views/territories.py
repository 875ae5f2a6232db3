"""When people of each territory work."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from alignment.lib.form_pages import form_page, form_view
from alignment.people.models import WorkingCalendar
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest
from leads.models import Territory
from sla import territories


class CalendarsForm(forms.Form):
    """A calendar for each territory."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        offered = [("", "As those who hold its leads")]
        offered += [(str(pk), name) for pk, name in _calendars()]
        for each in Territory.objects.filter(retired_at=None):
            self.fields[f"territory-{each.pk}"] = forms.ChoiceField(
                label=each.name, required=False, choices=offered, initial=str(each.calendar_id or "")
            )

    @property
    def chosen(self) -> dict[int, int | None]:
        """Territory → calendar."""
        return {
            int(name.removeprefix("territory-")): int(value) if value else None
            for name, value in self.cleaned_data.items()
        }


def _calendars() -> list[tuple[int, str]]:
    return list(WorkingCalendar.objects.filter(retired_at=None).order_by("name").values_list("pk", "name"))


@policy("promise.manage")
@form_view
def setup_territories(request: SignedInRequest) -> HttpResponse:
    form = CalendarsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        n = territories.set_calendars(choices=form.chosen, by=request.user)
        messages.success(request, f"{n} territor{'y' if n == 1 else 'ies'} changed." if n else "Nothing changed.")
        return redirect("setup_slas")
    return form_page(request, "sla/territories.html", {"form": form})
