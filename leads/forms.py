"""What people fill in about a lead. Forms validate; the write verbs of `leads` write."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from alignment.lib.currencies import validate_currency
from alignment.lib.days import validate_day
from alignment.lib.emails import email_key
from alignment.people.models import Company, User
from leads import criteria
from leads.activities import Activity
from leads.drafts import Draft, TouchDraft
from leads.hands import salespeople
from leads.models import (
    Campaign,
    Lead,
    LeadTransition,
    Opportunity,
    Reason,
    Segment,
    Source,
    Stage,
    Territory,
)
from leads.models.lead import Consent
from leads.models.opportunity import DealState

NOTE_LENGTH = 2000

DIMENSIONS: Mapping[str, type[Model]] = {
    "source": Source,
    "campaign": Campaign,
    "segment": Segment,
    "territory": Territory,
}


class ReasonField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """The reasons that both teams agreed on, as large radio buttons with keys 1 to 9."""

    def __init__(self, kind: str, **options: Any) -> None:
        super().__init__(
            Reason.objects.offered(kind),
            widget=forms.RadioSelect,
            empty_label=None,
            template_name="leads/_reasons.html",
            error_messages={"required": "Choose a reason: both teams learn from it."},
            **options,
        )


def offer(form: forms.BaseForm, name: str, choices: QuerySet[Any]) -> None:
    """Let the field `name` be one of these rows."""
    form.fields[name].queryset = choices  # type: ignore[attr-defined]


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class DateTimeInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


# Moves --------------------------------------------------------------------------------------------------------


class MoveForm(forms.Form):
    """What every move may carry. `lead` is who it is about; a move of many has none."""

    note = forms.CharField(required=False, max_length=NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, lead: Lead | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "move_%s"
        self._lead = lead
        self.order_fields([name for name in self.fields if name != "note"])

    @property
    def lead(self) -> Lead:
        assert self._lead is not None  # asked by the moves of one lead alone
        return self._lead


class WinForm(MoveForm):
    reason = ReasonField("win", label="Why did we win?", required=False)


class LoseForm(MoveForm):
    reason = ReasonField("lose", label="Why was the deal lost?")


class OverridableForm(MoveForm):
    """A move to a stage with entry criteria; who may move past them ticks `override` and says why. `stage` is the one
    whose confirmations are asked for; None where no stage asks.
    """

    confirmations = forms.MultipleChoiceField(
        label="Confirmed with the buyer",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Confirm them with the buyer first."},
    )

    override = forms.BooleanField(
        required=False, label="Move past the entry criteria", help_text="Listed as an override, with the note as why."
    )

    def __init__(self, *args: Any, may_override: bool, stage: Stage | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_override:
            del self.fields["override"]
        asked = stage.criteria.get("confirmations", []) if stage else []
        if not asked:
            del self.fields["confirmations"]
            return
        self.fields["confirmations"].required = self.is_judged
        self.fields["confirmations"].choices = [  # type: ignore[attr-defined]
            (name, criteria.CONFIRMATIONS.get(name, name).capitalize()) for name in asked
        ]

    @property
    def is_judged(self) -> bool:
        """Whether the criteria are asked for."""
        return not ("override" in self.fields and self.data.get("override"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data.setdefault("override", False)
        if data["override"] and not data.get("note"):
            self.add_error("note", "Say why the criteria do not matter here.")
        if self.is_judged and data.get("confirmations"):
            self._check_confirmed(data["confirmations"])
        return data

    def _check_confirmed(self, confirmed: list[str]) -> None:
        asked = self.fields["confirmations"].choices  # type: ignore[attr-defined]
        if missing := [label.lower() for name, label in asked if name not in confirmed]:
            self.add_error("confirmations", f"Still to be confirmed with the buyer: {criteria.listed(missing)}.")


class DealForm(forms.Form):
    """A deal: what it is called, what it is worth, and when it is expected to close."""

    name = forms.CharField(label="Name of the deal", max_length=200)
    amount = forms.DecimalField(label="Amount", max_digits=14, decimal_places=2, min_value=0, required=False)
    currency = forms.CharField(max_length=3, validators=[validate_currency], help_text="As EUR or USD.")
    rate = forms.DecimalField(max_digits=18, decimal_places=8, min_value=0, required=False)
    expected_close_on = forms.DateField(
        label="Expected close", required=False, widget=DateInput, validators=[validate_day]
    )

    def __init__(self, *args: Any, company: Company, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.company = company
        self.fields["rate"].label = f"Exchange rate to {company.currency}"
        self.fields["rate"].help_text = f"Only for another currency than {company.currency}."

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("currency") == self.company.currency:
            data["rate"] = Decimal(1)
        elif "currency" in data and not data.get("rate"):
            self.add_error("rate", f"Say what 1 {data['currency']} is worth in {self.company.currency}.")
        return data


class QualifyForm(DealForm, OverridableForm):
    """The deal that an accepted lead becomes, and what its stage wants confirmed."""

    def __init__(self, *args: Any, stage: Stage, **kwargs: Any) -> None:
        super().__init__(*args, stage=stage, **kwargs)
        self.order_fields([*DealForm.base_fields, "confirmations", "override", "note"])
        self.initial = {"name": _deal_name(self.lead), "currency": self.company.currency, **self.initial}
        if self.is_judged:
            require(self, stage)


def _deal_name(lead: Lead) -> str:
    return " – ".join(filter(None, (lead.company_name or lead.display_name, lead.product_interest)))


def require(form: forms.Form, stage: Stage, *, but: Collection[str] = ()) -> None:
    """Let the form ask for what `stage` asks for of the deal, but for some fields."""
    for name in set(stage.criteria.get("deal", ())) & form.fields.keys() - set(but):
        form.fields[name].required = True
        form.fields[name].error_messages["required"] = criteria.asks_of_deal(stage, name)


class AttachForm(MoveForm):
    opportunity = forms.ModelChoiceField(
        Opportunity.objects.none(), label="Which deal does this lead belong to?", empty_label=None
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "opportunity", joinable_deals(self.lead))


def joinable_deals(lead: Lead) -> QuerySet[Opportunity]:
    """Open deals of the lead's account."""
    deals = Opportunity.objects.filter(account__isnull=False, account=lead.account_id)
    return deals.filter(state=DealState.OPEN, withdrawn_at=None)


class CorrectForm(forms.Form):
    """A new date for a move of history."""

    at = forms.DateTimeField(label="When it happened", required=False, widget=DateTimeInput)
    is_undated = forms.BooleanField(label="Nobody knows when", required=False)
    note = forms.CharField(
        label="Why it is corrected", max_length=NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, move: LeadTransition, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {"at": move.at, "is_undated": move.at is None}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("is_undated"):
            data["at"] = None
        elif "at" in data and data["at"] is None:
            self.add_error("at", "Say when it happened, or that nobody knows.")
        elif data.get("at") and data["at"] > timezone.now():
            self.add_error("at", "This is still to come.")
        return data


# Holding and touching -----------------------------------------------------------------------------------------


class ActivityForm(forms.Form):
    """What came of an attempt to reach a lead: each activity is a button."""

    activity = forms.ChoiceField(
        choices=Activity.choices, error_messages={"required": "Press the button that says what happened."}
    )
    note = forms.CharField(required=False, max_length=150)


class FeedbackForm(forms.Form):
    text = forms.CharField(
        label="Feedback", max_length=2000, widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Write what the other side should know."},
    )  # fmt: skip


class AssignForm(forms.Form):
    owner = forms.ModelChoiceField(User.objects.none(), required=False, empty_label="Nobody")
    why = forms.CharField(
        label="Why",
        max_length=200,
        error_messages={"required": "Say why: both the old and the new holder read it."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "owner", salespeople())


# Facts --------------------------------------------------------------------------------------------------------


class FactsForm(forms.Form):
    """Who a lead is. `initial` may hold values that were retired since: they stay on offer."""

    name = forms.CharField(max_length=200, required=False)
    email = forms.CharField(
        label="E-mail", max_length=320, required=False, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    phone = forms.CharField(max_length=60, required=False, widget=forms.TextInput(attrs={"type": "tel"}))
    company_name = forms.CharField(label="Company", max_length=200, required=False)
    title = forms.CharField(label="Job title", max_length=160, required=False)
    product_interest = forms.CharField(label="Interested in", max_length=120, required=False)
    source = forms.ModelChoiceField(Source.objects.none(), required=False, empty_label="Not known")
    campaign = forms.ModelChoiceField(Campaign.objects.none(), required=False, empty_label="None")
    segment = forms.ModelChoiceField(Segment.objects.none(), required=False, empty_label="Not known")
    territory = forms.ModelChoiceField(Territory.objects.none(), required=False, empty_label="Not known")
    consent = forms.ChoiceField(label="Consent to be contacted", choices=Consent.choices, initial=Consent.UNKNOWN)
    do_not_contact = forms.BooleanField(label="Do not contact", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, model in DIMENSIONS.items():
            offer(self, name, model._default_manager.filter(Q(retired_at=None) | Q(pk=self.initial.get(name))))

    def clean_email(self) -> str:
        text: str = self.cleaned_data["email"].strip()
        if text:
            email_key(text)
        return text

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors and not (data["name"] or data["email"] or data["company_name"]):
            raise ValidationError("Give at least a name, an e-mail address or a company.")
        return data


class NewLeadForm(FactsForm):
    """A lead that somebody types in; they may hand it to the `owners` that their role allows."""

    owner = forms.ModelChoiceField(User.objects.none(), required=False, empty_label="Nobody yet")
    raised_hand = forms.BooleanField(
        label="Asked to talk to sales", required=False, help_text="Goes to sales at once, and the promise starts."
    )
    words = forms.CharField(
        label="What they asked for", max_length=200, required=False, help_text="The timeline says it in these words."
    )

    def __init__(self, *args: Any, owners: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "owner", owners)
        del self.fields["do_not_contact"]

    @property
    def draft(self) -> Draft:
        """The lead as intake receives it; what was asked for becomes its first touch."""
        data = dict(self.cleaned_data)
        raised_hand, words, owner = (data.pop(name) for name in ("raised_hand", "words", "owner"))
        touch = TouchDraft(title=words or "Asked to talk to sales", is_hand_raise=raised_hand)
        keys = {name: data[name].key if data[name] else None for name in DIMENSIONS}
        return Draft(
            **data | keys, owner_id=owner.pk if owner else None, touches=(touch,) if raised_hand or words else ()
        )


class EditLeadForm(FactsForm):
    """Facts as they stand; `values` are those of `leads.editing`."""

    def __init__(self, *args: Any, lead: Lead, **kwargs: Any) -> None:
        columns = {name: f"{name}_id" if name in DIMENSIONS else name for name in self.base_fields}
        initial = {name: getattr(lead, column) for name, column in columns.items()}
        super().__init__(*args, initial=initial, **kwargs)

    @property
    def values(self) -> dict[str, Any]:
        """The cleaned facts by column."""
        data = self.cleaned_data
        keys = {f"{name}_id": data[name].pk if data[name] else None for name in DIMENSIONS}
        return {name: value for name, value in data.items() if name not in DIMENSIONS} | keys
