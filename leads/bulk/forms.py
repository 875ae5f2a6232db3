"""What is asked about many leads at once."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.db.models import Model

from leads.forms import DIMENSIONS, MoveForm, ReasonField

CLASSES = tuple(DIMENSIONS)


class BulkRejectForm(MoveForm):
    reason = ReasonField("reject", label="Why are these not sales-ready?")


class BulkTargetForm(forms.Form):
    """The accounts of the leads go onto the list of target accounts."""

    note = forms.CharField(label="Why these", required=False, max_length=200)


class BulkFactsForm(forms.Form):
    """Source, campaign, segment and territory: what is not chosen stays as it is."""

    empty = forms.MultipleChoiceField(
        label="Or take away",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[(name, name.capitalize()) for name in CLASSES],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, model in DIMENSIONS.items():
            offered = model._default_manager.filter(retired_at=None)
            self.fields[name] = forms.ModelChoiceField(offered, required=False, empty_label="Leave as it is")
        self.order_fields([*CLASSES, "empty"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        chosen = {name for name in CLASSES if data.get(name)}
        if both := chosen & set(data.get("empty", [])):
            self.add_error("empty", f"Either choose a {' and a '.join(sorted(both))} or take it away.")
        elif not self.errors and not chosen and not data.get("empty"):
            raise forms.ValidationError("Choose what to change.")
        return data


def stored(data: dict[str, Any]) -> dict[str, Any]:
    """What a form holds, as the verbs get it from JSON: keys of rows, days as text."""
    return {name: _plain(value) for name, value in data.items() if value not in (None, "", [])}


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.pk
    return value.isoformat() if isinstance(value, date) else value


def said(form: forms.Form) -> str:
    """What a form holds, for people: “Owner: Ada Okafor. Why: holidays.”"""
    return in_words(
        (str(field.label or name.replace("_", " ").capitalize()), form.cleaned_data.get(name))
        for name, field in form.fields.items()
    )


def in_words(answers: Iterable[tuple[str, Any]]) -> str:
    """What was answered to which questions, but for those that nobody answered."""
    told = [
        f"{label if label.endswith('?') else f'{label}:'} {_told(value)}".rstrip(".")
        for label, value in answers
        if value not in (None, "", [])
    ]
    return ". ".join(told)[:500]


def _told(value: Any) -> str:
    if isinstance(value, date):
        return f"{value:%-d %B %Y}"
    return ", ".join(value) if isinstance(value, list) else str(value)
