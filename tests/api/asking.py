"""Asking the API as another program does: with a token and JSON, and nothing else."""

from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from alignment.people import tokens
from alignment.people.models import Role, Scope, User
from tests.factories import make_user

ROOT = "/api/v1"


def make_token(user: User | None = None, *scopes: str, days: int = 90) -> str:
    """The text of a new token; without scopes it has all that there are."""
    _, text = tokens.make(user=user or make_user(Role.REVOPS), name="Test", scopes=scopes or Scope.values, days=days)
    return text


@dataclass
class Api:
    """A program with a token."""

    token: str = ""
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def ask(self, method: str, path: str, body: Any = None, query: Any = None, **headers: str) -> Any:
        address = path if path.startswith("/") else f"{ROOT}/{path}"
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = {} if body is None else {"data": body, "content_type": "application/json"}
        ask = getattr(self.client, method)
        return ask(address, **data, headers=headers, **({"query_params": query} if query else {}))

    def get(self, path: str, query: Any = None, **headers: str) -> Any:
        return self.ask("get", path, None, query, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.ask("post", path, {} if body is None else body, None, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.ask("patch", path, body, None, **headers)


def api(role: Role = Role.REVOPS, *scopes: str, user: User | None = None) -> Api:
    """A program that acts as `user`, or as somebody of `role`."""
    return Api(make_token(user or make_user(role), *scopes))


def problem(response: Any, status: int) -> dict[str, Any]:
    """What a refusal says."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    told: dict[str, Any] = response.json()
    assert told["status"] == status
    assert told["title"]
    assert told["detail"].strip()
    return told


def pointers(response: Any) -> set[str]:
    """The fields and parameters that a 422 names."""
    return {error.get("pointer", error.get("parameter")) for error in problem(response, 422)["errors"]}
