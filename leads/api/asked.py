"""What each move asks for."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from alignment.api.shapes import Body, ChoiceField, IdField, KeyField, PastField, PersonIdField
from alignment.lib.currencies import validate_currency
from alignment.lib.days import validate_day
from alignment.people.models import Company
from leads.milestones import Milestone, QualifiedBy
from leads.models import NurtureTrack, Reason, Stage
from leads.models.opportunity import DealKind, SourcedBy

NOTE_LENGTH = 2000


class NoteBody(Body):
    note = serializers.CharField(max_length=NOTE_LENGTH, allow_blank=True, default="")


def _reason(kind: str, **options: Any) -> KeyField:
    return KeyField(
        queryset=Reason.objects.offered(kind), help_text=f"A key of /reasons/ of the kind {kind}.", **options
    )


class RejectBody(NoteBody):
    reason = _reason("reject")


class WinBody(NoteBody):
    reason = _reason("win", required=False, default=None, allow_null=True)


class LoseBody(NoteBody):
    reason = _reason("lose")


class RecycleBody(NoteBody):
    reason = _reason("recycle", required=False, default=None, allow_null=True)
    track = KeyField(
        queryset=NurtureTrack.objects.filter(retired_at=None), required=False, default=None, allow_null=True
    )
    revisit_on = serializers.DateField(
        required=False,
        default=None,
        allow_null=True,
        validators=[validate_day],
        help_text="Without it: when the track says so.",
    )

    def validate_revisit_on(self, day: Any) -> Any:
        if day and day <= timezone.localdate():
            raise serializers.ValidationError("Choose a day that is still to come.")
        return day

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if data["track"] and not data["revisit_on"]:
            data["revisit_on"] = timezone.localdate() + timedelta(days=data["track"].revisit_after_days)
        return data


class OverridableBody(NoteBody):
    """A move to a stage with entry criteria."""

    override = serializers.BooleanField(
        default=False, help_text="Past the entry criteria, with a note that says why; needs the scope admin."
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if data["override"] and not data["note"].strip():
            raise serializers.ValidationError({"note": ["Say why the criteria do not matter here."]})
        return data


class CarryBody(OverridableBody):
    """Who carries a deal; what was confirmed with the buyer stays confirmed."""


class ConfirmedBody(OverridableBody):
    confirmations = serializers.ListField(
        child=serializers.CharField(max_length=40),
        default=list,
        help_text="What was confirmed with the buyer: of what /stages/ asks, as budget or need.",
    )


class HandOverBody(OverridableBody):
    qualified_by = ChoiceField(choices=QualifiedBy.choices, default=QualifiedBy.MANUAL)


class AdvanceBody(ConfirmedBody):
    stage = KeyField(queryset=Stage.objects.in_use(), help_text="The key of the stage, from /stages/.")


def with_rate(data: dict[str, Any], currency: str) -> dict[str, Any]:
    """The same with a rate that fits `currency`. Raises ValidationError where it is needed and missing."""
    company = Company.get()
    if currency == company.currency:
        return data | {"rate": Decimal(1)}
    if not data.get("rate"):
        raise serializers.ValidationError({"rate": [f"Say what 1 {currency} is worth in {company.currency}."]})
    if (data.get("amount") or 0) * data["rate"] >= Decimal(10) ** 12:
        raise serializers.ValidationError({"amount": [f"This is more than fits, in {company.currency}."]})
    return data


class NewDealBody(Body):
    """A deal: what it is called, what it is worth, and when it is expected to close."""

    name = serializers.CharField(max_length=200)
    amount = serializers.DecimalField(
        max_digits=14, decimal_places=2, min_value=Decimal(0), allow_null=True, required=False, default=None
    )
    currency = serializers.CharField(
        max_length=3, validators=[validate_currency], required=False, help_text="Without it: the company's."
    )
    rate = serializers.DecimalField(
        max_digits=18,
        decimal_places=8,
        min_value=Decimal("0.00000001"),
        required=False,
        help_text="For another currency.",
    )
    expected_close_on = serializers.DateField(allow_null=True, required=False, default=None, validators=[validate_day])
    product = serializers.CharField(max_length=120, allow_blank=True, default="")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if self.partial:
            return data
        data.setdefault("currency", Company.get().currency)
        return with_rate(data, data["currency"])


class QualifyBody(NewDealBody, ConfirmedBody):
    """The deal that an accepted lead becomes, and what its stage wants confirmed."""

    name = serializers.CharField(
        max_length=200, allow_blank=True, default="", help_text="Without it: the name of the company."
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        return NewDealBody.validate(self, ConfirmedBody.validate(self, data))


class DealBody(NewDealBody):
    """Whatever can be said of a deal that stands."""

    kind = ChoiceField(choices=DealKind.choices, default=DealKind.NEW)
    owner = PersonIdField(allow_null=True, required=False, default=None)
    probability = serializers.IntegerField(
        min_value=0, max_value=100, allow_null=True, required=False, default=None, help_text="In percent."
    )
    stage = KeyField(
        queryset=Stage.objects.in_use().filter(milestone=Milestone.SQO),
        required=False,
        help_text="A stage of opportunities, for a deal that no lead carries.",
    )


class OpportunityBody(DealBody):
    account = IdField(allow_null=True, required=False, default=None)


class SourcedByBody(Body):
    sourced_by = ChoiceField(choices=SourcedBy.choices)
    why = serializers.CharField(max_length=2000, help_text="How it is known; both sides read it.")


class RoleBody(Body):
    lead = IdField(help_text="A person of the deal's account.")
    role = serializers.CharField(max_length=60, allow_blank=True, default="", help_text="For example Champion.")


class AccountBody(Body):
    """Facts of an account; it is found again by domain and name as they came."""

    name = serializers.CharField(max_length=200)
    industry = serializers.CharField(max_length=120, allow_blank=True)
    employees = serializers.IntegerField(min_value=0, max_value=2**31 - 1, allow_null=True)
    annual_revenue = serializers.DecimalField(max_digits=16, decimal_places=2, min_value=Decimal(0), allow_null=True)
    country = serializers.CharField(max_length=80, allow_blank=True)
    owner = PersonIdField(allow_null=True)


class CustomerBody(Body):
    began_on = serializers.DateField(allow_null=True, help_text="Null: not known.")
    ended_on = serializers.DateField(allow_null=True, required=False, default=None, help_text="Null while it is one.")
    note = serializers.CharField(max_length=200, allow_blank=True, default="")


class AttachBody(NoteBody):
    opportunity = IdField()


class RequalifyBody(NoteBody):
    qualified_by = ChoiceField(choices=QualifiedBy.choices, default=QualifiedBy.MANUAL)


class UndoBody(Body):
    transition = IdField(
        required=False,
        default=None,
        allow_null=True,
        help_text="The move that is meant: refused if it is not the newest.",
    )


class CorrectBody(Body):
    at = PastField(allow_null=True, help_text="When it happened; null where nobody knows.")
    stage = KeyField(queryset=Stage.objects.in_use(), required=False, default=None, allow_null=True)
    note = serializers.CharField(max_length=NOTE_LENGTH, help_text="Why it is corrected.")


class AssignBody(Body):
    owner = PersonIdField(allow_null=True, help_text="Who is to hold it; null for nobody.")
    why = serializers.CharField(max_length=200, allow_blank=True, default="")
