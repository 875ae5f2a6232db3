"""What happened between people and the company: touchpoints of a lead, and touchpoints and activities in sets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.reading import PageQuery, asked, page, page_of
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Body, ChoiceField, IdField, PastField, many
from alignment.api.views import ApiView
from alignment.people.models import Scope
from alignment.people.permissions import policy
from leads import activities, adding, dimensions, lifecycle, touches
from leads.activities import Activity, Logged
from leads.api.leads import api_cause, check_rows, rows_of, standing_lead
from leads.api.shapes import RowResultSerializer, TouchpointSerializer
from leads.drafts import Draft
from leads.models import Lead, Touchpoint
from leads.models.touchpoint import Direction
from leads.touches import Touch, Touched

MOST_ROWS = 1_000
NEWEST = ("-at", "-id")


@policy("lead.view", by_token=True)
class LeadTouchpoints(ApiView):
    tag = "Touchpoints"

    @extend_schema(operation_id="leads_touchpoints", parameters=[PageQuery], responses=page_of(TouchpointSerializer))
    def get(self, request: TokenRequest, pk: int) -> Response:
        """The touchpoints of one lead, the newest first."""
        query = asked(request, PageQuery)
        rows = Touchpoint.objects.filter(lead=standing_lead(pk)).select_related("channel", "campaign")
        return page(request, rows, order=NEWEST, form=TouchpointSerializer, query=query)


class TouchpointBody(Body):
    lead = IdField()
    at = PastField(required=False, help_text="Without it: now.")
    kind = serializers.CharField(max_length=40, default="form", help_text="Such as form, visit, webinar, e-mail.")
    title = serializers.CharField(max_length=200, help_text="What the timeline says, as “Asked for a demo”.")
    direction = ChoiceField(choices=Direction.choices, default=Direction.INBOUND)
    source = serializers.CharField(max_length=80, allow_null=True, allow_blank=True, default=None)
    campaign = serializers.CharField(max_length=80, allow_null=True, allow_blank=True, default=None)
    is_human = serializers.BooleanField(default=True)
    is_engaged = serializers.BooleanField(default=True, help_text="False for sends and opens.")
    is_hand_raise = serializers.BooleanField(
        default=False, help_text="Asked to talk to sales: the lead goes to sales at once."
    )
    system = serializers.CharField(max_length=40, allow_blank=True, default="")
    external_id = serializers.CharField(
        max_length=200,
        allow_blank=True,
        default="",
        help_text="With the system: stored once, however often it is sent.",
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if bool(data["system"]) != bool(data["external_id"]):
            raise serializers.ValidationError({"external_id": ["Name both the system and the external_id, or none."]})
        return data


class ActivityBody(Body):
    lead = IdField()
    activity = ChoiceField(choices=Activity.choices)
    note = serializers.CharField(max_length=150, allow_blank=True, default="")
    at = PastField(required=False, help_text="Without it: now.")


class TouchResultSerializer(RowResultSerializer):
    warning = serializers.CharField(allow_null=True, help_text="Of outbound ones: the person must not be contacted.")


RESULT = {
    "stored": serializers.IntegerField(),
    "known": serializers.IntegerField(),
    "invalid": serializers.IntegerField(),
    "results": TouchResultSerializer(many=True),
}


@policy("lead.touch", by_token=True)
class Touchpoints(ApiView):
    write_scope = Scope.ACTIVITIES

    @extend_schema(
        operation_id="touchpoints_bulk",
        request=inline_serializer("TouchpointBatch", {"touchpoints": many(TouchpointBody, most=MOST_ROWS)}),
        responses=inline_serializer("TouchpointBatchResult", RESULT),
    )
    @once
    def post(self, request: TokenRequest) -> Response:
        """Store up to 1,000 touchpoints. One that its system sent before is `known` and not stored again."""
        rows = rows_of(request, "touchpoints", MOST_ROWS)
        given, errors, unwilling = _of_known_leads(TouchpointBody, rows, "touchpoints")
        cause = api_cause(request)
        stored = touches.record(touches=_touches(given.values(), cause.actor_id), cause=cause)
        raised = {data["lead"] for data in given.values() if data["is_hand_raise"] and not _is_known(data, stored)}
        adding.raise_hands(lead_ids=raised, cause=cause)
        return _told(rows, given, errors, stored, unwilling)


@policy("lead.touch", by_token=True)
class Activities(ApiView):
    write_scope = Scope.ACTIVITIES

    @extend_schema(
        operation_id="activities_bulk",
        request=inline_serializer("ActivityBatch", {"activities": many(ActivityBody, most=MOST_ROWS)}),
        responses=inline_serializer("ActivityBatchResult", RESULT),
    )
    @once
    def post(self, request: TokenRequest) -> Response:
        """Log up to 1,000 attempts of the user to reach leads."""
        rows = rows_of(request, "activities", MOST_ROWS)
        given, errors, unwilling = _of_known_leads(ActivityBody, rows, "activities")
        logged = [
            Logged(data["lead"], Activity(data["activity"]), data["note"], data.get("at")) for data in given.values()
        ]
        stored = activities.log_all(activities=logged, cause=api_cause(request))
        return _told(rows, given, errors, stored, unwilling)


def _of_known_leads(
    form: type[Body], rows: Sequence[Any], name: str
) -> tuple[dict[int, Any], dict[int, list[dict[str, str]]], frozenset[int]]:
    """The rows that are right, the errors of the others, and those of the leads that must not be contacted."""
    given, errors = check_rows(form, rows, name)
    named = Lead.objects.filter(pk__any_of={data["lead"] for data in given.values()}, withdrawn_at=None)
    leads = {lead.pk: lead for lead in named.only("pk", "merged_into_id", "do_not_contact", "consent")}
    for index, data in list(given.items()):
        lead = leads.get(data["lead"])
        if lead is None or lead.merged_into_id:
            gone = f"Lead {lead.pk} was merged into lead {lead.merged_into_id}." if lead else ""
            sentence = gone or f"There is no lead {data['lead']}."
            errors[index] = [{"pointer": f"/{name}/{index}/lead", "detail": sentence}]
            del given[index]
    return given, errors, frozenset(pk for pk, lead in leads.items() if not lead.may_be_contacted)


def _touches(given: Iterable[Mapping[str, Any]], actor_id: int | None) -> list[Touch]:
    rows = list(given)
    named = [Draft(source=row["source"], campaign=row["campaign"]) for row in rows]
    facets = dimensions.resolve(named)
    now = lifecycle.database_now()
    return [
        Touch(
            lead_id=row["lead"],
            at=row.get("at", now),
            channel_id=facets["source"].get(row["source"]),
            campaign_id=facets["campaign"].get(row["campaign"]),
            actor_id=actor_id if row["direction"] == Direction.OUTBOUND else None,
            **{name: row[name] for name in ("kind", "title", "direction", "is_human", "is_engaged", "is_hand_raise")},
            **{name: row[name] for name in ("system", "external_id")},
        )
        for row in rows
    ]


def _is_known(data: Mapping[str, Any], stored: Touched) -> bool:
    name = (data.get("system", ""), data.get("external_id", ""))
    return bool(name[1]) and name not in stored.keys


def _told(
    rows: Sequence[Any],
    given: Mapping[int, Any],
    errors: Mapping[int, list[dict[str, str]]],
    stored: Touched,
    unwilling: frozenset[int],
) -> Response:
    told = []
    for index in range(len(rows)):
        data = given.get(index)
        status = "invalid" if data is None else "known" if _is_known(data, stored) else "stored"
        told.append(
            {
                "index": index, "status": status, "lead": data and data["lead"], "errors": errors.get(index, []),
                "warning": _warning(data, unwilling),
            }
        )  # fmt: skip
    counts = {status: sum(row["status"] == status for row in told) for status in ("stored", "known", "invalid")}
    return Response({**counts, "results": told})


def _warning(data: Mapping[str, Any] | None, unwilling: frozenset[int]) -> str | None:
    """What was done is stored, also where it should not have been done; an activity is always outbound."""
    is_outbound = data is not None and data.get("direction", Direction.OUTBOUND) == Direction.OUTBOUND
    if data is None or not is_outbound or data["lead"] not in unwilling:
        return None
    return f"Lead {data['lead']} must not be contacted."
