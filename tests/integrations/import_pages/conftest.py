"""Importing in the browser, as fixtures: a file is sent through the pages as they propose, run, and taken back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from alignment.integrations.models import Import
from alignment.ops import jobs
from alignment.people.models import Role
from tests.factories import make_user
from tests.integrations.exports import PLAIN


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path: Path):
    settings.IMPORTS_DIR = tmp_path / "imports"


@pytest.fixture
def marketer(db):
    return make_user(Role.MARKETER)


@pytest.fixture
def client(marketer) -> Client:
    client = Client()
    client.force_login(marketer)
    return client


Upload = Callable[..., Import]


@pytest.fixture
def upload(client: Client) -> Upload:
    """Uploads a file through the page; returns its import."""

    def uploading(text: str | bytes = PLAIN, name: str = "leads.csv") -> Import:
        content = text if isinstance(text, bytes) else text.encode()
        response = client.post(reverse("imports"), {"file": SimpleUploadedFile(name, content)})
        assert response.status_code == 302, response.content.decode()
        return Import.objects.latest("pk")

    return uploading


def fields(response: Any) -> dict[str, str]:
    """What the form of the columns page would send as it stands."""
    page = response.context["page"]
    chosen = page.choices
    sent = {f"column-{column.index}": column.target for column in page.columns}
    for value in page.values:
        sent |= {f"value-{value.index}": value.text, f"case-{value.index}": value.case}
    sent |= {name: getattr(chosen, name) for name in ("name", "enters", "source", "campaign", "system")}
    sent |= {name: getattr(chosen, name) for name in ("unknown_owner", "unknown_lead", "promise")}
    return sent | ({"overwrite": "yes"} if chosen.overwrite else {}) | {"start": response.context["start"]}


@pytest.fixture
def explain(client: Client):
    """Sends the columns page, as it was proposed save for `changes`; returns the answer."""

    def explaining(batch: Import, **changes: str):
        url = reverse("import_columns", args=[batch.pk])
        sent = fields(client.get(url))
        return client.post(
            url,
            sent
            | {
                name.replace("_", "-", 1) if name.startswith("column_") else name: value
                for name, value in changes.items()
            },
        )

    return explaining


@pytest.fixture
def run(client: Client, upload: Upload, explain):
    """Imports a file through all pages; returns the import as it then stands."""

    def running(text: str | bytes = PLAIN, name: str = "leads.csv", **changes: str) -> Import:
        batch = upload(text, name)
        response = explain(batch, **changes)
        assert response.status_code == 302, response.context["page"].errors
        client.post(reverse("import_run", args=[batch.pk]))
        batch.refresh_from_db()
        jobs.run(batch.job_id)
        return Import.objects.select_related("job").get(pk=batch.pk)

    return running


@pytest.fixture
def undo(client):
    """Takes an import back through the page; returns what the undo says."""

    def undoing(batch: Import) -> dict[str, int]:
        assert client.post(reverse("import_undo", args=[batch.pk])).status_code == 302
        batch = Import.objects.get(pk=batch.pk)
        jobs.run(batch.undo_job_id)
        return Import.objects.select_related("undo_job").get(pk=batch.pk).undo_job.result

    return undoing
