"""What a production start refuses."""

import subprocess
import sys

import pytest
from django.core import checks

from alignment.checks import check_production
from alignment.people.accounts import DEMO_PASSWORD, ensure_demo_logins
from tests.runtime.stacks import ROOT, Stack

PROCESSES = {
    "web": ["uvicorn", "alignment.asgi:application", "--port=0"],
    "worker": ["celery", "--app=alignment.celery", "worker"],
    "beat": ["celery", "--app=alignment.celery", "beat", "--pidfile="],
}


def start(tmp_path, process: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *PROCESSES[process]]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=Stack(tmp_path).env | {"REDIS_URL": f"unix://{tmp_path}/nobody.sock"} | env,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.mark.parametrize("process", PROCESSES)
def test_no_process_starts_with_the_secret_that_everybody_knows(tmp_path, process):
    result = start(tmp_path, process)
    assert result.returncode != 0
    assert "Accord does not start: ACCORD_SECRET_KEY is not set" in result.stderr


def test_every_reason_is_named(tmp_path):
    result = start(tmp_path, "web", ACCORD_SECRET_KEY="x" * 60, ACCORD_DEBUG="1", ACCORD_ALLOWED_HOSTS="*")
    assert "ACCORD_DEBUG=1" in result.stderr
    assert "ACCORD_ALLOWED_HOSTS holds *" in result.stderr
    assert "ACCORD_SECRET_KEY" not in result.stderr


@pytest.mark.django_db
def test_demo_logins_that_stand_in_a_production_database_open_nothing(client, settings):
    sign_in = {"login": "revops@accord.example", "password": DEMO_PASSWORD}
    settings.DEMO = True
    ensure_demo_logins()
    client.post("/account/login/?next=/setup/people/", sign_in)
    assert client.get("/setup/people/").status_code == 200

    settings.DEMO = False
    assert client.get("/setup/people/").status_code == 302, "the session of the demo is over"
    client.post("/account/login/?next=/setup/people/", sign_in)
    assert client.get("/setup/people/").status_code == 302


def test_the_deploy_check_says_the_same(settings):
    settings.SECRET_KEY, settings.DEBUG, settings.ALLOWED_HOSTS = "x" * 60, False, ["accord.example"]
    assert check_production(None) == []
    settings.ALLOWED_HOSTS = ["*"]
    assert [type(found) for found in check_production(None)] == [checks.Error]
    settings.DEMO = True
    assert [type(found) for found in check_production(None)] == [checks.Warning]
