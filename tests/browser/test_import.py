"""Importing a file in the browser: from the drop to the result, with and without JavaScript, and back again."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from alignment.integrations.models import Import
from alignment.ops import jobs
from leads.models import Lead
from tests.incoming import make_import

ROWS = """Full name,E-mail,Company,Status,Created
Ana Costa,{mark}-ana@acme.example,Acme,Working,03/04/2026
Ben Okafor,{mark}-ben@globex.example,Globex,Won,05/06/2026
Nobody,not an address,Initech,Lost,01/02/2026
"""


@pytest.fixture
def file(tmp_path: Path):
    """Writes a file whose addresses begin with `mark`; returns its path."""

    def writing(mark: str) -> str:
        path = tmp_path / f"{mark}.csv"
        path.write_text(ROWS.replace("{mark}", mark), encoding="utf-8")
        return str(path)

    return writing


def run_job(batch: Import) -> None:
    """The worker's part; no worker runs beside the site."""
    batch.refresh_from_db()
    jobs.run(batch.undo_job_id or batch.job_id)


def newest() -> Import:
    return Import.objects.select_related("job").latest("pk")


def test_the_whole_way(visit, people, file):
    window = visit(people["marketer"], expects=(422,))
    page = window.page
    window.open("/import/")
    page.set_input_files("[name=file]", file("way"))
    page.wait_for_url("**/columns/")
    window.until_ready()
    expect(page.get_by_role("combobox", name="E-mail")).to_have_value("field:email")

    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Say below how “03/04/2026” is meant.")).to_be_visible()
    page.get_by_label("3 April 2026").check()
    page.get_by_role("button", name="Preview").click()
    page.wait_for_url("**/preview/")
    expect(window.find(".tally")).to_contain_text("Create leads2")
    expect(page.get_by_text("“not an address” is not an e-mail address.")).to_be_visible()

    page.get_by_role("button", name="Import 3 rows").click()
    window.until_ready()
    expect(page.get_by_role("progressbar")).to_be_visible()
    with window.without_reload():
        run_job(newest())
        expect(page.get_by_role("heading", name="3 rows imported")).to_be_visible()
    expect(window.find(".tally")).to_contain_text("Rejected1")
    with page.expect_download() as download:
        page.get_by_role("link", name="Rejected rows, with reasons").click()
    assert "“not an address” is not an e-mail address." in Path(download.value.path()).read_text(encoding="utf-8-sig")


def test_it_is_taken_back(visit, people, file):
    batch = make_import(people["marketer"])
    window = visit(people["marketer"])
    page = window.page
    window.open(f"/import/{batch.pk}/preview/")
    page.get_by_role("button", name="Import 3 rows").click()
    run_job(batch)
    window.open(f"/import/{batch.pk}/")
    page.get_by_role("link", name="Take it back").click()
    page.get_by_role("button", name="Take it back").click()
    window.until_ready()
    run_job(batch)
    expect(page.get_by_role("heading", name="This import was taken back")).to_be_visible()
    assert Lead.objects.filter(withdrawn_at__isnull=False, name="Ana Costa").exists()


def test_the_status_column_asks_what_its_values_mean(visit, people, file):
    window = visit(people["marketer"])
    page = window.page
    window.open("/import/")
    page.set_input_files("[name=file]", file("status"))
    page.wait_for_url("**/columns/")
    window.until_ready()
    expect(page.get_by_label("Working")).to_have_value("SQL")
    page.get_by_role("combobox", name="Status").select_option("attribute")
    expect(page.get_by_label("Working")).to_have_count(0)


def test_a_refused_file_says_what_it_is(visit, people, tmp_path):
    path = tmp_path / "page.csv"
    path.write_text("<!doctype html><html><body>Export</body></html>")
    window = visit(people["marketer"], expects=(422,))
    window.open("/import/")
    window.page.set_input_files("[name=file]", str(path))
    expect(window.page.get_by_role("alert")).to_contain_text("This is a web page")


def test_without_javascript(visit, people, file):
    window = visit(people["marketer"], java_script_enabled=False)
    page = window.page
    page.goto("/import/")
    page.set_input_files("[name=file]", file("plain"))
    page.get_by_role("button", name="Upload").click()
    page.get_by_label("5 June 2026").or_(page.get_by_label("3 April 2026")).check()
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Import 3 rows").click()
    run_job(newest())
    page.reload()
    expect(page.get_by_role("heading", name="3 rows imported")).to_be_visible()
