"""What RevOps and marketers fill in about a web form; `setup` writes it."""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db.models import Q

from alignment.integrations.web_forms import asking
from alignment.integrations.web_forms.asking import Field, Kind, fields_of, question_name
from alignment.integrations.web_forms.models import ConsentText, WebForm
from alignment.integrations.web_forms.setup import Wording
from leads.dimensions import dimension_key
from leads.models import Campaign, Source

CONSENTS = 3
SPARE_QUESTIONS = 2
ASKED = (("", "Not asked"), ("optional", "Optional"), ("required", "Required"))
QUESTION_KINDS = ((Kind.LINE, "One line"), (Kind.LINES, "Several lines"), (Kind.CHOICE, "A choice"))
_address = URLValidator(schemes=["http", "https"])


def checked_address(text: str) -> str:
    """The address of a page on the web. Raises ValidationError with a sentence where it is none."""
    try:
        _address(text)
    except ValidationError:
        raise ValidationError("Give a whole address, as https://www.company.com/thanks/.") from None
    if urlsplit(text).username is not None:
        raise ValidationError("An address with a user name in it is not allowed.")
    return text


class LeadFieldForm(forms.Form):
    """Whether one field of the lead is on the form, and what it is called there."""

    asked = forms.ChoiceField(choices=ASKED, required=False)
    label = forms.CharField(max_length=80, required=False)

    def __init__(self, data: Any, *, field: Field, shown: Field | None) -> None:
        state = "" if shown is None else "required" if shown.is_required else "optional"
        initial = {"asked": state, "label": shown.label if shown else field.label}
        super().__init__(data, prefix=f"field-{field.name}", initial=initial)
        self.field = field
        self.fields["asked"].widget.attrs["aria-label"] = f"Ask for: {field.label}"
        self.fields["label"].widget.attrs["aria-label"] = f"Label of: {field.label}"
        if field.kind == Kind.EMAIL:
            # A lead is found again by its address.
            self.fields["asked"].choices = ASKED[2:]  # type: ignore[attr-defined]

    @property
    def chosen(self) -> Field | None:
        """The field as the form will ask it; None where it does not."""
        asked = self.cleaned_data["asked"] or ("required" if self.field.kind == Kind.EMAIL else "")
        if not asked:
            return None
        label = self.cleaned_data["label"].strip() or self.field.label
        return Field(self.field.name, label, self.field.kind, is_required=asked == "required")


class QuestionForm(forms.Form):
    """A question of the form's own; a blank one is left out."""

    label = forms.CharField(label="Question", max_length=120, required=False)
    kind = forms.ChoiceField(label="Answer", choices=QUESTION_KINDS, required=False)
    is_required = forms.BooleanField(label="Required", required=False)
    choices = forms.CharField(
        label="Choices", required=False, widget=forms.Textarea(attrs={"rows": 3}), max_length=4000,
        help_text="One a line; for “A choice” only.",
    )  # fmt: skip

    def __init__(self, data: Any, *, number: int, shown: Field | None) -> None:
        self.shown, self.number = shown, number
        initial = {}
        if shown:
            initial = {
                "label": shown.label, "kind": shown.kind, "is_required": shown.is_required,
                "choices": "\n".join(shown.choices),
            }  # fmt: skip
        super().__init__(data, prefix=f"question-{number}", initial=initial)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        lines = [" ".join(line.split()) for line in data.get("choices", "").splitlines()]
        data["choices"] = tuple(dict.fromkeys(line[: asking.LONGEST_LINE] for line in lines if line))
        if not data.get("label"):
            return data
        if data.get("kind") == Kind.CHOICE and not 2 <= len(data["choices"]) <= asking.MOST_CHOICES:
            self.add_error("choices", f"Give 2 to {asking.MOST_CHOICES} choices, one a line.")
        return data


class ConsentForm(forms.Form):
    """What a visitor can agree to beside one checkbox."""

    text = forms.CharField(
        max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Word by word as people read it. Blank: no such checkbox.",
    )  # fmt: skip
    is_required = forms.BooleanField(label="Without it the form is not received", required=False)
    allows_contact = forms.BooleanField(label="Who agrees may be contacted", required=False, initial=True)

    def __init__(self, data: Any, *, slot: int, shown: ConsentText | None) -> None:
        self.slot, self.shown = slot, shown
        names = ("text", "is_required", "allows_contact")
        initial = {name: getattr(shown, name) for name in names} if shown else {}
        super().__init__(data, prefix=f"consent-{slot}", initial=initial)
        self.fields["text"].label = f"Consent {slot}" + (f", version {shown.version}" if shown else "")

    @property
    def wording(self) -> Wording:
        data = self.cleaned_data
        text = " ".join(data["text"].split())
        return Wording(self.slot, text, data["is_required"], data["allows_contact"])


class WebFormForm(forms.ModelForm):
    """The form itself; `parts` are those of its fields, questions and consents."""

    class Meta:
        model = WebForm
        fields = [
            "name", "is_hand_raise", "source", "campaign", "thank_you_url", "allowed_origins", "limit_per_address",
            "limit_in_all", "least_seconds",
        ]  # fmt: skip

    name = forms.CharField(max_length=120, help_text="The timeline of a lead says it, as “Asked for a demo”.")
    source = forms.ModelChoiceField(
        Source.objects.none(), required=False, empty_label="A new one",
        help_text="The channel that its leads are counted under.",
    )  # fmt: skip
    new_source = forms.CharField(label="New source", max_length=80, required=False, help_text="As “Website”.")
    campaign = forms.ModelChoiceField(
        Campaign.objects.none(), required=False, empty_label="None",
        help_text="A utm_campaign of the page that is the key of one of your campaigns counts instead.",
    )  # fmt: skip
    is_hand_raise = forms.BooleanField(
        label="Who sends it asks to talk to sales", required=False,
        help_text="The lead is an MQL at once and the 48 hours start. Otherwise it comes in as MGL.",
    )  # fmt: skip
    thank_you_url = forms.CharField(
        label="Thank-you page", max_length=500, required=False, widget=forms.URLInput,
        help_text="Where visitors are sent afterwards. Blank: a small page of ours.",
    )  # fmt: skip
    allowed_origins = forms.CharField(
        label="Websites that may send it", required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One a line, as https://www.company.com. Scripts can send it from these alone. "
        "Blank: plain forms of any website, scripts of none.",
    )  # fmt: skip
    limit_per_address = forms.IntegerField(
        label="From one address", min_value=1, max_value=10_000, initial=10,
        help_text="Submissions in ten minutes. An office often shares one address.",
    )  # fmt: skip
    limit_in_all = forms.IntegerField(
        label="From all together", min_value=1, max_value=100_000, initial=300, help_text="Submissions in ten minutes."
    )

    least_seconds = forms.IntegerField(
        label="Least time to fill it in", min_value=0, max_value=60, initial=0,
        help_text="Seconds; 0 for none. Whoever is faster is asked to look again. Needs the script for campaign tags.",
    )  # fmt: skip

    def __init__(self, data: Any = None, *, instance: WebForm | None = None) -> None:
        initial = {"allowed_origins": "\n".join(instance.allowed_origins)} if instance else {}
        super().__init__(data, instance=instance, initial=initial)
        kept = {name: getattr(instance, f"{name}_id", None) for name in ("source", "campaign")}
        self.fields["source"].queryset = Source.objects.filter(  # type: ignore[attr-defined]
            Q(retired_at=None) | Q(pk=kept["source"])
        )
        self.fields["campaign"].queryset = Campaign.objects.filter(  # type: ignore[attr-defined]
            Q(retired_at=None) | Q(pk=kept["campaign"])
        )
        shown = fields_of(instance.fields) if instance else [field for field in asking.OF_LEAD if field.name in FIRST]
        by_name = {field.name: field for field in shown}
        questions = [field for field in shown if field.is_question]
        texts = {text.slot: text for text in instance.consent_texts.filter(replaced_at=None)} if instance else {}
        self.lead_fields = [LeadFieldForm(data, field=field, shown=by_name.get(field.name)) for field in asking.OF_LEAD]
        count = min(len(questions) + SPARE_QUESTIONS, asking.MOST_QUESTIONS)
        padded: Sequence[Field | None] = [*questions, *[None] * count][:count]
        self.questions = [QuestionForm(data, number=n, shown=field) for n, field in enumerate(padded, start=1)]
        self.consents = [ConsentForm(data, slot=slot, shown=texts.get(slot)) for slot in range(1, CONSENTS + 1)]

    @property
    def parts(self) -> list[forms.Form]:
        return [*self.lead_fields, *self.questions, *self.consents]

    def is_valid(self) -> bool:
        return all([super().is_valid(), *(part.is_valid() for part in self.parts)])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        new = data.pop("new_source", "")
        if "source" in data and not data["source"]:
            if dimension_key(new):
                data["new_source"] = new
            else:
                self.add_error("source", "Choose a source, or name a new one.")
        return data

    def clean_thank_you_url(self) -> str:
        text: str = self.cleaned_data["thank_you_url"]
        return checked_address(text) if text else ""

    def clean_allowed_origins(self) -> list[str]:
        return list(dict.fromkeys(_origin(line) for line in self.cleaned_data["allowed_origins"].split()))

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The columns of the form; with `new_source` instead of `source` where one was named."""
        return self.cleaned_data | {"fields": [field.stored() for field in self._asked()]}

    @property
    def wordings(self) -> list[Wording]:
        return [part.wording for part in self.consents]

    def _asked(self) -> list[Field]:
        chosen = [field for part in self.lead_fields if (field := part.chosen)]
        for part in self.questions:
            data = part.cleaned_data
            label = " ".join(data["label"].split())
            if label:
                taken = [field.name for field in chosen]
                # A question that is only worded anew keeps its name: websites post it.
                name = part.shown.name if part.shown else question_name(label, taken)
                chosen.append(Field(name, label, Kind(data["kind"] or Kind.LINE), data["is_required"], data["choices"]))
        return chosen


FIRST = ("name", "email", "company_name")
"""What a new form asks for before anybody chose."""


def _origin(line: str) -> str:
    text = line.lower().rstrip("/")
    if not re.fullmatch(r"https?://[^\s/?#@]+", text):
        raise ValidationError("“%(line)s” is no website. Write it as https://www.company.com.", params={"line": line})
    checked_address(text + "/")
    return text
