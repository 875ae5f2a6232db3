"""Nurture by the API: the tracks with what they hold, and a lead's place in them."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.requests import TokenRequest
from alignment.api.shapes import Body, KeyField, Shape
from alignment.api.views import ApiView
from alignment.people.permissions import policy
from leads import lifecycle
from leads.api.moves import MoveView, described
from leads.causes import Cause
from leads.models import Lead, NurtureTrack
from leads.nurture import lists


class TrackSerializer(Shape):
    key = serializers.CharField(source="track.key")
    name = serializers.CharField(source="track.name")
    description = serializers.CharField(source="track.description")
    revisit_after_days = serializers.IntegerField(source="track.revisit_after_days")
    takes_unqualified = serializers.BooleanField(source="track.takes_unqualified")
    waiting = serializers.IntegerField(source="now", help_text="Leads on it now.")
    unqualified = serializers.IntegerField(help_text="Of these, below the threshold.")
    due = serializers.IntegerField(help_text="Of these, due for another look by today.")
    recycled = serializers.IntegerField(help_text="Recycled to it within a year.")
    came_back = serializers.IntegerField(source="back", help_text="Of these, brought back since.")


@policy("nurture.view", by_token=True)
class Tracks(ApiView):
    tag = "Nurture"

    @extend_schema(
        operation_id="nurture_tracks_list",
        responses=inline_serializer("TrackList", {"results": TrackSerializer(many=True)}),
    )
    def get(self, request: TokenRequest) -> Response:
        """The tracks that leads can be on."""
        rows = lists.rows(at=timezone.now(), today=timezone.localdate())
        in_use = [row for row in rows if row.track and row.track.retired_at is None]
        return Response({"results": TrackSerializer(in_use, many=True).data})


class NurtureBody(Body):
    track = KeyField(
        queryset=NurtureTrack.objects.filter(retired_at=None), allow_null=True, help_text="A key of /nurture-tracks/."
    )
    revisit_on = serializers.DateField(allow_null=True, help_text="The day to look at it again.")

    def validate_revisit_on(self, day: Any) -> Any:
        if day and day <= timezone.localdate():
            raise serializers.ValidationError("Choose a day that is still to come.")
        return day


@policy("nurture.work", by_token=True)
@described(
    "nurture",
    NurtureBody,
    description="Within nurture: onto a track. For recycled leads and those below the threshold.",
)
class Nurture(MoveView):
    tag, body = "Nurture", NurtureBody

    def take(self, lead: Lead, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        track = data["track"].pk if data["track"] else None
        return lifecycle.nurture(lead_ids=[lead.pk], track_id=track, revisit_on=data["revisit_on"], cause=cause)
