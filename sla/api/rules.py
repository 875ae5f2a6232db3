"""What counts as promised, to be read: the rules of each kind with their ladders, and why a clock may stand still."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.requests import TokenRequest
from alignment.api.shapes import Shape
from alignment.api.views import ApiView
from alignment.people.models import Side
from alignment.people.permissions import policy
from leads.conditions import Names
from sla.models import LadderSignature, PauseReason, Policy
from sla.models.policy import TargetUnit
from sla.rules import read
from sla.rules_in_words import told
from sla.subjects import Subject, choices, subjects


class PromiseRuleSerializer(Shape):
    """One rule, in the order in which they are asked: the first whose condition is met counts."""

    policy = serializers.IntegerField(source="pk", help_text="What clocks name.")
    name = serializers.CharField()
    says = serializers.CharField(help_text="Whom it is about, in words.")
    condition = serializers.DictField(help_text="What the lead must meet; without parts everything does.")
    is_promised = serializers.BooleanField(help_text="False: nothing is promised to what meets it.")
    within = serializers.CharField(source="promised", help_text="As people say it: “48 hours”.")
    target = serializers.IntegerField()
    unit = serializers.ChoiceField(choices=TargetUnit.choices)
    floor_hours = serializers.IntegerField(help_text="Due after so many working hours at the earliest.")
    calendar = serializers.IntegerField(
        source="calendar_id", allow_null=True, help_text="Null: that of the territory, the holder or the company."
    )
    reminders = serializers.ListField(
        child=serializers.IntegerField(), help_text="After which percentages of the time the holder is reminded."
    )
    propose_after = serializers.IntegerField(
        help_text="Working hours after the breach until it is to be handed over; 0: never."
    )
    heads_after = serializers.IntegerField(
        help_text="Business days after the breach until both heads are told; 0: never."
    )
    hands_over = serializers.BooleanField(help_text="Handed over by itself, if both heads signed that.")
    pauses = serializers.ListField(
        child=serializers.CharField(), help_text="Keys of the reasons for which it may be paused."
    )


class LadderSignatureSerializer(Shape):
    side = serializers.ChoiceField(choices=Side.choices)
    signer = serializers.CharField(source="signer_name")
    signed_at = serializers.DateTimeField()


class RulesOfKindSerializer(Shape):
    """What counts today for one kind of promise; without a version nothing is promised."""

    kind = serializers.ChoiceField(choices=choices())
    label = serializers.CharField()
    begins = serializers.CharField(help_text="When the clock starts, as a clause.")
    sides = serializers.ListField(child=serializers.ChoiceField(choices=Side.choices), help_text="Who owes it.")
    version = serializers.IntegerField(allow_null=True)
    published_at = serializers.DateTimeField(allow_null=True)
    signatures = LadderSignatureSerializer(many=True, help_text="Who stands behind handing over by itself.")
    rules = PromiseRuleSerializer(many=True)


class PauseReasonSerializer(Shape):
    key = serializers.CharField()
    name = serializers.CharField()
    cap_hours = serializers.IntegerField(help_text="For all pauses of a clock for this reason together.")
    retired_at = serializers.DateTimeField(allow_null=True)


@policy("promise.view", by_token=True)
class PromiseRules(ApiView):
    @extend_schema(
        operation_id="promise_rules_list",
        responses=inline_serializer("PromiseRulesList", {"results": RulesOfKindSerializer(many=True)}),
    )
    def get(self, request: TokenRequest) -> Response:
        """The rules of promises that count today, with their ladders, for each kind of subject."""
        policies = list(Policy.objects.in_force().select_related("version").order_by("position"))
        versions = {each.version_id for each in policies}
        signed = list(LadderSignature.objects.filter(version__in=versions, revoked_at=None))
        names = Names()
        rules = {each.kind: [one for one in policies if one.subject_kind == each.kind] for each in subjects()}
        found = [_of_kind(each, rules[each.kind], signed, names) for each in subjects()]
        return Response({"results": RulesOfKindSerializer(found, many=True).data})


def _of_kind(
    subject: Subject, policies: Sequence[Policy], signed: Sequence[LadderSignature], names: Names
) -> dict[str, Any]:
    version = policies[0].version if policies else None
    words = told(read(version.body), names, subject.noun) if version else []
    for each, said in zip(policies, words, strict=True):
        each.says = said.asks  # type: ignore[attr-defined]
    return {
        "kind": subject.kind, "label": subject.label, "begins": subject.begins,
        "sides": [side.value for side in subject.sides], "version": version and version.number,
        "published_at": version and version.published_at, "rules": policies,
        "signatures": [each for each in signed if version and each.version_id == version.pk],
    }  # fmt: skip


@policy("promise.view", by_token=True)
class PauseReasons(ApiView):
    @extend_schema(
        operation_id="pause_reasons_list",
        responses=inline_serializer("PauseReasonsList", {"results": PauseReasonSerializer(many=True)}),
    )
    def get(self, request: TokenRequest) -> Response:
        """Why a clock may stand still, and for how long; retired reasons too."""
        return Response({"results": PauseReasonSerializer(PauseReason.objects.all(), many=True).data})
