"""What the API says about itself: its schema, the page that shows it, and whose token this is."""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from alignment.api.authentication import BearerToken
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Shape
from alignment.api.views import ApiView
from alignment.people.models import ApiToken, Role, Scope, User
from alignment.people.permissions import policy, require


@policy("api.read")
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The page that shows the schema, and tries requests out with a token."""
    return render(request, "api/docs.html")


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document; the same for everybody."""
    written: dict[str, Any] = SchemaGenerator().get_schema(public=True)
    return written


@policy("api.read", by_token=True)
class Schema(ApiView):
    """For tokens, and for the browser of whoever is signed in."""

    authentication_classes = [BearerToken, SessionAuthentication]

    def check_permissions(self, request: Request) -> None:
        if isinstance(request.auth, ApiToken) or not isinstance(request.user, User):
            super().check_permissions(request)
        else:
            require(request.user, "api.read")

    @extend_schema(exclude=True)
    def get(self, request: TokenRequest) -> Response:
        return Response(document())


class MeSerializer(Shape):
    user = serializers.IntegerField(source="user.id")
    name = serializers.CharField(source="user.name")
    role = serializers.ChoiceField(source="user.role", choices=Role.choices)
    token = serializers.CharField(source="name", help_text="What the token is called.")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices))
    expires_at = serializers.DateTimeField(source="expiry")


@policy("account.self", by_token=True)
class Me(ApiView):
    @extend_schema(operation_id="me", responses=MeSerializer)
    def get(self, request: TokenRequest) -> Response:
        """Whose token this is, what it is for, and until when."""
        return Response(MeSerializer(request.auth).data)
