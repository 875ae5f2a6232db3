"""The moves that were taken: of one lead, and of all as a feed; undoing the newest, correcting an earlier one."""

from django.http import Http404
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.reading import PageQuery, asked, cut, following, page, page_of, shown, wanted
from alignment.api.requests import TokenRequest
from alignment.api.shapes import read
from alignment.api.views import ApiView
from alignment.people.models import Scope
from alignment.people.permissions import policy, require
from leads import feed, holders, lifecycle
from leads.api.asked import AssignBody, CorrectBody, UndoBody
from leads.api.leads import api_cause, one, standing_lead
from leads.api.moves import RELATED, described, taken
from leads.api.shapes import LeadSerializer, TransitionSerializer
from leads.hands import owners_for
from leads.holders import Assignment
from leads.models import LeadTransition
from leads.passes import newest
from leads.stages.stages import Stages
from leads.standing import histories


@policy("lead.view", by_token=True)
class LeadTransitions(ApiView):
    tag = "Transitions"

    @extend_schema(operation_id="leads_transitions", parameters=[PageQuery], responses=page_of(TransitionSerializer))
    def get(self, request: TokenRequest, pk: int) -> Response:
        """The moves of one lead, the newest first."""
        query = asked(request, PageQuery)
        rows = LeadTransition.objects.filter(lead=standing_lead(pk)).select_related(*RELATED)
        return page(request, rows, order=("-seq",), form=TransitionSerializer, query=query)


class FeedQuery(PageQuery):
    since = serializers.DateTimeField(required=False, help_text="Begin with the moves recorded then or later.")


@policy("lead.view", by_token=True)
class Feed(ApiView):
    tag = "Transitions"

    @extend_schema(
        operation_id="transitions_feed",
        parameters=[FeedQuery],
        responses=inline_serializer(
            "TransitionFeed",
            {
                "results": TransitionSerializer(many=True),
                "next": serializers.URLField(allow_null=True, help_text="Where to go on, also after the last move."),
                "more": serializers.BooleanField(help_text="Whether there are more already."),
            },
        ),
    )
    def get(self, request: TokenRequest) -> Response:
        """All moves in the order in which they were recorded. Ask `next` again later: no move is missed or told twice.

        A move shows once nothing that began before it is still being written.
        """
        query = asked(request, FeedQuery)
        only = wanted(TransitionSerializer, query)
        rows = feed.moves().select_related(*RELATED)
        if "since" in query:
            rows = rows.filter(recorded_at__gte=query["since"])
        found, more = cut(rows, order=feed.ORDER, query=query)
        told = shown(TransitionSerializer, found, only, many=True)
        return Response({"results": told, "next": following(request, found, feed.ORDER), "more": more})


@policy("lead.undo", by_token=True)
@described("undo", UndoBody, description="Takes back the newest move, within 24 hours.")
class Undo(ApiView):
    tag = "Moves"

    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        standing_lead(pk)
        named: int = read(UndoBody, request)["transition"] or _newest(pk)
        row = LeadTransition.objects.filter(lead=pk, pk=named).select_related("actor").first()
        if row is None:
            raise Http404(f"Lead {pk} has no move {named}.")
        require(request.user, "lead.undo", row)
        return taken(lifecycle.undo(lead_id=pk, transition_id=row.pk, cause=api_cause(request)), request.user)


def _newest(lead_id: int) -> int:
    """The newest move that counts: one that was undone does not. Every lead has one, that of its arrival."""
    moves, _ = histories([lead_id], Stages.load())[lead_id]
    last = newest(moves)
    return last.id if last else moves[0].id


@policy("lead.correct", by_token=True)
@described("correct", CorrectBody, description="Corrects the date or the stage of an earlier move.")
class Correct(ApiView):
    tag, write_scope = "Moves", Scope.ADMIN

    @once
    def post(self, request: TokenRequest, pk: int, move: int) -> Response:
        standing_lead(pk)
        if not LeadTransition.objects.filter(pk=move, lead_id=pk).exists():
            raise Http404(f"Lead {pk} has no move {move}.")
        data = read(CorrectBody, request)
        moved = lifecycle.correct(
            lead_id=pk,
            transition_id=move,
            at=data["at"],
            note=data["note"],
            to=data["stage"],
            cause=api_cause(request),
        )
        return taken(moved, request.user)


@policy("lead.assign", by_token=True)
class Assign(ApiView):
    tag, write_scope = "Moves", Scope.ADMIN

    @extend_schema(operation_id="leads_assign", request=AssignBody, responses=LeadSerializer)
    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        """Hand the lead to somebody in sales, or to nobody."""
        lead = standing_lead(pk)
        require(request.user, "lead.assign", lead)
        data = read(AssignBody, request)
        if data["owner"] is not None and not owners_for(request.user).filter(pk=data["owner"]).exists():
            raise serializers.ValidationError({"owner": ["Nobody with this id is in sales."]})
        holders.hold(assignments=[Assignment(pk, data["owner"])], cause=api_cause(request), why=data["why"])
        return Response(one(pk))
