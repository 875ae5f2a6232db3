"""A file whose slices are received two at a time becomes what it would slice by slice."""

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from alignment.integrations.importers import apart
from alignment.integrations.importers import job as importing
from alignment.people.models import User
from leads.models import Account, Lead
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)

SLICE = 4
COLUMNS = ["Id", "Email", "Name", "Title", "Company", "Source", "Owner", "Created", "Qualified"]
MAPPING: dict[str, Any] = {
    "name": "Both",
    "key": {"external_id": "Id"},
    "fields": {"name": "Name", "email": "Email", "title": "Title", "company_name": "Company", "source": "Source"},
    "owner": {"column": "Owner", "unknown": "add"},
    "overwrite": True,
    "moves": [{"to": "MGL", "at": "Created"}, {"to": "MQL", "at": "Qualified"}],
}


@pytest.fixture
def bring(tmp_path: Path):
    def bringing(system: str, rows: list[dict[str, str]]) -> None:
        file, mapping = tmp_path / "leads.csv", tmp_path / "mapping.json"
        with file.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows({**row, **_of(system, row)} for row in rows)
        mapping.write_text(json.dumps(MAPPING | {"system": system}))
        call_command("import_csv", str(file), mapping=mapping)

    return bringing


def _of(system: str, row: dict[str, str]) -> dict[str, str]:
    """The same people, companies, sources and owners, as only this system has them."""
    return {
        "Email": row["Email"].replace("@", f"@{system}-") if row["Email"] else "",
        **{name: f"{system} {row[name]}" for name in ("Company", "Source", "Owner") if row.get(name)},
    }


def stands(system: str) -> list[Any]:
    """What the leads of this system say, apart from its name."""
    leads = Lead.objects.filter(references__system=system).distinct().select_related("account", "source", "owner")
    found = sorted(json.dumps(_said(lead)) for lead in leads)
    return [each.replace(f"{system}-", "").replace(f"{system} ", "") for each in found]


def _said(lead: Lead) -> list[Any]:
    moves = lead.transitions.order_by("seq").values_list("kind", "to_stage", "at")
    return [
        sorted(lead.references.values_list("external_id", flat=True)), lead.name, lead.email, lead.title,
        lead.company_name, lead.account and [lead.account.name, lead.account.domain],
        lead.source and lead.source.key.partition("_")[2], str(lead.owner),
        [[str(each) for each in move] for move in moves],
    ]  # fmt: skip


def rows_of(dice: random.Random) -> list[dict[str, str]]:
    """Rows of which some name a lead of another row by id, by address, or by one and the other."""
    return [
        {
            "Id": f"id{dice.randrange(60)}",
            "Email": dice.choice(["", *(f"p{dice.randrange(60)}@c{dice.randrange(8)}.example" for _ in range(3))]),
            "Name": f"Name {number}",
            "Title": dice.choice(["", f"Title {number}"]),
            "Company": dice.choice(["", f"Company {dice.randrange(8)}"]),
            "Source": f"Source {dice.randrange(6)}",
            "Owner": dice.choice(["", f"Owner {dice.randrange(6)}"]),
            "Created": "2024-03-01",
            "Qualified": dice.choice(["", "2024-03-05"]),
        }
        for number in range(44)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_random_files_become_the_same_one_way_and_the_other(bring, monkeypatch, seed):
    monkeypatch.setattr(importing, "SLICE_ROWS", SLICE)
    rows, answers = rows_of(random.Random(seed)), []

    def told(one, other):
        answers.append(apart.are_apart(one, other))
        return answers[-1]

    monkeypatch.setattr(importing, "are_apart", told)
    bring("abreast", rows[:12])
    bring("abreast", rows)
    assert True in answers, "no two slices ran at a time"
    monkeypatch.setattr(importing, "are_apart", lambda one, other: False)
    bring("single", rows[:12])
    bring("single", rows)

    assert stands("abreast") == stands("single")
    assert User.objects.filter(name__startswith="abreast ").count() == len({row["Owner"] for row in rows} - {""})
    named = Account.objects.filter(name__startswith="abreast").count()
    assert named == Account.objects.filter(name__startswith="single").count()


def test_slices_that_name_one_lead_are_received_in_the_order_of_the_file(bring, monkeypatch):
    monkeypatch.setattr(importing, "SLICE_ROWS", 1)
    make_user()
    bring("crm", [{"Id": "1", "Email": "ana@acme.example", "Name": "Ana", "Created": "2024-03-01"}])
    # The first row names the lead by its id, the second by its address.
    bring(
        "crm",
        [
            {"Id": "1", "Email": "", "Name": "Ana Costa", "Created": "2024-03-01"},
            {"Id": "2", "Email": "ana@acme.example", "Name": "Ana Costa-Lima", "Created": "2024-03-01"},
        ],
    )
    assert [lead.name for lead in Lead.objects.all()] == ["Ana Costa-Lima"]
