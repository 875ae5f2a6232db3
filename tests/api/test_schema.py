"""The schema keeps its word: whatever a program of any role sends, the answer is one that the schema describes."""

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from alignment.api.about import document
from alignment.people.models import Role
from leads.models import Lead, LeadTransition, Opportunity
from tests.api.asking import api, make_token
from tests.factories import make_lead, make_user

pytestmark = pytest.mark.django_db

EXAMPLES = 6
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture(autouse=True)
def one_transaction():
    """The rows of a test are in its transaction, so its requests must not end the connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(autouse=True)
def no_limit(settings):
    settings.API_RATE = 1_000_000


@pytest.fixture(scope="module")
def schema():
    return schemathesis.openapi.from_dict(document())


@pytest.mark.parametrize("role", list(Role))
def test_every_operation_answers_as_the_schema_says(role, schema):
    user = make_user(role)
    token = make_token(user)
    schema.app = get_wsgi_application()
    known = rows_of(user)
    for found in schema.get_all_operations():
        ask(found.ok(), token, known)


def rows_of(user):
    """Rows that addresses can name, some of them the user's own, by the beginning of the address."""
    for stage in ("mgl", "mql", "sql", "sqo"):
        make_lead(stage, owner=user)
        make_lead(stage, company_name="Buyer")
    return {
        "/api/v1/leads/{id}": list(Lead.objects.values_list("pk", flat=True)),
        "/api/v1/accounts/{id}": list(Lead.objects.exclude(account=None).values_list("account", flat=True)),
        "/api/v1/opportunities/{id}": list(Opportunity.objects.values_list("pk", flat=True)),
    }


def ask(operation, token, known):
    ids = next((pks for start, pks in known.items() if operation.path.startswith(start)), [])

    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(), st.booleans(), st.data())
    def check(case, is_known, data):
        if ids and is_known:
            lead = data.draw(st.sampled_from(ids))
            case.path_parameters["id"] = lead
            if "move" in case.path_parameters:
                case.path_parameters["move"] = LeadTransition.objects.filter(lead=lead).first().pk
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    check()


def test_whoever_is_signed_in_reads_the_schema_too(client):
    assert client.get("/api/v1/schema/").status_code == 401
    client.force_login(make_user(Role.EXECUTIVE))

    assert client.get("/api/v1/schema/").json() == api().get("schema/").json()


def test_every_write_can_be_sent_again():
    written = [(path, item) for path, item in document()["paths"].items()]
    operations = [(path, item[method]) for path, item in written for method in ("post", "patch") if method in item]

    assert len(operations) > 20
    for path, operation in operations:
        assert "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]], path
