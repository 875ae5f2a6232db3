"""What belongs to a deal: how it ends, its buying group, who brought it, what changed, what it may be twice."""

from collections.abc import Callable
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view, inline_serializer
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.problems import Problem, invalid_field
from alignment.api.reading import PageQuery, asked, page, page_of
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Body, read
from alignment.api.views import ApiView
from alignment.people.permissions import policy, require
from leads.api.asked import CarryBody, LoseBody, NoteBody, RoleBody, SourcedByBody, WinBody
from leads.api.deals import NEWEST, deal_of, one_deal
from leads.api.leads import api_cause, standing_lead
from leads.api.moves import refused, require_override
from leads.api.shapes import (
    ContactSerializer,
    DealChangeSerializer,
    LikenessSerializer,
    OpportunitySerializer,
    SourcingSerializer,
)
from leads.causes import Cause
from leads.deals import buying_groups, carrying, closing, sourcing
from leads.deals import likeness as deal_likeness
from leads.deals.closing import NotClosedError
from leads.hands import whose
from leads.models import Lead, Opportunity, OpportunityChange, OpportunityContact, Sourcing


class ClosingView(ApiView):
    """How a deal ends: through the lead that carries it, or by itself where none does."""

    body: ClassVar[type[Body]] = NoteBody

    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        deal = deal_of(pk)
        require(request.user, "deal.close", whose(deal))
        try:
            self.take(pk, read(self.body, request), api_cause(request))
        except NotClosedError as error:
            raise refused(error.refusal, request.user) from error
        return Response(one_deal(pk))

    def take(self, pk: int, data: dict[str, Any], cause: Cause) -> None:
        """Call the verb with what was asked."""
        raise NotImplementedError


def _described(
    name: str, body: type[Body] | None, description: str, answers: Any = OpportunitySerializer
) -> Callable[[Any], Any]:
    posted = extend_schema(
        operation_id=f"opportunities_{name}", request=body, responses=answers, description=description
    )
    return extend_schema_view(post=posted)


@policy("deal.close", by_token=True)
@_described("win", WinBody, "The deal is won, and so is the lead that carries it; its account is a customer.")
class Win(ClosingView):
    body = WinBody

    def take(self, pk: int, data: dict[str, Any], cause: Cause) -> None:
        reason = data["reason"].pk if data["reason"] else None
        closing.win(opportunity_id=pk, reason_id=reason, note=data["note"], cause=cause)


@policy("deal.close", by_token=True)
@_described("lose", LoseBody, "The deal is lost, with a reason, and so is the lead that carries it.")
class Lose(ClosingView):
    body = LoseBody

    def take(self, pk: int, data: dict[str, Any], cause: Cause) -> None:
        closing.lose(opportunity_id=pk, reason_id=data["reason"].pk, note=data["note"], cause=cause)


@policy("deal.close", by_token=True)
@_described("reopen", NoteBody, "Take back the close.")
class Reopen(ClosingView):
    def take(self, pk: int, data: dict[str, Any], cause: Cause) -> None:
        closing.reopen(opportunity_id=pk, note=data["note"], cause=cause)


@policy("lead.view", by_token=True)
class Changes(ApiView):
    @extend_schema(
        operation_id="opportunities_changes", parameters=[PageQuery], responses=page_of(DealChangeSerializer)
    )
    def get(self, request: TokenRequest, pk: int) -> Response:
        """Every change of a deal, the newest first. The differences of the base amounts add up to its amount."""
        rows = OpportunityChange.objects.filter(opportunity=deal_of(pk))
        return page(request, rows, order=NEWEST, form=DealChangeSerializer, query=asked(request, PageQuery))


_contacts = inline_serializer("ContactList", {"results": ContactSerializer(many=True)})


class GroupView(ApiView):
    """A change of the buying group: who may edit the deal makes it, and is told who belongs to it now."""

    @once
    def post(self, request: TokenRequest, pk: int, **named: int) -> Response:
        deal = deal_of(pk)
        require(request.user, "deal.edit", whose(deal))
        self.take(request, deal, **named)
        return _group(deal)

    def take(self, request: TokenRequest, deal: Opportunity, **named: int) -> None:
        """Call the verb with what was asked."""
        raise NotImplementedError


def _group(deal: Opportunity) -> Response:
    contacts = OpportunityContact.objects.filter(opportunity=deal).select_related("lead")
    return Response({"results": ContactSerializer(contacts.order_by("-is_primary", "pk"), many=True).data})


@policy("lead.view", by_token=True, POST="deal.edit")
@_described(
    "contacts_name", RoleBody, "Take a person of the account into the buying group, or name the role of who is in it.",
    _contacts,
)  # fmt: skip
class Contacts(GroupView):
    @extend_schema(operation_id="opportunities_contacts", responses=_contacts)
    def get(self, request: TokenRequest, pk: int) -> Response:
        """The buying group, who carries the deal first."""
        return _group(deal_of(pk))

    def take(self, request: TokenRequest, deal: Opportunity, **named: int) -> None:
        data = read(RoleBody, request)
        if not _may_belong(deal, data["lead"]):
            raise invalid_field("/lead", "Only people of the deal's account belong to its buying group.")
        roles = {data["lead"]: data["role"]}
        buying_groups.name_roles(opportunity_id=deal.pk, roles=roles, cause=api_cause(request))


def _may_belong(deal: Opportunity, lead_id: int) -> bool:
    if deal.contacts.filter(lead=lead_id).exists():
        return True
    return bool(deal.account_id) and Lead.objects.standing().filter(pk=lead_id, account=deal.account_id).exists()


@policy("deal.edit", by_token=True)
@_described(
    "contacts_remove", None, "Take somebody out of the buying group. Who carries the deal, or joined it, stays (409).",
    _contacts,
)  # fmt: skip
class ContactRemove(GroupView):
    def take(self, request: TokenRequest, deal: Opportunity, **named: int) -> None:
        gone = buying_groups.dismiss(opportunity_id=deal.pk, lead_ids=[named["lead"]], cause=api_cause(request))
        if not gone:
            sentence = "Who carries the deal, or joined it, stays in its buying group; others do not belong to it."
            raise Problem(409, "not_allowed", "This person stays", sentence)


@policy("deal.edit", by_token=True)
@_described(
    "contacts_carry", CarryBody,
    "Let somebody of the account carry the deal: their lead becomes the opportunity, and who carried it joins.",
    _contacts,
)  # fmt: skip
class ContactCarry(GroupView):
    def take(self, request: TokenRequest, deal: Opportunity, **named: int) -> None:
        taker = standing_lead(named["lead"])
        require(request.user, "lead.advance", taker)
        data = read(CarryBody, request)
        if data["override"]:
            require_override(request, taker)
        try:
            carrying.carry(opportunity_id=deal.pk, lead_id=taker.pk, cause=api_cause(request), **data)
        except NotClosedError as error:
            raise refused(error.refusal, request.user) from error


_sourcings = inline_serializer("SourcingList", {"results": SourcingSerializer(many=True)})


@policy("lead.view", by_token=True, POST="deal.source")
class SourcedBy(ApiView):
    @extend_schema(operation_id="opportunities_sourcings", responses=_sourcings)
    def get(self, request: TokenRequest, pk: int) -> Response:
        """Who brought the deal, by which rule and on what evidence; the newest, which counts, first."""
        return _said(deal_of(pk))

    @extend_schema(operation_id="opportunities_sourced_by", request=SourcedByBody, responses=_sourcings)
    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        """Correct who brought the deal, until the books of its month are closed (409 from then on)."""
        deal = deal_of(pk)
        data = read(SourcedByBody, request)
        try:
            sourcing.correct(opportunity_id=pk, cause=api_cause(request), **data)
        except sourcing.SourcingError as error:
            raise Problem(409, "not_allowed", "It stands as it is", str(error)) from error
        return _said(deal)


def _said(deal: Opportunity) -> Response:
    rows = Sourcing.objects.filter(opportunity=deal).select_related("channel").order_by("-id")
    return Response({"results": SourcingSerializer(rows, many=True).data})


@policy("lead.view", by_token=True)
class Duplicates(ApiView):
    @extend_schema(
        operation_id="opportunities_duplicates",
        responses=inline_serializer("LikenessList", {"results": LikenessSerializer(many=True)}),
    )
    def get(self, request: TokenRequest, pk: int) -> Response:
        """Open deals of the same account that may be this one, with what speaks for it."""
        found = deal_likeness.look([deal_of(pk).pk]).get(pk, [])
        return Response({"results": LikenessSerializer(found, many=True).data})
