"""The form as a visitor fills it in: the fields that were chosen, the consents, and what travels along."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from alignment.integrations.web_forms.asking import Field, Kind, fields_of
from alignment.integrations.web_forms.models import ConsentText, WebForm
from alignment.lib.emails import email_key

HONEYPOT = "homepage_2"
"""A field that people do not see and robots fill in. Browsers fill in no field of this name by themselves."""


class VisitorForm(forms.Form):
    """Built from a `WebForm` and its `texts`: all versions of its consent texts, since a page may show an old one."""

    def __init__(self, form: WebForm, texts: list[ConsentText], data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, auto_id="f_%s")
        self.web_form, self.texts = form, texts
        for field in self.asked:
            self.fields[field.name] = _form_field(field)
        for text in self.current:
            self.fields[f"consent_{text.slot}"] = _ConsentField(text, texts)

    @cached_property
    def asked(self) -> list[Field]:
        return fields_of(self.web_form.fields)

    @cached_property
    def current(self) -> list[ConsentText]:
        """The consent texts that count today, by slot."""
        return [text for text in self.texts if text.replaced_at is None]

    @property
    def agreed(self) -> list[ConsentText]:
        """The versions that the visitor saw and agreed to."""
        chosen = (self.cleaned_data.get(f"consent_{text.slot}") for text in self.current)
        return [text for text in chosen if text]

    @property
    def answers(self) -> dict[str, str]:
        """What was filled in, by the name of the field."""
        return {field.name: value for field in self.asked if (value := self.cleaned_data.get(field.name))}

    @property
    def digest(self) -> str:
        """The same for the same words: a double click is one submission."""
        said = [self.web_form.pk, sorted(self.answers.items()), sorted(text.pk for text in self.agreed)]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    @property
    def problems(self) -> dict[str, list[str]]:
        """What is wrong, by field, in sentences."""
        return {name: [str(each) for each in errors] for name, errors in self.errors.items()}


class _LineField(forms.CharField):
    """One line: breaks and runs of blanks become one blank, so that no answer can begin a line of its own anywhere."""

    def to_python(self, value: Any) -> str:
        return " ".join(_text(value).split())


class _LinesField(forms.CharField):
    def to_python(self, value: Any) -> str:
        return _text(value).replace("\r\n", "\n").strip()


class _EmailField(_LineField):
    def validate(self, value: str) -> None:
        super().validate(value)
        if value:
            try:
                email_key(value)
            except ValidationError:
                raise ValidationError("This is not an e-mail address. It looks like name@company.com.") from None


class Checkbox(forms.CheckboxInput):
    """A checkbox that stands for a version: ticked, its value is what was read beside it."""

    def __init__(self, version: int) -> None:
        super().__init__()
        self.version = version

    def format_value(self, value: Any) -> str:
        return str(self.version)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return data.get(name)


class _ConsentField(forms.Field):
    """A checkbox whose value is the version of the text beside it; cleans to the text of that version, or None."""

    def __init__(self, text: ConsentText, texts: list[ConsentText]) -> None:
        super().__init__(
            label=text.text, required=text.is_required, widget=Checkbox(text.version),
            error_messages={"required": "We need your agreement to this."},
        )  # fmt: skip
        self.versions = {one.version: one for one in texts if one.slot == text.slot}
        self.newest = text

    def to_python(self, value: Any) -> ConsentText | None:
        said = _text(value).strip().lower()
        if said in ("", "0", "false", "no", "off"):
            return None
        if not said.isascii() or not said.isdecimal():
            return self.newest
        found = self.versions.get(int(said[:9]))
        if found is None:
            raise ValidationError("This text has changed. Load the page again.")
        return found


def _text(value: Any) -> str:
    """A value as a form would have sent it: JSON may bring numbers and truths."""
    if value is None or value is False:
        return ""
    # Halves of characters, which JSON can write, are no text.
    return str(value).encode("utf-8", "replace").decode()


def _form_field(field: Field) -> forms.Field:
    attrs = {"autocomplete": field.autocomplete}
    common: dict[str, Any] = {
        "label": field.label,
        "required": field.is_required,
        "error_messages": {"required": "Please fill this in."},
    }
    match field.kind:
        case Kind.CHOICE:
            choices = [("", "Please choose"), *((each, each) for each in field.choices)]
            common["error_messages"]["invalid_choice"] = "Choose one of the list."
            return forms.ChoiceField(choices=choices, **common)
        case Kind.LINES:
            widget = forms.Textarea(attrs=attrs | {"rows": 4})
            return _LinesField(max_length=field.longest, widget=widget, **common)
        case Kind.EMAIL:
            return _EmailField(max_length=field.longest, widget=forms.EmailInput(attrs=attrs), **common)
        case Kind.PHONE:
            return _LineField(max_length=field.longest, widget=forms.TextInput(attrs=attrs | {"type": "tel"}), **common)
    return _LineField(max_length=field.longest, widget=forms.TextInput(attrs=attrs), **common)
