"""Changing many leads at once, by the verbs of the pages: chosen by their ids, or all that filters find. More than a
thousand are changed in the background; how far it is, and what became of each, is asked for afterwards.
"""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlencode

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.jobs import JobSerializer
from alignment.api.problems import InvalidError, Problem, invalid_field
from alignment.api.reading import PageQuery, asked, page, page_of
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Body, ChoiceField, IdField, KeyField, Shape, read
from alignment.api.views import ApiView
from alignment.people.models import Scope, User
from alignment.people.permissions import policy, require
from leads.api.asked import AssignBody, NoteBody, RecycleBody, RejectBody
from leads.api.leads import LeadFilters, matching
from leads.api.routing import RouteBody
from leads.bulk import running
from leads.bulk.actions import ACTIONS
from leads.bulk.forms import in_words, stored
from leads.dimensions import FACETS
from leads.hands import owners_for
from leads.milestones import CauseSource
from leads.models import Lead
from leads.models.bulk import BulkChange, BulkKind, BulkRow, BulkState
from leads.querysets import LeadQuerySet

MOST_CHOSEN = 100_000
CHOICE = ("leads", "filters")


class FiltersBody(LeadFilters, Body):
    """Those of the list of leads."""


class ChosenBody(Body):
    """Which leads are meant: these, or all that the filters find now."""

    leads = serializers.ListField(child=IdField(), min_length=1, max_length=MOST_CHOSEN, required=False)
    filters = FiltersBody(required=False, help_text="At least one of them.")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        data = super().validate(data)
        if ("leads" in data) == ("filters" in data):
            raise serializers.ValidationError({"leads": ["Name leads, or filters that find them."]})
        if data.get("filters") == {}:
            raise serializers.ValidationError({"filters": ["Name at least one filter."]})
        return data


class BulkNoteBody(ChosenBody, NoteBody):
    pass


class BulkRejectBody(ChosenBody, RejectBody):
    pass


class BulkRecycleBody(ChosenBody, RecycleBody):
    pass


class BulkAssignBody(ChosenBody, AssignBody):
    pass


class BulkRouteBody(ChosenBody, RouteBody):
    pass


class BulkTargetBody(ChosenBody):
    note = serializers.CharField(max_length=200, allow_blank=True, default="", help_text="Why these accounts.")


class BulkFactsBody(ChosenBody):
    """What is named is set, null takes it away, and the rest stays."""

    def get_fields(self) -> dict[str, Any]:
        offered = {
            name: KeyField(queryset=model._default_manager.filter(retired_at=None), required=False, allow_null=True)
            for name, model in FACETS.items()
        }
        return super().get_fields() | offered

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        data = super().validate(data)
        given = {name for name in FACETS if name in data}
        if not given:
            raise serializers.ValidationError({"source": [f"Name at least one of {', '.join(FACETS)}."]})
        return data | {"empty": sorted(name for name in given if data[name] is None)}


class BulkCountsSerializer(Shape):
    waiting = serializers.IntegerField()
    done = serializers.IntegerField()
    unchanged = serializers.IntegerField(help_text="Was so already.")
    refused = serializers.IntegerField()


class BulkChangeSerializer(Shape):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=BulkKind.choices)
    said = serializers.CharField(help_text="What was asked, in words.")
    total = serializers.IntegerField(help_text="How many leads were meant.")
    counts = serializers.SerializerMethodField(help_text="What became of them so far.")
    job = JobSerializer(allow_null=True, help_text="The background work; null where all was done at once.")
    undo_job = JobSerializer(allow_null=True)
    created_by = serializers.IntegerField(source="created_by_id")
    created_at = serializers.DateTimeField()
    undone_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(BulkCountsSerializer)
    def get_counts(self, change: BulkChange) -> dict[str, int]:
        return running.counts(change)


class BulkRowSerializer(Shape):
    lead = serializers.IntegerField(source="lead_id")
    state = serializers.ChoiceField(choices=BulkState.choices)
    message = serializers.CharField(help_text="Why it was refused.")
    kept = serializers.CharField(help_text="Why taking back left it.")


View = TypeVar("View", bound="BulkView")


class BulkView(ApiView):
    """One kind of change of many leads."""

    tag = "Many leads"
    kind: ClassVar[BulkKind]
    body: ClassVar[type[ChosenBody]]

    @once
    def post(self, request: TokenRequest) -> Response:
        data = read(self.body, request)
        leads, query = _meant(data)
        answers = {name: value for name, value in data.items() if name not in CHOICE}
        self.check(request, answers)
        try:
            change = running.start(
                action=ACTIONS[self.kind], params=stored(answers), leads=leads, actor=request.user, query=query,
                said=in_words((name.replace("_", " ").capitalize(), told) for name, told in self.told(answers).items()),
                source=CauseSource.API,
            )  # fmt: skip
        except running.BulkRefusedError as refusal:
            raise invalid_field("/leads" if "leads" in data else "/filters", str(refusal)) from refusal
        headers = {"Location": reverse("api_bulk_change", args=[change.pk])}
        status = 202 if change.job else 201
        return Response(BulkChangeSerializer(change).data, status=status, headers=headers)

    def check(self, request: TokenRequest, answers: dict[str, Any]) -> None:
        """Refuse what only some may ask."""

    def told(self, answers: dict[str, Any]) -> dict[str, Any]:
        """What was asked, for people to read."""
        return answers


def _meant(data: dict[str, Any]) -> tuple[LeadQuerySet, str]:
    """The leads, and the filters as an address; what names nothing is a mistake of the body."""
    if "leads" in data:
        leads = Lead.objects.standing().filter(pk__any_of=data["leads"])
        if unknown := sorted(set(data["leads"]) - set(leads.values_list("pk", flat=True))):
            raise invalid_field("/leads", f"There is no lead {unknown[0]}.")
        return leads, ""
    try:
        found = matching(data["filters"])
    except InvalidError as error:
        raise InvalidError(
            [{"pointer": f"/filters/{each['parameter']}", "detail": each["detail"]} for each in error.more["errors"]]
        ) from error
    return found, urlencode({name: str(value) for name, value in data["filters"].items()})


def described(description: str) -> Callable[[type[View]], type[View]]:
    """Says in the schema what a change asks and answers."""

    def describe(view: type[View]) -> type[View]:
        asks = extend_schema(
            operation_id=f"bulk_changes_{view.kind}", request=view.body, description=description,
            responses={201: BulkChangeSerializer, 202: BulkChangeSerializer},
        )  # fmt: skip
        return extend_schema_view(post=asks)(view)

    return describe


@policy("lead.dispose", by_token=True)
@described("Sales accepts them.")
class Accept(BulkView):
    kind, body = BulkKind.ACCEPT, BulkNoteBody


@policy("lead.dispose", by_token=True)
@described("Sales rejects them, for one reason.")
class Reject(BulkView):
    kind, body = BulkKind.REJECT, BulkRejectBody


@policy("lead.dispose", by_token=True)
@described("Back to nurture with them.")
class Recycle(BulkView):
    kind, body = BulkKind.RECYCLE, BulkRecycleBody


@policy("lead.assign", by_token=True)
@described("Somebody else holds them from now on, or nobody.")
class Reassign(BulkView):
    kind, body, write_scope = BulkKind.REASSIGN, BulkAssignBody, Scope.ADMIN

    def check(self, request: TokenRequest, answers: dict[str, Any]) -> None:
        owner = answers["owner"]
        if owner is not None and not owners_for(request.user).filter(pk=owner).exists():
            raise invalid_field("/owner", "Nobody with this id is in sales.")

    def told(self, answers: dict[str, Any]) -> dict[str, Any]:
        return answers | {"owner": User.objects.filter(pk=answers["owner"]).first() or "nobody"}


@policy("lead.assign", by_token=True)
@described("The published rules find holders anew.")
class Route(BulkView):
    kind, body, write_scope = BulkKind.ROUTE, BulkRouteBody, Scope.ADMIN


@policy("lead.edit", by_token=True)
@described("Their source, campaign, segment or territory.")
class Facts(BulkView):
    kind, body = BulkKind.FACTS, BulkFactsBody


@policy("targets.manage", by_token=True)
@described("Their accounts go onto the list of target accounts.")
class Target(BulkView):
    kind, body = BulkKind.TARGET, BulkTargetBody


KINDS: dict[str, type[BulkView]] = {
    view.kind.value: view for view in (Accept, Reject, Recycle, Reassign, Route, Facts, Target)
}


# What became of it ----------------------------------------------------------------------------------------------


def _change(request: TokenRequest, pk: int, action: str = "bulk.view") -> BulkChange:
    found = BulkChange.objects.select_related("created_by", "job", "undo_job").filter(pk=pk).first()
    if found is None:
        raise Http404(f"There is no change {pk}.")
    require(request.user, action, found)
    return found


@policy("bulk.view", by_token=True)
class Change(ApiView):
    tag = "Many leads"

    @extend_schema(operation_id="bulk_changes_read", responses=BulkChangeSerializer)
    def get(self, request: TokenRequest, pk: int) -> Response:
        """How far it is, and how many leads came to what."""
        return Response(BulkChangeSerializer(_change(request, pk)).data)


class ChangedQuery(PageQuery):
    state = ChoiceField(choices=BulkState.choices, required=False)


@policy("bulk.view", by_token=True)
class ChangedLeads(ApiView):
    tag = "Many leads"

    @extend_schema(operation_id="bulk_changes_leads", parameters=[ChangedQuery], responses=page_of(BulkRowSerializer))
    def get(self, request: TokenRequest, pk: int) -> Response:
        """What became of each lead."""
        query = asked(request, ChangedQuery)
        rows = BulkRow.objects.filter(change=_change(request, pk))
        if "state" in query:
            rows = rows.filter(state=query["state"])
        return page(request, rows, order=("lead_id",), form=BulkRowSerializer, query=query)


@policy("bulk.undo", by_token=True)
class ChangeUndo(ApiView):
    tag = "Many leads"

    @extend_schema(operation_id="bulk_changes_undo", request=None, responses=BulkChangeSerializer)
    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        """Take back what nobody has changed since, within 24 hours."""
        _change(request, pk, "bulk.undo")
        try:
            running.undo(change_id=pk, actor=request.user)
        except running.BulkRefusedError as refusal:
            raise Problem(409, "not_undone", "This change cannot be taken back", str(refusal)) from refusal
        return Response(BulkChangeSerializer(_change(request, pk)).data)
