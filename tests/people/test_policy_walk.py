"""Every URL × visitor × method answers as the policy table says; a URL that the table does not know fails."""

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from alignment.people import tokens
from alignment.people.models import Role, Scope, Side, User
from alignment.people.permissions import POLICY, action_of, can, policy_of
from tests.addresses import ADDRESSES, Address
from tests.factories import make_user

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
VISITORS = ((Role.MANAGER, Side.MARKETING), *((role, None) for role in Role))
# What a view may say to somebody who may: the page, elsewhere, not so, not this way, too late, not in this form.
ANSWERS = {200, 204, 302, 303, 304, 400, 405, 409, 415, 422}
OF_TOKENS = {200, 201, 404, 405, 409, 415, 422}


def _patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _patterns(entry)
        else:
            yield entry


PATTERNS = list(_patterns(get_resolver()))
every_url = pytest.mark.parametrize(
    "pattern", PATTERNS, ids=[pattern.name or str(pattern.pattern) for pattern in PATTERNS]
)


@every_url
def test_the_table_knows_every_url(pattern):
    actions = {action_of(pattern.callback, pattern.name, method) for method in METHODS}

    assert pattern.name, f"{pattern.pattern} needs a name"
    assert actions <= POLICY.keys(), f"{pattern.name} needs @policy"


@every_url
@pytest.mark.django_db
def test_every_visitor_gets_what_the_table_says(pattern):
    address = address_of(pattern)
    url = reverse(pattern.name, kwargs=address.kwargs)
    visitors = [None, *(make_user(role, side) for role, side in VISITORS)]
    by_token = is_by_token(pattern)
    for visitor in visitors:
        client = (_program if by_token else _browser)(visitor)
        for method in METHODS:
            said = f"{method} {url} as {visitor.get_role_display() if visitor else 'a stranger'}"
            check = _check_program if by_token else _check
            check(said, visitor, action_of(pattern.callback, pattern.name, method), address, _ask(client, method, url))


@every_url
@pytest.mark.django_db
def test_a_login_opens_no_address_of_tokens(pattern):
    if is_by_token(pattern) and pattern.name != "api_schema":
        url = reverse(pattern.name, kwargs=address_of(pattern).kwargs)
        client = _browser(make_user(Role.REVOPS))
        assert {_ask(client, method, url).status_code for method in METHODS} == {401}


def is_by_token(pattern: URLPattern) -> bool:
    marked = policy_of(pattern.callback)
    return marked is not None and marked.by_token


def _browser(visitor: User | None) -> Client:
    client = Client()
    if visitor:
        client.force_login(visitor)
    return client


def _program(visitor: User | None) -> Client:
    if visitor is None:
        return Client()
    _, text = tokens.make(user=visitor, name="Walk", scopes=Scope.values, days=1)
    return Client(headers={"Authorization": f"Bearer {text}"})


def address_of(pattern: URLPattern) -> Address:
    if not pattern.pattern.converters:
        return Address()
    assert pattern.name in ADDRESSES, f"tests.addresses.ADDRESSES lacks {pattern.name}"
    return ADDRESSES[pattern.name]()


def _ask(client: Client, method: str, url: str):
    """The answer; what the request wrote is taken back, so that each finds the same rows."""
    with transaction.atomic():
        response = client.generic(method, url)
        transaction.set_rollback(True)
    return response


def _check(said: str, visitor: User | None, action: str, address: Address, response) -> None:
    status, sent_to = response.status_code, response.headers.get("Location", "")
    if POLICY[action].open:
        assert status in ANSWERS, said
    elif visitor is None:
        assert status == 302, said
        assert sent_to.startswith(reverse("account_login")), said
    elif not can(visitor, action) or (status != 405 and not can(visitor, action, address.obj)):
        assert status == 403, said
    else:
        assert status in ANSWERS, said
        assert not sent_to.startswith(reverse("account_login")) or action == "account.sign_in", said


def _check_program(said: str, visitor: User | None, action: str, address: Address, response) -> None:
    status = response.status_code
    if visitor is None:
        assert status == 401, said
    elif not can(visitor, action) or (status not in (404, 405) and not can(visitor, action, address.obj)):
        assert status == 403, said
    else:
        assert status in OF_TOKENS, said
