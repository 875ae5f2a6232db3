"""What leads, moves, touches, accounts and deals look like to other programs."""

from typing import Any

from rest_framework import serializers

from alignment.api.shapes import Shape
from alignment.people.models import Side
from leads.milestones import CauseSource, Kind, Milestone, Outcome, QualifiedBy
from leads.models.lead import Consent
from leads.models.opportunity import DealKind, DealState, SourcedBy
from leads.models.sourcing import SourcingRule
from leads.models.touchpoint import Direction


def key_of(facet: str) -> serializers.CharField:
    return serializers.CharField(
        source=f"{facet}.key", allow_null=True, help_text="A key, as in the address of a filter."
    )


class NameOfMilestone(serializers.ChoiceField):
    """MGL, MQL, SQL, SQO or WON."""

    def __init__(self) -> None:
        super().__init__(choices=[milestone.name for milestone in Milestone])

    def to_representation(self, value: int) -> str:
        return Milestone(value).name


class OrNull(serializers.ChoiceField):
    """A choice; blank is null."""

    def __init__(self, choices: Any, **options: Any) -> None:
        super().__init__(choices=choices, allow_null=True, **options)

    def to_representation(self, value: str) -> str | None:
        return value or None


class ReferenceSerializer(Shape):
    system = serializers.CharField(max_length=40)
    external_id = serializers.CharField(max_length=200)
    url = serializers.CharField(allow_blank=True)


class LeadSerializer(Shape):
    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField()
    title = serializers.CharField(help_text="Job title.")
    seniority = serializers.CharField()
    company_name = serializers.CharField()
    account = serializers.IntegerField(source="account_id", allow_null=True)
    product_interest = serializers.CharField()
    consent = serializers.ChoiceField(choices=Consent.choices)
    do_not_contact = serializers.BooleanField()
    attributes = serializers.DictField(help_text="Further facts, as they came.")
    source = key_of("source")
    campaign = key_of("campaign")
    segment = key_of("segment")
    territory = key_of("territory")
    stage = serializers.CharField(source="stage.key")
    milestone = NameOfMilestone()
    outcome = OrNull(Outcome.choices, help_text="What ended the newest pass; null while it is open.")
    pass_no = serializers.IntegerField(help_text="How often the lead has entered the funnel.")
    owner = serializers.IntegerField(source="owner_id", allow_null=True, help_text="The user who holds it.")
    owner_name = serializers.CharField(source="owner.name", allow_null=True)
    team = serializers.IntegerField(source="team_id", allow_null=True)
    created_at = serializers.DateTimeField()
    moved_at = serializers.DateTimeField(help_text="When the newest move was recorded.")
    references = ReferenceSerializer(many=True, help_text="What other systems call it.")


class TransitionSerializer(Shape):
    id = serializers.IntegerField()
    lead = serializers.IntegerField(source="lead_id")
    seq = serializers.IntegerField(help_text="Counts the lead's moves from 1.")
    pass_no = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    from_stage = serializers.CharField(source="from_stage.key", allow_null=True)
    to_stage = serializers.CharField(source="to_stage.key", allow_null=True)
    reason = serializers.CharField(source="reason.key", allow_null=True)
    at = serializers.DateTimeField(allow_null=True, help_text="When it took effect; null in history without a date.")
    recorded_at = serializers.DateTimeField(help_text="When Accord learnt of it.")
    actor = serializers.IntegerField(source="actor_id", allow_null=True)
    actor_name = serializers.CharField(source="actor.name", allow_null=True)
    source = serializers.ChoiceField(choices=CauseSource.choices, help_text="The door it came through.")
    reverts = serializers.IntegerField(source="reverts_id", allow_null=True)
    corrects = serializers.IntegerField(source="corrects_id", allow_null=True)
    opportunity = serializers.IntegerField(source="opportunity_id", allow_null=True)
    qualified_by = OrNull(QualifiedBy.choices)
    confirmations = serializers.ListField(child=serializers.CharField())
    is_override = serializers.BooleanField()
    track = serializers.CharField(source="track.key", allow_null=True)
    revisit_on = serializers.DateField(allow_null=True)
    note = serializers.CharField(source="note.text", allow_null=True)


class MovedSerializer(Shape):
    """A move that was taken, and the lead after it."""

    transition = TransitionSerializer()
    lead = LeadSerializer()


class TouchpointSerializer(Shape):
    id = serializers.IntegerField()
    lead = serializers.IntegerField(source="lead_id")
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    title = serializers.CharField()
    direction = serializers.ChoiceField(choices=Direction.choices)
    source = key_of("channel")
    campaign = key_of("campaign")
    is_human = serializers.BooleanField()
    is_engaged = serializers.BooleanField()
    is_hand_raise = serializers.BooleanField()
    actor = serializers.IntegerField(source="actor_id", allow_null=True)
    system = serializers.CharField()
    external_id = serializers.CharField()


class CustomerPeriodSerializer(Shape):
    began_on = serializers.DateField(allow_null=True)
    ended_on = serializers.DateField(allow_null=True, help_text="Null while it is a customer.")
    opportunity = serializers.IntegerField(source="opportunity_id", allow_null=True, help_text="Whose win began it.")
    note = serializers.CharField()


class AccountSerializer(Shape):
    id = serializers.IntegerField()
    name = serializers.CharField()
    domain = serializers.CharField()
    industry = serializers.CharField()
    employees = serializers.IntegerField(allow_null=True)
    annual_revenue = serializers.DecimalField(max_digits=16, decimal_places=2, allow_null=True)
    country = serializers.CharField()
    owner = serializers.IntegerField(source="owner_id", allow_null=True)
    customer = CustomerPeriodSerializer(
        source="customer_periods", many=True, help_text="When it was a customer, the newest last."
    )
    created_at = serializers.DateTimeField()


class OpportunitySerializer(Shape):
    id = serializers.IntegerField()
    name = serializers.CharField()
    account = serializers.IntegerField(source="account_id", allow_null=True)
    kind = serializers.ChoiceField(choices=DealKind.choices)
    state = serializers.ChoiceField(choices=DealState.choices)
    product = serializers.CharField()
    amount = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True, help_text="In `currency`.")
    currency = serializers.CharField()
    rate = serializers.DecimalField(max_digits=18, decimal_places=8, help_text="To the company's currency.")
    base_amount = serializers.DecimalField(
        max_digits=32, decimal_places=2, allow_null=True, help_text="In the company's currency."
    )
    expected_close_on = serializers.DateField(allow_null=True)
    stage = serializers.CharField(source="stage.key", allow_null=True)
    probability = serializers.IntegerField(allow_null=True, help_text="In percent.")
    owner = serializers.IntegerField(source="owner_id", allow_null=True)
    sourced_by = OrNull(SourcedBy.choices, help_text="Who brought it; null where nobody knows when it began.")
    reason = serializers.CharField(source="reason.key", allow_null=True, help_text="Why it was won or lost.")
    opened_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    references = ReferenceSerializer(many=True)


class DealChangeSerializer(Shape):
    id = serializers.IntegerField()
    opportunity = serializers.IntegerField(source="opportunity_id")
    at = serializers.DateTimeField(allow_null=True, help_text="When it took effect.")
    recorded_at = serializers.DateTimeField(help_text="When Accord learnt of it.")
    actor = serializers.IntegerField(source="actor_id", allow_null=True)
    field = serializers.CharField(help_text="The field; one that ends in _id names a row by its key.")
    old = serializers.CharField()
    new = serializers.CharField()
    currency = serializers.CharField()
    rate = serializers.DecimalField(max_digits=18, decimal_places=8)
    base_before = serializers.DecimalField(
        max_digits=14, decimal_places=2, allow_null=True, help_text="The amount in the company's currency before."
    )
    base_after = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)


class ContactSerializer(Shape):
    lead = serializers.IntegerField(source="lead_id")
    lead_name = serializers.CharField(source="lead.name")
    role = serializers.CharField()
    is_primary = serializers.BooleanField(help_text="Whether this lead carries the deal.")


class SourcingSerializer(Shape):
    id = serializers.IntegerField()
    sourced_by = serializers.ChoiceField(choices=SourcedBy.choices)
    rule = serializers.ChoiceField(choices=SourcingRule.choices, help_text="What decided.")
    sqo_at = serializers.DateTimeField(help_text="The moment that the rule looked back from.")
    days = serializers.IntegerField(help_text="How far it looked back.")
    touchpoint = serializers.IntegerField(source="touch_id", allow_null=True)
    lead = serializers.IntegerField(source="lead_id", allow_null=True)
    touched_at = serializers.DateTimeField(allow_null=True)
    source = serializers.CharField(source="channel.key", allow_null=True)
    why = serializers.CharField()
    actor = serializers.IntegerField(source="actor_id", allow_null=True)
    recorded_at = serializers.DateTimeField()


class LikenessSerializer(Shape):
    opportunity = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    evidence = serializers.CharField(help_text="What speaks for its being the same deal.")


class StageSerializer(Shape):
    key = serializers.CharField()
    name = serializers.CharField()
    milestone = NameOfMilestone()
    position = serializers.IntegerField()
    owning_side = serializers.CharField()
    definition = serializers.CharField(help_text="What it means, in the words that both heads sign.")
    criteria = serializers.DictField(help_text="What a lead must show to enter.")


class SignatureSerializer(Shape):
    side = serializers.ChoiceField(choices=Side.choices)
    signer = serializers.IntegerField(source="signer_id")
    signer_name = serializers.CharField()
    signed_at = serializers.DateTimeField()


class StageVersionSerializer(Shape):
    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=["published", "retired"])
    body = serializers.DictField(help_text="Name, owning side, definition and criteria, as they were published.")
    note = serializers.CharField()
    published_at = serializers.DateTimeField()
    published_by = serializers.IntegerField(source="published_by_id", allow_null=True)
    signatures = SignatureSerializer(many=True, help_text="None of a side: it has not signed.")


class ReasonSerializer(Shape):
    key = serializers.CharField()
    kind = serializers.CharField(help_text="The move that it explains: reject, recycle or lose.")
    label = serializers.CharField()
    counts_as_miss = serializers.BooleanField()
    proposes_recycle = serializers.BooleanField(help_text="“Not now”: recycling is proposed instead.")
    means_duplicate = serializers.BooleanField(help_text="The lead is merged with the one that it doubles.")


class ErrorSerializer(Shape):
    pointer = serializers.CharField(help_text="A JSON pointer into the body.")
    detail = serializers.CharField()


class RowResultSerializer(Shape):
    """What came of one row of a set."""

    index = serializers.IntegerField(help_text="Its place in what was sent, from 0.")
    status = serializers.ChoiceField(choices=["created", "updated", "stored", "known", "invalid"])
    lead = serializers.IntegerField(allow_null=True)
    errors = ErrorSerializer(many=True)
