"""What other programs say about a lead, and the draft that it becomes."""

from collections.abc import Collection, Mapping
from typing import Any

from django.core.exceptions import ValidationError as InvalidEmail
from rest_framework import serializers

from alignment.api.shapes import Body, ChoiceField, PersonIdField, TextField, many
from alignment.lib.emails import email_key
from leads.dimensions import FACETS
from leads.drafts import Draft, Reference, TouchDraft
from leads.models.lead import Consent

MOST_ATTRIBUTES = 100
NOBODY = "Give at least a name, an e-mail address or a company."


class EmailField(TextField):
    """An address that finds the lead again; blank for none."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        text = super().run_validation(data)
        try:
            return text and email_key(text) and text
        except InvalidEmail as error:
            raise serializers.ValidationError("This is no e-mail address.") from error


def _text(length: int, **options: Any) -> TextField:
    return TextField(max_length=length, allow_blank=True, required=False, **options)


def _facet() -> TextField:
    return TextField(
        max_length=80,
        allow_null=True,
        allow_blank=True,
        required=False,
        help_text="A key or a name; made if it is new.",
    )


class FactsBody(Body):
    name = _text(200)
    email = EmailField(max_length=320, allow_blank=True, required=False)
    phone = _text(60)
    title = _text(160, help_text="Job title.")
    seniority = _text(40)
    company_name = _text(200)
    product_interest = _text(120)
    source = _facet()
    campaign = _facet()
    segment = _facet()
    territory = _facet()
    consent = ChoiceField(choices=Consent.choices, required=False)
    do_not_contact = serializers.BooleanField(required=False)


class ReferenceBody(Body):
    system = TextField(max_length=40)
    external_id = TextField(max_length=200)
    url = serializers.URLField(max_length=500, allow_blank=True, required=False)


class LeadBody(FactsBody):
    """A lead as it arrives. A known e-mail address or reference finds the lead again; then what was blank is filled."""

    attributes = serializers.DictField(
        child=TextField(max_length=2000, allow_blank=True),
        required=False,
        help_text=f"Further facts, at most {MOST_ATTRIBUTES}.",
    )
    references = many(ReferenceBody, most=10, required=False)
    owner = PersonIdField(required=False, allow_null=True, help_text="The user who is to hold it, if nobody does.")
    raised_hand = serializers.BooleanField(
        default=False, help_text="Asked to talk to sales: goes to sales at once, and the promise starts."
    )
    words = _text(200, help_text="What they asked for; the timeline says it in these words.")

    def validate_attributes(self, value: dict[str, str]) -> dict[str, str]:
        if len(value) > MOST_ATTRIBUTES or any("\x00" in name for name in value):
            raise serializers.ValidationError(f"At most {MOST_ATTRIBUTES}, and no NUL in a name.")
        return value

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if not any(data.get(name) for name in ("name", "email", "company_name", "references")):
            raise serializers.ValidationError(NOBODY)
        return data


def draft(given: Mapping[str, Any]) -> Draft:
    """The lead as intake receives it; what was asked for becomes its first touch."""
    data = dict(given)
    raised_hand, words, owner = data.pop("raised_hand"), data.pop("words", ""), data.pop("owner", None)
    touch = TouchDraft(title=words or "Asked to talk to sales", is_hand_raise=raised_hand)
    references = tuple(Reference(**reference) for reference in data.pop("references", ()))
    return Draft(**data, references=references, owner_id=owner, touches=(touch,) if raised_hand or words else ())


def not_to_be_handed(given: Mapping[str, Any], owners: Collection[int]) -> dict[str, list[str]]:
    """The error where a lead is to be handed to somebody outside `owners`."""
    if given.get("owner") is None or given["owner"] in owners:
        return {}
    return {"owner": ["You may not hand a lead to this user, or nobody with this id is in sales."]}


def facets_of(given: Mapping[str, Any]) -> Draft:
    """The sources, campaigns, segments and territories that a change names."""
    return Draft(**{name: given[name] for name in FACETS if name in given})
