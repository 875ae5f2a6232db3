"""Working calendars, and who is away, by the API."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.reading import PageQuery, asked, page, page_of
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Shape
from alignment.api.views import ApiView
from alignment.people.calendars import week_of
from alignment.people.models import Absence, CalendarDate, WorkingCalendar
from alignment.people.permissions import policy


class OwnDateSerializer(Shape):
    on = serializers.DateField(source="falls_on")
    name = serializers.CharField()
    hours = serializers.SerializerMethodField(help_text="As “09:00–12:00”; null where it is closed.")

    def get_hours(self, row: CalendarDate) -> str | None:
        return ", ".join(map(str, row.hours)) or None


class CalendarSerializer(Shape):
    id = serializers.IntegerField()
    name = serializers.CharField()
    time_zone = serializers.CharField()
    country = serializers.CharField(help_text="ISO 3166, whose public holidays are free; blank: none.")
    subdivision = serializers.CharField()
    week = serializers.SerializerMethodField(help_text="ISO weekday → its hours, as “09:00–12:00”.")
    dates = OwnDateSerializer(many=True)
    retired_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}})
    def get_week(self, row: WorkingCalendar) -> dict[str, list[str]]:
        return {str(day): [str(each) for each in hours] for day, hours in week_of(row).items()}


@policy("lead.view", by_token=True)
class Calendars(ApiView):
    @extend_schema(operation_id="calendars_list", parameters=[PageQuery], responses=page_of(CalendarSerializer))
    def get(self, request: TokenRequest) -> Response:
        """When people work."""
        rows = WorkingCalendar.objects.prefetch_related("hours", "dates")
        return page(request, rows, order=("id",), form=CalendarSerializer, query=asked(request, PageQuery))


class AbsencesQuery(PageQuery):
    person = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    since = serializers.DateField(required=False, help_text="Only those that end on this day or later.")


class AbsenceSerializer(Shape):
    id = serializers.IntegerField()
    person = serializers.IntegerField(source="user_id")
    first_on = serializers.DateField()
    last_on = serializers.DateField()


@policy("absence.view", by_token=True)
class Absences(ApiView):
    @extend_schema(operation_id="absences_list", parameters=[AbsencesQuery], responses=page_of(AbsenceSerializer))
    def get(self, request: TokenRequest) -> Response:
        """Who is away, on which days."""
        query = asked(request, AbsencesQuery)
        chosen: dict[str, Any] = {"cancelled_at": None}
        if "person" in query:
            chosen["user"] = query["person"]
        if "since" in query:
            chosen["last_on__gte"] = query["since"]
        return page(request, Absence.objects.filter(**chosen), order=("id",), form=AbsenceSerializer, query=query)
