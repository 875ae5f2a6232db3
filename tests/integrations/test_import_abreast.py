"""A file whose slices are received two at a time becomes what it would slice by slice."""

import csv
import gc
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from alignment.integrations.importers import apart
from alignment.integrations.importers import job as importing
from alignment.integrations.importers.slices import Slice
from alignment.people.models import User
from leads.lifecycle import Moved
from leads.merging import lock as merge_lock
from leads.models import Account, Lead, Opportunity, Sourcing
from leads.signals import leads_moved
from tests.factories import make_pool, make_routing, make_user
from tests.ops.processes import Thread

pytestmark = pytest.mark.django_db(transaction=True)

SLICE = 4
COLUMNS = ["Id", "Email", "Name", "Title", "Company", "Source", "Owner", "Created", "Qualified", "Won"]
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
    def bringing(system: str, rows: list[dict[str, str]], **more: Any) -> None:
        file, mapping = tmp_path / "leads.csv", tmp_path / "mapping.json"
        with file.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows({**row, **_of(system, row)} for row in rows)
        mapping.write_text(json.dumps(MAPPING | {"system": system} | more))
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

    def told(one, other, **more):
        answers.append(apart.are_apart(one, other, **more))
        return answers[-1]

    monkeypatch.setattr(importing, "are_apart", told)
    bring("abreast", rows[:12])
    bring("abreast", rows)
    assert True in answers, "no two slices ran at a time"
    monkeypatch.setattr(importing, "are_apart", lambda one, other, **more: False)
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


# Where the second slice is ahead of the first ---------------------------------------------------------------------

FIRST, SECOND = "First", "Second"


@pytest.fixture
def moved() -> Iterator[list[str]]:
    """The leads called `FIRST` and `SECOND`, of two slices, in the order in which they were moved. The first one's
    slice goes on when the other one waits for it; should that not have begun, after some seconds.
    """
    names: list[str] = []

    def hear(batch: Moved, **kwargs: Any) -> None:
        found = Lead.objects.filter(pk__in=batch.lead_ids, name__in=[FIRST, SECOND]).values_list("name", flat=True)
        names.extend(found)
        if FIRST in found:
            _wait_for_waiting_slices(1)

    leads_moved.connect(hear)
    yield names
    leads_moved.disconnect(hear)


def _wait_for_waiting_slices(count: int) -> None:
    until = time.monotonic() + 5
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0] >= count:
                return
            time.sleep(0.02)


@pytest.fixture
def by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row is a slice."""
    monkeypatch.setattr(importing, "SLICE_ROWS", 1)


def row(name: str, **facts: str) -> dict[str, str]:
    """A lead of its own company."""
    return {
        "Id": name, "Email": f"{name.lower()}@{name.lower()}.example", "Name": name, "Created": "2024-03-01", **facts,
    }  # fmt: skip


def at_acme(name: str, **facts: str) -> dict[str, str]:
    """A lead of one company."""
    return row(name, Email=f"{name.lower()}@acme.example", Company="Acme", **facts)


SOLD: dict[str, Any] = {
    "moves": [{"to": "MGL", "at": "Created"}, {"to": "SQO", "at": "Qualified"}],
    "deal": {"fields": {"name": "Name"}},
}


def test_a_slice_that_is_ahead_of_the_one_before_it_is_not_done_again(bring, by_row, moved):
    bring("crm", [row(FIRST), row(SECOND)])

    assert sorted(moved) == [FIRST, SECOND]


def test_nothing_of_the_file_is_kept_when_the_last_slice_was_ahead(bring, by_row, moved):
    bring("crm", [row(FIRST), row(SECOND)])

    kept = [each for each in gc.get_objects() if type(each) is Slice]
    assert SECOND not in repr(kept)


def test_a_deal_is_sourced_by_the_customer_that_the_slice_before_won(bring, by_row, moved):
    bring("crm", [at_acme("Ana")])

    bring(
        "crm",
        [at_acme(FIRST, Qualified="2024-03-05", Won="2024-04-01"), at_acme(SECOND, Qualified="2024-05-01")],
        moves=[*SOLD["moves"], {"kind": "win", "at": "Won"}],
        deal=SOLD["deal"],
        key={"email": "Email"},
    )

    assert Sourcing.objects.get(opportunity__name=SECOND).rule == "customer"


def test_nobody_joins_a_deal_that_the_slice_before_closes(bring, by_row, moved):
    seller, rep = make_user(), make_user()
    make_routing(make_pool(rep))
    bring("crm", [at_acme(FIRST, Qualified="2024-03-05")], **SOLD)
    Opportunity.objects.update(owner=seller)

    bring(
        "crm",
        [at_acme(FIRST, Won="2024-05-01"), at_acme(SECOND, Qualified="2024-03-06")],
        moves=[*MAPPING["moves"], {"kind": "lose", "at": "Won"}],
        route=True,
    )

    assert Opportunity.objects.get().state == "lost"
    assert Lead.objects.get(name=SECOND).owner == rep


def test_leads_in_somebodys_hands_by_one_slice_fill_their_places_for_the_next(bring, by_row, moved):
    full, free = make_user(name="crm Full", open_cap=1), make_user()
    make_routing(make_pool(full, free))

    bring("crm", [row(FIRST, Owner="Full"), row(SECOND, Qualified="2024-03-05")], route=True)

    assert [Lead.objects.get(name=name).owner for name in (FIRST, SECOND)] == [full, free]


@contextmanager
def held(lock: Callable[[], object], until: int) -> Iterator[None]:
    """Somebody else holds what this locks until so many slices wait; should those not have begun, some seconds."""
    is_locked = Event()

    def hold() -> None:
        with transaction.atomic():
            lock()
            is_locked.set()
            _wait_for_waiting_slices(until)

    holding = Thread(hold)
    is_locked.wait()
    yield
    holding.end()


def test_a_slice_that_is_ahead_takes_no_turn_in_a_pool_before_the_one_that_comes_first(bring, by_row, moved):
    one, other = make_user(), make_user()
    make_routing(make_pool(one, other))
    bring("crm", [row(FIRST) | {"Name": "Ana"}])

    lead = Lead.objects.get()
    with held(lambda: Lead.objects.select_for_update().get(pk=lead.pk), until=2):
        bring("crm", [row(FIRST, Qualified="2024-03-05"), row(SECOND, Qualified="2024-03-05")], route=True)

    assert sorted(moved) == [FIRST, SECOND], "one of them was done again"
    assert [Lead.objects.get(name=name).owner for name in (FIRST, SECOND)] == [one, other]


@pytest.fixture
def adding_is_slow() -> Iterator[None]:
    """A slice that adds a person waits until the next one waits for it."""

    def lock() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('accord.people'))")

    with held(lock, until=2):
        yield


@pytest.mark.usefixtures("by_row", "adding_is_slow")
def test_of_companies_with_one_name_that_of_the_slice_before_is_the_first(bring):
    bring("crm", [row(FIRST, Company="Acme", Owner="New"), row(SECOND, Company="Acme")])
    bring("crm", [row("Third", Email="", Company="Acme")])

    assert Lead.objects.get(name="Third").account == Lead.objects.get(name=FIRST).account


@pytest.fixture
def receiving_is_slow() -> Iterator[None]:
    """No slice receives its rows until two are about to."""
    with held(merge_lock.while_merging, until=2):
        yield


@pytest.mark.usefixtures("by_row", "receiving_is_slow")
def test_who_names_no_company_is_not_of_one_that_only_the_slice_after_names(bring):
    bring("crm", [at_acme(FIRST) | {"Company": ""}, at_acme(SECOND)])

    assert Lead.objects.get(name=FIRST).account is None
    assert Lead.objects.get(name=SECOND).account is not None


def test_a_company_that_is_known_by_another_name_leaves_its_own_to_a_row_that_says_no_more(bring, monkeypatch, moved):
    monkeypatch.setattr(importing, "SLICE_ROWS", 2)
    renamed = {"Company": "Acme Rockets"}

    bring("crm", [at_acme(FIRST), row("Other"), at_acme(SECOND) | renamed, row("Third", Email="", **renamed)])

    names = [Lead.objects.get(name=name).account.name for name in (FIRST, SECOND, "Third")]
    assert names == ["crm Acme", "crm Acme", "crm Acme Rockets"]
