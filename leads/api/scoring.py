"""Scores with their parts, and what both teams agreed on, to be read: rules, profiles, target accounts."""

from typing import Any

from django.db.models import F
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.reading import PageQuery, asked, page, page_of
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Shape
from alignment.api.views import ApiView
from alignment.ops.versions import RuleSetVersion, VersionState
from alignment.people.permissions import policy
from leads import lifecycle
from leads.api.leads import standing_lead
from leads.models import ProfileVersion, ScoringVersion, TargetAccount
from leads.models.score import Grade
from leads.scoring.parts import GroupParts, Part, ScoreCard, card


class PartSerializer(Shape):
    rule = serializers.CharField(source="says", help_text="The condition in words.")
    points = serializers.FloatField(help_text="As they count now, after decay.")
    touches = serializers.IntegerField(allow_null=True, help_text="How many touches met it; null for a rule of fit.")


class GroupPartsSerializer(Shape):
    group = serializers.CharField(source="group.key")
    name = serializers.CharField(source="group.name")
    cap = serializers.IntegerField(source="group.cap")
    gathered = serializers.FloatField(help_text="Before the cap.")
    points = serializers.FloatField()
    parts = PartSerializer(many=True)


class ScoreSerializer(Shape):
    """The score of a lead as of now, and all that went into it. Without any rules everything is null or empty."""

    lead = serializers.IntegerField()
    points = serializers.IntegerField(allow_null=True)
    threshold = serializers.IntegerField(allow_null=True)
    grade = serializers.ChoiceField(choices=Grade.choices, allow_null=True)
    is_ready = serializers.BooleanField(help_text="Points and grade are enough, and nothing speaks against it.")
    suppressed = serializers.CharField(allow_null=True, help_text="Why it is not for sales whatever the score.")
    version = serializers.IntegerField(allow_null=True, help_text="The number of the version of the rules.")
    counted_from = serializers.DateTimeField(allow_null=True, help_text="Touches count from then on; null: all do.")
    fit_points = serializers.IntegerField(allow_null=True)
    fit = PartSerializer(many=True)
    engagement = GroupPartsSerializer(many=True)


@policy("lead.view", by_token=True)
class LeadScore(ApiView):
    @extend_schema(operation_id="leads_score", responses=ScoreSerializer)
    def get(self, request: TokenRequest, pk: int) -> Response:
        """The score of a lead, rule by rule."""
        lead = standing_lead(pk)
        return Response(ScoreSerializer(_told(lead.pk, card(lead.pk, lifecycle.database_now()))).data)


def _told(lead_id: int, told: ScoreCard | None) -> dict[str, Any]:
    if told is None:
        empty = dict.fromkeys(("points", "threshold", "grade", "suppressed", "version", "counted_from", "fit_points"))
        return {"lead": lead_id, **empty, "is_ready": False, "fit": [], "engagement": []}
    fit: tuple[Part, ...] = told.fit
    groups: tuple[GroupParts, ...] = told.groups
    return {
        "lead": lead_id, "points": told.points, "threshold": told.threshold, "grade": told.grade,
        "is_ready": told.is_ready, "suppressed": told.suppressed or None, "version": told.version.number,
        "counted_from": told.counted_from, "fit_points": told.fit_points, "fit": fit, "engagement": groups,
    }  # fmt: skip


class RulesSerializer(Shape):
    """A version that counts today."""

    number = serializers.IntegerField()
    team = serializers.IntegerField(source="team_id", allow_null=True, help_text="Whose pilot it is; null: everybody.")
    published_at = serializers.DateTimeField()
    note = serializers.CharField()
    rules = serializers.DictField(source="body", help_text="The rules; `says` has them in words.")


class ProfilesSerializer(Shape):
    """The version of the profiles that counts today."""

    number = serializers.IntegerField()
    published_at = serializers.DateTimeField()
    note = serializers.CharField()
    profiles = serializers.DictField(source="body", help_text="The profiles; `says` has their conditions in words.")


def _published(model: type[RuleSetVersion]) -> Any:
    return model._default_manager.filter(scope="", state=VersionState.PUBLISHED).order_by("audience")


@policy("scoring.view", by_token=True)
class ScoringRules(ApiView):
    @extend_schema(
        operation_id="scoring_rules_list",
        responses=inline_serializer("ScoringRulesList", {"results": RulesSerializer(many=True)}),
    )
    def get(self, request: TokenRequest) -> Response:
        """The scoring rules that count today: everybody's, and those of pilots."""
        return Response({"results": RulesSerializer(_published(ScoringVersion), many=True).data})


@policy("profiles.view", by_token=True)
class ProfileList(ApiView):
    @extend_schema(
        operation_id="profiles_list",
        responses=inline_serializer("ProfilesList", {"results": ProfilesSerializer(many=True)}),
    )
    def get(self, request: TokenRequest) -> Response:
        """The ideal customer profiles that count today."""
        return Response({"results": ProfilesSerializer(_published(ProfileVersion), many=True).data})


class TargetSerializer(Shape):
    id = serializers.IntegerField()
    account = serializers.IntegerField(source="account_id")
    name = serializers.CharField()
    domain = serializers.CharField()
    tier = serializers.IntegerField(allow_null=True, help_text="Of the profile that it meets; null for none.")
    origin = serializers.CharField(help_text="manual, rule or import.")
    note = serializers.CharField()
    added_at = serializers.DateTimeField()


@policy("targets.view", by_token=True)
class TargetAccounts(ApiView):
    @extend_schema(operation_id="target_accounts_list", parameters=[PageQuery], responses=page_of(TargetSerializer))
    def get(self, request: TokenRequest) -> Response:
        """The accounts that both teams want to win, the newest on the list first."""
        rows = TargetAccount.objects.filter(removed_at=None).annotate(
            name=F("account__name"), domain=F("account__domain"), tier=F("account__profile__tier")
        )
        return page(request, rows, order=("-id",), form=TargetSerializer, query=asked(request, PageQuery))
