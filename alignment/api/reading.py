"""Reads: the parameters of an address, sparse fields, and pages that go on from a place in the order."""

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from alignment.api.problems import InvalidError, invalid_parameter
from alignment.lib import keysets
from alignment.lib.keysets import Order

Row = TypeVar("Row", bound=Model)
MOST_ROWS = 200


class FieldsQuery(serializers.Serializer):
    """What every read may be asked."""

    fields = serializers.CharField(
        required=False, help_text="Names of the fields to answer, with commas. Without it: all."
    )


class PageQuery(FieldsQuery):
    """What every list may be asked."""

    limit = serializers.IntegerField(min_value=1, max_value=MOST_ROWS, default=50, help_text="Rows of a page.")
    cursor = serializers.CharField(
        required=False, help_text="Where the page begins: from `next` of the page before. Never made by hand."
    )


def asked(request: Request, form: type[serializers.Serializer]) -> dict[str, Any]:
    """The parameters of the address, checked. Raises InvalidError, also for one that nobody knows."""
    read = form(data=request.query_params.dict())
    unknown = sorted(set(request.query_params) - set(read.fields))
    if unknown:
        known = ", ".join(sorted(read.fields))
        raise InvalidError([{"parameter": name, "detail": f"Not known here. Known: {known}."} for name in unknown])
    if not read.is_valid():
        raise InvalidError(
            [{"parameter": name, "detail": str(said)} for name, all_said in read.errors.items() for said in all_said]
        )
    return read.validated_data


def wanted(form: type[serializers.Serializer], query: dict[str, Any]) -> Collection[str]:
    """The names of the fields that are to be answered."""
    known = list(form().fields)
    names = [name.strip() for name in query.get("fields", "").split(",") if name.strip()]
    if missing := [name for name in names if name not in known]:
        raise invalid_parameter("fields", f"There is no field {missing[0]}. There are {', '.join(known)}.")
    return names or known


def shown(form: type[serializers.Serializer], rows: Any, only: Collection[str], *, many: bool = False) -> Any:
    """Rows with these fields."""
    written: Any = form(rows, many=many)
    fields = (written.child if many else written).fields
    for name in set(fields) - set(only):
        del fields[name]
    return written.data


def page(
    request: Request, rows: QuerySet[Row], *, order: Order, form: type[serializers.Serializer], query: dict[str, Any]
) -> Response:
    """One page of `rows` in `order`, and the address of the next one (null on the last)."""
    only = wanted(form, query)
    found, more = cut(rows, order=order, query=query)
    behind = following(request, found, order) if more else None
    return Response({"results": shown(form, found, only, many=True), "next": behind})


def cut(rows: QuerySet[Row], *, order: Order, query: dict[str, Any]) -> tuple[list[Row], bool]:
    """The rows of a page, and whether there are more behind them; one query, whatever the place."""
    if "cursor" in query:
        try:
            rows = rows.filter(keysets.beyond(order, keysets.from_text(query["cursor"], order)))
        except ValueError as error:
            sentence = "This is no cursor of this list. Take it from `next`."
            raise invalid_parameter("cursor", sentence) from error
    found = list(rows.order_by(*order)[: query["limit"] + 1])
    return found[: query["limit"]], len(found) > query["limit"]


def following(request: Request, found: Sequence[Row], order: Order) -> str:
    """The address of what comes behind these rows; behind none of them, the address that was asked."""
    again = request.query_params.copy()
    if found:
        again["cursor"] = keysets.to_text(found[-1], order)
    return request.build_absolute_uri(f"{request.path}?{again.urlencode()}")


def page_of(form: type[serializers.Serializer]) -> Any:
    """The schema of a page."""
    name = form.__name__.removesuffix("Serializer")
    return inline_serializer(
        f"{name}Page",
        {
            "results": form(many=True),
            "next": serializers.URLField(allow_null=True, help_text="The address of the next page; null on the last."),
        },
    )
