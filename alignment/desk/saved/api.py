"""Saved views of the list of leads by the API: one's own, one's team's and everybody's."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.http import Http404
from django.urls import reverse
from django.utils.timezone import now
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.problems import Problem, invalid_field
from alignment.api.reading import FieldsQuery, PageQuery, asked, page, page_of, shown, wanted
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Body, ChoiceField, Shape, read
from alignment.api.views import ApiView
from alignment.desk.lead_list import LeadList
from alignment.desk.models import DefaultView, SavedView, Sharing
from alignment.desk.saved import verbs
from alignment.people.permissions import policy, require

ORDER = ("name", "id")
LONGEST = 2000
FURTHER = ("account", "q", "columns")
"""What the list may be asked beside its filters."""


class ViewSerializer(Shape):
    id = serializers.IntegerField()
    name = serializers.CharField()
    query = serializers.CharField(help_text="Filters, order and columns, as the address of the list writes them.")
    sharing = serializers.ChoiceField(choices=Sharing.choices)
    owner = serializers.IntegerField(source="owner_id")
    team = serializers.IntegerField(source="team_id", allow_null=True, help_text="Whose it is where it is shared.")
    created_at = serializers.DateTimeField()
    url = serializers.SerializerMethodField(help_text="The address of the list in the browser.")

    def get_url(self, view: SavedView) -> str:
        return view.get_absolute_url()


class ViewBody(Body):
    name = serializers.CharField(max_length=60)
    query = serializers.CharField(
        max_length=LONGEST, allow_blank=True, help_text="As the address of the list writes it: state=open&owner=me."
    )
    sharing = ChoiceField(choices=Sharing.choices, default=Sharing.ME, help_text="Who sees it.")
    is_default = serializers.BooleanField(required=False, help_text="Whether one's own list begins with it.")


@policy("view.save", by_token=True)
class Views(ApiView):
    tag = "Saved views"

    @extend_schema(operation_id="views_list", parameters=[PageQuery], responses=page_of(ViewSerializer))
    def get(self, request: TokenRequest) -> Response:
        """The views that the token's user sees, by name."""
        query = asked(request, PageQuery)
        return page(request, SavedView.objects.seen_by(request.user), order=ORDER, form=ViewSerializer, query=query)

    @extend_schema(operation_id="views_create", request=ViewBody, responses={201: ViewSerializer})
    @once
    def post(self, request: TokenRequest) -> Response:
        """Save a view."""
        given = read(ViewBody, request)
        if given["sharing"] == Sharing.TEAM and request.user.team_id is None:
            raise invalid_field("/sharing", "You are in no team.")
        try:
            view = verbs.save(
                name=given["name"], query=_checked(given["query"]), sharing=given["sharing"], by=request.user,
                is_default=given.get("is_default", False),
            )  # fmt: skip
        except verbs.NameTakenError as error:
            raise _taken(error) from error
        view.refresh_from_db()
        headers = {"Location": reverse("api_view", args=[view.pk])}
        return Response(ViewSerializer(view).data, status=201, headers=headers)


def _checked(query: str) -> str:
    """The query as the list writes it. Raises InvalidError for what the list does not know."""
    asked_for = dict(parse_qsl(query))
    listed = LeadList(asked_for, at=now())
    filters = {each.name: each for each in listed.filters}
    known = {*filters, *FURTHER}
    for name, value in asked_for.items():
        if name not in known:
            raise invalid_field("/query", f"The list does not know {name}. It knows: {', '.join(sorted(known))}.")
        if "\x00" in value or (name in filters and not filters[name].chosen):
            raise invalid_field("/query", f"There is no {name} {value!r}.")
    return urlencode(listed.query)


def _taken(error: verbs.NameTakenError) -> Problem:
    return Problem(409, "name_taken", "There is a view of that name", str(error))


def _view(request: TokenRequest, pk: int) -> SavedView:
    found = SavedView.objects.seen_by(request.user).select_related("owner").filter(pk=pk).first()
    if found is None:
        raise Http404(f"There is no view {pk} that you see.")
    return found


@policy("view.save", by_token=True, PATCH="view.edit")
class View(ApiView):
    tag = "Saved views"

    @extend_schema(operation_id="views_read", parameters=[FieldsQuery], responses=ViewSerializer)
    def get(self, request: TokenRequest, pk: int) -> Response:
        """One view."""
        only = wanted(ViewSerializer, asked(request, FieldsQuery))
        return Response(shown(ViewSerializer, _view(request, pk), only))

    @extend_schema(operation_id="views_change", request=ViewBody, responses=ViewSerializer)
    @once
    def patch(self, request: TokenRequest, pk: int) -> Response:
        """Another name or other filters, or somebody else sees it: what is not named stays."""
        view = _view(request, pk)
        require(request.user, "view.edit", view)
        given = read(ViewBody, request, partial=True)
        if given.get("sharing") == Sharing.TEAM and view.owner.team_id is None:
            raise invalid_field("/sharing", "Its owner is in no team.")
        if "query" in given:
            verbs.replace(view=view, query=_checked(given["query"]))
        try:
            _rename(view, given, request)
        except verbs.NameTakenError as error:
            raise _taken(error) from error
        return Response(ViewSerializer(_view(request, pk)).data)


def _rename(view: SavedView, given: Mapping[str, Any], request: TokenRequest) -> None:
    begins = DefaultView.objects.filter(user=request.user, view=view).exists()
    verbs.change(
        view=view, name=given.get("name", view.name), sharing=given.get("sharing", view.sharing), by=request.user,
        is_default=given.get("is_default", begins),
    )  # fmt: skip


@policy("view.edit", by_token=True)
class ViewDelete(ApiView):
    tag = "Saved views"

    @extend_schema(operation_id="views_delete", request=None, responses=ViewSerializer)
    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        """Nobody sees it any more."""
        view = _view(request, pk)
        require(request.user, "view.edit", view)
        told = ViewSerializer(view).data
        verbs.delete(view=view)
        return Response(told)
