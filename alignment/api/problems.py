"""Problems (RFC 9457): what every refusal of the API looks like, and which exception becomes which."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

from alignment.api.wire import PROBLEM, JsonRenderer

KIND = "urn:accord:problem:"


class Problem(exceptions.APIException):
    """A refusal: `kind` is a word that programs compare, `detail` a sentence for people, `more` further members.
    `wait` is after how many seconds the same request may do; None where it never will.
    """

    wait: float | None = None

    def __init__(self, code: int, kind: str, title: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status_code, self.kind, self.title, self.more = code, kind, title, more

    @property
    def members(self) -> dict[str, Any]:
        """The problem as it is sent."""
        told = {"type": f"{KIND}{self.kind}", "title": self.title, "status": self.status_code, "detail": self.text}
        return told | self.more

    @property
    def text(self) -> str:
        return str(self.detail)


class InvalidError(Problem):
    """422: `errors` name the fields by JSON pointer, or the `parameter` of the address."""

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        where = errors[0].get("parameter") or errors[0].get("pointer")
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        detail = f"{where}: {errors[0]['detail']}{more}" if where else f"{errors[0]['detail']}{more}"
        super().__init__(422, "invalid", "Something in the request is not right", detail, errors=errors)


def invalid_parameter(name: str, sentence: str) -> InvalidError:
    """422 for a parameter of the address."""
    return InvalidError([{"parameter": name, "detail": sentence}])


def invalid_field(pointer: str, sentence: str) -> InvalidError:
    """422 for a field of the body, by its JSON pointer (`/reason`)."""
    return InvalidError([{"pointer": pointer, "detail": sentence}])


# Of exceptions that are not problems themselves: status → kind and title.
NAMES: Mapping[int, tuple[str, str]] = {
    400: ("malformed", "The request cannot be read"),
    401: ("unauthenticated", "A token is needed"),
    403: ("forbidden", "This is not allowed"),
    404: ("not_found", "There is nothing here"),
    405: ("method_not_allowed", "This address does not take that method"),
    413: ("too_large", "The body is too large"),
    415: ("media_type", "The body must be JSON"),
    429: ("too_many_requests", "Too many requests"),
}


def answer(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The answer to an exception of a view; None for a failure of ours."""
    problem = _problem(error, context)
    if problem is None:
        return None
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return Response(problem.members, status=problem.status_code, headers=headers, content_type=PROBLEM)


def _problem(error: Exception, context: Mapping[str, Any]) -> Problem | None:
    match error:
        case Problem():
            return error
        case exceptions.ValidationError():
            return InvalidError(list(pointers(error.detail)))
        case Http404():
            return _named(404, str(error) or "There is no such thing, or none that you may see.")
        case PermissionDenied():
            return _named(403, str(error))
        case exceptions.UnsupportedMediaType():
            return _named(415, "Send the body as application/json.")
        case exceptions.MethodNotAllowed():
            takes = ", ".join(each for each in context["view"].allowed_methods if each not in ("HEAD", "OPTIONS"))
            return _named(405, f"{error.detail} It takes {takes}.")
        case exceptions.APIException() if error.status_code in NAMES:
            return _named(error.status_code, str(error.detail))
    return None


def _named(code: int, detail: str) -> Problem:
    kind, title = NAMES[code]
    return Problem(code, kind, title, detail)


def pointers(detail: Any, at: str = "") -> Iterator[dict[str, str]]:
    """Errors of a serializer, however deep, each with the JSON pointer of what it is about."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            whole = key == api_settings.NON_FIELD_ERRORS_KEY
            yield from pointers(inner, at if whole else f"{at}/{_escaped(str(key))}")
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            yield from pointers(inner, at if isinstance(inner, str) else f"{at}/{index}")
    else:
        yield {"pointer": at, "detail": str(detail)}


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def failure(error_id: str) -> HttpResponse:
    """500, for a failure of ours whose details the log holds under `error_id`."""
    detail = f"Accord failed; nothing was written. The log holds the error as {error_id}."
    members = Problem(500, "failure", "Accord failed", detail).members
    return HttpResponse(JsonRenderer().render(members), status=500, content_type=PROBLEM)
