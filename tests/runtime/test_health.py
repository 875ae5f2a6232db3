"""What a load balancer is told."""

import pytest
from django.db import connection

from tests.runtime.stacks import Stack


def test_alive_needs_nothing(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_ready_with_a_migrated_database_and_a_broker(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_without_a_broker_degraded_not_dead(client, settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (200, b"degraded: no broker\n")


@pytest.mark.django_db
def test_not_ready_before_the_migrations(client):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'leads'")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"migrations pending\n")


def test_not_ready_without_a_database(tmp_path):
    stack = Stack(tmp_path / "state")
    stack.env |= {
        "DATABASE_URL": f"postgresql:///accord?host={tmp_path}",
        "REDIS_URL": f"unix://{tmp_path}/nobody.sock",
    }
    get = "a = Client(HTTP_HOST='localhost').get('/readyz'); print(a.status_code, a.content.decode())"
    ask = f"from django.test import Client; {get}"
    assert stack.run("manage", "shell", "--no-imports", "--command", ask).stdout == "503 no database\n\n"
