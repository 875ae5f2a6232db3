"""What somebody says about a new link to the wall."""

from functools import cached_property
from typing import Any, Self

from django import forms
from django.utils.timezone import now

from alignment.desk.models import SceneKey, WallLink
from alignment.desk.wall.frame import read
from dashboards.filters import FilterError, Filters
from dashboards.options import Options

DAYS = {"1": "1 day", "30": "30 days", "90": "90 days", "365": "1 year"}


class WallLinkForm(forms.Form):
    """Which screen it is for, what that shows, and for how long. `query` are filters as the funnel page writes them."""

    name = forms.CharField(
        label="Where it hangs",
        max_length=WallLink._meta.get_field("name").max_length,
        widget=forms.TextInput({"autocomplete": "off", "placeholder": "Screen in the sales room"}),
    )
    scenes = forms.MultipleChoiceField(
        choices=SceneKey,
        initial=SceneKey.values,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one scene."},
    )
    days = forms.TypedChoiceField(label="Ends after", choices=DAYS, coerce=int, initial="90")
    query = forms.CharField(required=False, widget=forms.HiddenInput)

    # What was wrong with the filters that the form was opened with.
    notices: tuple[str, ...] = ()

    @classmethod
    def about(cls, query: str) -> Self:
        """An empty form for these filters; for none of them, with `notices`, where one is wrong."""
        form = cls()
        try:
            form.initial["query"] = form._read(query).query
        except FilterError as error:
            form.notices = tuple(error.messages)
        return form

    @property
    def shows(self) -> str:
        """What the link would show: `Dec 2025 – Nov 2026, Enterprise`."""
        try:
            filters = self._read(str(self["query"].value() or ""))
        except FilterError:
            return ""
        return ", ".join([str(filters.period or "All time"), *(choice.name for choice in filters.facets.values())])

    def clean(self) -> dict[str, Any]:
        """The filters as the figures read them. A hidden field has no place for an error: the form has it."""
        cleaned = super().clean() or self.cleaned_data
        try:
            cleaned["query"] = self._read(cleaned.get("query", "")).query
        except FilterError as error:
            self.add_error(None, error.messages)
        return cleaned

    @cached_property
    def _options(self) -> Options:
        return Options.load()

    def _read(self, query: str) -> Filters:
        return read(query, self._options, now())
