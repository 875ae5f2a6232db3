"""The OpenAPI document: what views cannot say of themselves."""

import re
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from alignment.api.idempotency import HEADER
from alignment.api.problems import NAMES
from alignment.api.wire import PROBLEM

REFUSED = {401, 403, 404, 410, 422, 429, 500}
WRITES = {400, 409, 413, 415}
TITLES = {status: title for status, (_, title) in NAMES.items()} | {
    409: "The state of things forbids it; `first` says who was faster",
    410: "The lead was merged into another one, which `merged_into` names",
    422: "Something in the request is not right; `errors` names it",
    500: "Accord failed",
}
PROBLEM_SCHEMA = {
    "type": "object",
    "description": "A refusal, as RFC 9457 says it.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "What programs compare, such as urn:accord:problem:invalid."},
        "title": {"type": "string", "description": "What this type of problem is."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong this time, as a sentence for people."},
        "errors": {
            "type": "array",
            "description": "Each names a field (`pointer`, a JSON pointer into the body) or a `parameter`.",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {name: {"type": "string"} for name in ("detail", "pointer", "parameter")},
            },
        },
        "first": {
            "type": "object",
            "description": "The move that was first, where somebody was faster.",
            "properties": {
                "transition": {"type": "integer"},
                "kind": {"type": "string"},
                "actor": {"type": ["integer", "null"]},
                "recorded_at": {"type": "string", "format": "date-time"},
            },
        },
        "lead": {"type": "integer", "description": "The lead that stands in the way."},
        "merged_into": {"type": "integer", "description": "The lead that the one which was asked for went into."},
    },
}
HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {"schema": {"type": "string"}, "description": "For If-None-Match."},
    "Idempotency-Replayed": {
        "schema": {"type": "string"},
        "description": "`true`: answered before, and not done again.",
    },
    "Location": {"schema": {"type": "string"}, "description": "The address of what is new."},
    "RateLimit-Remaining": {"schema": {"type": "integer"}, "description": "Requests left in this minute."},
    "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."},
    "WWW-Authenticate": {"schema": {"type": "string"}},
}
REFERENCE = {"$ref": "#/components/schemas/Problem"}
KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="Any text of yours, new for each new request: sent again within a day, the request takes effect once.",
)


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "alignment.api.authentication.BearerToken"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "Made under Your account, API tokens."}


class Operation(AutoSchema):
    """Writes take a key; every operation has the first part of its address as tag."""

    def get_override_parameters(self) -> list[Any]:
        handler = getattr(self.view, self.method.lower(), None)
        return [KEY] if getattr(handler, "is_once", False) else []

    def get_summary(self) -> str:
        return re.split(r"[.:;](?:\s|$)", self.get_description(), maxsplit=1)[0]

    def get_tags(self) -> list[str]:
        return [getattr(self.view, "tag", self._tokenize_path()[0].capitalize())]


def refusals(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: what each operation may answer instead."""
    schemas = result["components"]["schemas"]
    for name, schema in schemas.items():
        if "Body" in name:
            schema["additionalProperties"] = False
    schemas["Problem"] = PROBLEM_SCHEMA
    for operations in result["paths"].values():
        for method, operation in operations.items():
            for status in sorted(REFUSED | (WRITES if method != "get" else set())):
                refusal = {"description": TITLES[status], "content": {PROBLEM: {"schema": REFERENCE}}}
                operation["responses"].setdefault(str(status), refusal)
            for status, response in operation["responses"].items():
                response["headers"] = {name: HEADERS[name] for name in _headers(status, method)}
    return result


def _headers(status: str, method: str) -> list[str]:
    """What an answer carries beside its body."""
    names = [] if status in ("401", "500") else ["RateLimit-Remaining"]
    names += {"201": ["Location"], "401": ["WWW-Authenticate"], "429": ["Retry-After"]}.get(status, [])
    if status.startswith("2"):
        names.append("ETag" if method == "get" else "Idempotency-Replayed")
    return names
