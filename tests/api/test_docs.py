"""The examples of docs/api.md do what they say, against a running server."""

import os
import re
import shutil
import subprocess

import pytest
from django.db import connection

from alignment.api.about import document
from alignment.people.models import Role, Scope
from leads.milestones import Outcome
from leads.models import Lead, Touchpoint
from tests.api.asking import make_token
from tests.architecture.source import ROOT, text
from tests.factories import make_lead, make_user

PAGE = text(ROOT / "docs" / "api.md")

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)


def examples(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def accord(live_server, monkeypatch):
    """The environment of the examples: a server, a token, and two leads that wait for sales."""
    # That the tables were emptied is written down itself, under keys that the reset gives again.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('leads_changeddays', 'id'), max(id)) FROM leads_changeddays"
        )
    for _ in range(2):
        make_lead()
    monkeypatch.setenv("ACCORD_URL", live_server.url)
    monkeypatch.setenv("ACCORD_TOKEN", make_token(make_user(Role.REVOPS)))


def test_python(accord, capsys):
    exec("\n".join(examples("python")), {})  # noqa: S102  (the page's own code)

    said = capsys.readouterr().out
    assert "201 3 MGL" in said
    assert "rejected" in said
    assert "/email This is no e-mail address." in said
    assert Lead.objects.filter(campaign__key="spring_fair").count() == 250
    assert Lead.objects.filter(name="Noor").count() == 1
    assert Lead.objects.get(pk=2).outcome == Outcome.REJECTED
    assert Touchpoint.objects.get(external_id="w-17").lead_id == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="There is no curl on this machine.")
def test_curl(accord):
    script = "set -euo pipefail\n" + "\n".join(examples("sh"))
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=os.environ, timeout=60)

    assert done.returncode == 0, done.stderr
    assert "refused" in done.stdout
    assert Lead.objects.filter(name="Iris").count() == 1
    assert Lead.objects.get(email="ada@flora.example").touchpoints.get().title == "Asked for a demo"
    assert Lead.objects.get(pk=1).touchpoints.filter(title__contains="Wants a quote").exists()


def test_it_names_every_scope_and_every_move():
    assert all(f"`{scope}`" in PAGE for scope in Scope.values)
    moves = {
        path.rstrip("/").rpartition("/")[2] for path in document()["paths"] if path.startswith("/api/v1/leads/{id}/")
    }
    assert all(move in PAGE for move in moves - {"{id}"})


def test_each_use_is_shown_in_both_languages_and_short():
    assert len(examples("sh")) == len(examples("python")) > 8
    assert max(len(example.strip().splitlines()) for example in (*examples("sh"), *examples("python"))) <= 5
