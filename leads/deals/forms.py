"""What the pages of deals and accounts ask for."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone

from alignment.people.models import User
from leads.deals import buying_groups
from leads.forms import NOTE_LENGTH, DateInput, DealForm, ReasonField, offer, require
from leads.milestones import Milestone
from leads.models import Account, CustomerPeriod, DealRules, Lead, Opportunity, Source, Stage
from leads.models.opportunity import DealKind, SourcedBy

LARGEST_BASE = Decimal(10) ** 12


class WholeDealForm(DealForm):
    """All facts of a deal. `stage` is asked where no lead carries it, `account` where it has none yet."""

    kind = forms.ChoiceField(choices=DealKind.choices, initial=DealKind.NEW)
    stage = forms.ModelChoiceField(Stage.objects.none(), required=False, empty_label=None)
    probability = forms.IntegerField(
        label="Probability", min_value=0, max_value=100, required=False, help_text="In percent: how likely it is won."
    )
    product = forms.CharField(max_length=120, required=False)
    owner = forms.ModelChoiceField(User.objects.none(), required=False, empty_label="Nobody")

    def __init__(self, *args: Any, owners: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = self.initial.get("owner")
        offer(self, "owner", (owners | User.objects.filter(pk=held)).distinct() if held else owners)
        stages = Stage.objects.filter(milestone=Milestone.SQO)
        offer(self, "stage", stages.filter(Q(retired_at=None) | Q(pk=self.initial.get("stage"))))

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("amount") and data.get("rate") and data["amount"] * data["rate"] >= LARGEST_BASE:
            self.add_error("amount", f"This is more than fits, in {self.company.currency}.")
        return data

    @property
    def columns(self) -> dict[str, Any]:
        """The cleaned facts by column."""
        data = dict(self.cleaned_data)
        for name in ("stage", "owner", "account"):
            if name in data:
                chosen = data.pop(name)
                data[f"{name}_id"] = chosen.pk if chosen else None
        return data


class NewDealForm(WholeDealForm):
    """A deal without a lead: sales found it, or it is with a customer."""

    account = forms.ModelChoiceField(
        Account.objects.none(), widget=forms.HiddenInput, error_messages={"required": "Find the account first."}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "account", Account.objects.all())
        self.initial.setdefault("currency", self.company.currency)
        chosen = self.data.get("stage", "")
        offered = Stage.objects.in_use().filter(milestone=Milestone.SQO).order_by("position")
        require(self, next((each for each in offered if str(each.pk) == chosen), offered[0]))


class EditDealForm(WholeDealForm):
    """Facts as they stand."""

    def __init__(self, *args: Any, deal: Opportunity, is_carried: bool, **kwargs: Any) -> None:
        names = [name for name in WholeDealForm.base_fields if name not in ("stage", "owner")]
        initial = {name: getattr(deal, name) for name in names} | {"stage": deal.stage_id, "owner": deal.owner_id}
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        if is_carried or deal.state != "open":
            del self.fields["stage"]
        if deal.stage and deal.state == "open":
            require(self, deal.stage, but=[name for name, value in initial.items() if value in (None, "")])


class WinDealForm(forms.Form):
    reason = ReasonField("win", label="Why did we win?", required=False)
    note = forms.CharField(required=False, max_length=NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 2}))


class LoseDealForm(forms.Form):
    reason = ReasonField("lose", label="Why was the deal lost?")
    note = forms.CharField(required=False, max_length=NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 2}))


class ReopenDealForm(forms.Form):
    note = forms.CharField(
        label="Why", required=False, max_length=NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 2})
    )


class SourcedByForm(forms.Form):
    """Somebody knows better than the rule who brought a deal."""

    sourced_by = forms.ChoiceField(label="Who brought this deal?", choices=SourcedBy.choices, widget=forms.RadioSelect)
    why = forms.CharField(
        label="How do you know?", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Both sides read this beside the rule's evidence.",
    )  # fmt: skip


class ContactForm(forms.Form):
    """A member of the buying group, and in which role."""

    lead = forms.ModelChoiceField(Lead.objects.none(), label="Person", empty_label="Choose a person")
    role = forms.CharField(max_length=60, required=False, widget=forms.TextInput(attrs={"list": "roles"}))
    roles = buying_groups.ROLES

    def __init__(self, *args: Any, people: QuerySet[Lead], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "contact_%s"
        offer(self, "lead", people)
        self.fields["lead"].label_from_instance = _person  # type: ignore[attr-defined]

    def clean_role(self) -> str:
        return " ".join(self.cleaned_data["role"].split())


def _person(lead: Lead) -> str:
    return f"{lead.display_name}, {lead.title}" if lead.title else lead.display_name


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Account
        fields = ("name", "industry", "employees", "annual_revenue", "country", "owner")

    def __init__(self, *args: Any, people: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = self.instance.owner_id
        offer(self, "owner", (people | User.objects.filter(pk=held)).distinct() if held else people)


class CustomerForm(forms.Form):
    """Since when the account is a customer, and until when, if they left."""

    began_on = forms.DateField(label="Customer since", required=False, widget=DateInput, help_text="Blank: not known.")
    ended_on = forms.DateField(
        label="Customer until", required=False, widget=DateInput, help_text="Blank while they are one."
    )
    note = forms.CharField(label="Note", max_length=200, required=False, help_text="For example why they left.")

    def __init__(self, *args: Any, period: CustomerPeriod | None, **kwargs: Any) -> None:
        values = {name: getattr(period, name) for name in ("began_on", "ended_on", "note")} if period else {}
        kwargs["initial"] = values
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in ("began_on", "ended_on"):
            if data.get(name) and not 1900 <= data[name].year <= timezone.localdate().year + 1:
                self.add_error(name, ValidationError("Check the year."))
        return data


class DealRulesForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = DealRules
        fields = ("lookback_days", "closing_day", "partner_sources", "sales_sources")
        widgets = {
            "partner_sources": forms.CheckboxSelectMultiple,
            "sales_sources": forms.CheckboxSelectMultiple,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("partner_sources", "sales_sources"):
            chosen = getattr(self.instance, name).values("pk")
            offer(self, name, Source.objects.filter(Q(retired_at=None) | Q(pk__in=chosen)))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        both = set(data.get("partner_sources", ())) & set(data.get("sales_sources", ()))
        if both:
            names = ", ".join(sorted(map(str, both)))
            self.add_error("sales_sources", f"{names}: either a partner's or sales' own work.")
        return data
