"""Accounts, and since when they are customers."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.problems import invalid_field
from alignment.api.reading import FieldsQuery, PageQuery, asked, page, page_of, shown, wanted
from alignment.api.requests import TokenRequest
from alignment.api.shapes import PersonIdField, read
from alignment.api.views import ApiView
from alignment.people.permissions import policy
from leads import accounts
from leads.api.asked import AccountBody, CustomerBody
from leads.api.leads import api_cause
from leads.api.shapes import AccountSerializer
from leads.deals import customers
from leads.hands import salespeople
from leads.models import Account

NEWEST = ("-id",)


class AccountQuery(PageQuery):
    domain = serializers.CharField(required=False, help_text="The whole e-mail domain.")
    owner = PersonIdField(required=False)


@policy("lead.view", by_token=True)
class Accounts(ApiView):
    @extend_schema(operation_id="accounts_list", parameters=[AccountQuery], responses=page_of(AccountSerializer))
    def get(self, request: TokenRequest) -> Response:
        """Companies that leads work for, the newest first."""
        query = asked(request, AccountQuery)
        rows = Account.objects.prefetch_related("customer_periods").filter(
            **{name: query[name] for name in ("domain", "owner") if name in query}
        )
        return page(request, rows, order=NEWEST, form=AccountSerializer, query=query)


@policy("lead.view", by_token=True, PATCH="account.edit")
class AccountDetail(ApiView):
    @extend_schema(operation_id="accounts_read", parameters=[FieldsQuery], responses=AccountSerializer)
    def get(self, request: TokenRequest, pk: int) -> Response:
        """One company."""
        only = wanted(AccountSerializer, asked(request, FieldsQuery))
        return Response(shown(AccountSerializer, _account(pk), only))

    @extend_schema(operation_id="accounts_update", request=AccountBody(partial=True), responses=AccountSerializer)
    @once
    def patch(self, request: TokenRequest, pk: int) -> Response:
        """Change facts of an account."""
        account = _account(pk)
        given = read(AccountBody, request, partial=True)
        if "owner" in given and given["owner"] != account.owner_id:
            given["owner"] = _owner(given["owner"])
        else:
            given.pop("owner", None)
        accounts.change(account_id=pk, changes=given, cause=api_cause(request))
        return Response(AccountSerializer(_account(pk)).data)


def _account(pk: int) -> Account:
    account = Account.objects.prefetch_related("customer_periods").filter(pk=pk).first()
    if account is None:
        raise Http404(f"There is no account {pk}.")
    return account


def _owner(pk: int | None) -> Any:
    owner = salespeople().filter(pk=pk).first() if pk else None
    if pk and owner is None:
        raise invalid_field("/owner", "Nobody with this id is in sales.")
    return owner


@policy("account.customer", by_token=True)
class AccountCustomer(ApiView):
    @extend_schema(operation_id="accounts_customer", request=CustomerBody, responses=AccountSerializer)
    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        """Say since when an account is a customer, and until when. The first won deal begins it by itself."""
        _account(pk)
        data = read(CustomerBody, request)
        try:
            customers.say(account_id=pk, cause=api_cause(request), today=timezone.localdate(), **data)
        except customers.CustomerError as error:
            raise invalid_field(f"/{error.field}", str(error)) from error
        return Response(AccountSerializer(_account(pk)).data)
