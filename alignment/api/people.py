"""People by the API: whose ids leads, moves and deals name."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.reading import PageQuery, asked, page, page_of
from alignment.api.requests import TokenRequest
from alignment.api.shapes import ChoiceField, Shape
from alignment.api.views import ApiView
from alignment.people.models import Role, Side, User
from alignment.people.permissions import policy

ORDER = ("id",)


class PeopleQuery(PageQuery):
    role = ChoiceField(choices=Role.choices, required=False)
    side = ChoiceField(choices=Side.choices, required=False, help_text="Leads are held by people of sales.")


class PersonSerializer(Shape):
    id = serializers.IntegerField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    side = serializers.ChoiceField(choices=Side.choices, allow_null=True)
    team = serializers.IntegerField(source="team_id", allow_null=True)
    team_name = serializers.CharField(source="team.name", allow_null=True)
    calendar = serializers.IntegerField(source="calendar_id", allow_null=True, help_text="Null: the company's.")
    languages = serializers.ListField(child=serializers.CharField(), help_text="ISO 639-1.")


@policy("lead.view", by_token=True)
class People(ApiView):
    @extend_schema(operation_id="people_list", parameters=[PeopleQuery], responses=page_of(PersonSerializer))
    def get(self, request: TokenRequest) -> Response:
        """Who works here."""
        query = asked(request, PeopleQuery)
        columns = {"role": "role", "side": "team__side"}
        people = User.objects.active().filter(**{columns[name]: query[name] for name in columns if name in query})
        return page(request, people.select_related("team"), order=ORDER, form=PersonSerializer, query=query)
