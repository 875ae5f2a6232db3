"""Lists and figures as files: for who may take them out, and on record."""

from collections.abc import Iterable, Sequence

from django.http import HttpRequest, StreamingHttpResponse

from alignment.lib.csv import Cell, csv_response
from alignment.ops import audit
from alignment.people.permissions import require
from alignment.people.requests import SignedInRequest

# What a download is called, its header and its rows.
File = tuple[str, Sequence[str], Iterable[Sequence[Cell]]]


def wants_file(request: HttpRequest) -> bool:
    """Whether the address asks for what its page shows as a file (`format=csv`)."""
    return request.GET.get("format") == "csv"


def exported(
    request: SignedInRequest,
    name: str,
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    of: str,
    pk: int | None = None,
) -> StreamingHttpResponse:
    """The download `name`.csv, once it is recorded who takes out what: `of` is the kind of subject, `pk` which one.

    Raises PermissionDenied for who may not export.
    """
    require(request.user, "export")
    detail = {"file": name, "query": request.GET.dict()}
    audit.record(action="exported", actor=request.user, subject_kind=of, subject_ids=[pk], detail=detail)
    return csv_response(name, header, rows)
