"""Leads that come in from outside, with everything that follows:
`python3 run.py manage shell --no-imports -c "from benchmarks.ingest import main; main(100_000)"`.

In a scratch database of its own, so many leads come by an import of a CSV file, and as many others by the API, 1,000 a
request. Each is matched with those that are known (a tenth of them came before), gets its account, is scored, moved to
MQL, routed to a rep, and gets its clocks. Then come 100,000 rows of history from another file: the same, but nobody is
given a lead and no clock starts. Prints leads a second, statements, CPU seconds of Python and of the database, and how
often the same rows fit, by a bare COPY into a table without any constraint, into the time and the CPU time. Nothing
passes or fails by time.
"""

import csv
import gc
import io
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.backends.signals import connection_created
from django.test import Client
from django.test.utils import override_settings

from alignment.integrations.importers import job as importing
from alignment.ops import versions
from alignment.people import tokens
from alignment.people.models import Role, Scope, Side, Team, User
from benchmarks.scratch import scratch_database
from leads.models import HolderInterval, Lead, LeadTransition, RoutingVersion, Score
from leads.routing import pools
from leads.routing.rules import check
from sla.models import Clock

AT_ONCE = 1_000
KNOWN = 10  # one in so many names a lead that came in before
MAPPING = {
    "name": "Benchmark",
    "system": "crm",
    "key": {"external_id": "Id"},
    "fields": {
        "name": ["First name", "Last name"], "email": "E-mail", "title": "Title", "company_name": "Company",
        "source": "Source", "campaign": "Campaign", "segment": "Segment",
    },
    "attributes": ["City"],
    "date_formats": ["iso"],
    "created": "Created",
    "moves": [{"to": "MGL", "at": "Created"}, {"to": "MQL", "at": "Qualified"}],
    "promise": "start",
    "route": True,
}  # fmt: skip
HISTORY = {name: said for name, said in MAPPING.items() if name != "route"} | {"promise": "none"}
HEADER = (
    "Id", "First name", "Last name", "E-mail", "Title", "Company", "Source", "Campaign", "Segment", "City", "Created",
    "Qualified",
)  # fmt: skip
Row = list[str]

_TICKS = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """What something took: seconds by the clock, CPU seconds of Python and of the database server, statements."""

    seconds: float
    python: float
    database: float
    statements: int


def main(leads: int = 10_000, history: int = 100_000) -> None:
    """Make a scratch database, measure, and drop it."""
    with scratch_database(), TemporaryDirectory() as folder, override_settings(MEDIA_ROOT=Path(folder) / "files"):
        by = _people()
        # What a first row costs once only (plans, caches) is nobody's cost.
        _by_import(_written(folder, _rows("small", 100)), by)
        ours, others, old = (list(_rows(*each)) for each in (("crm", leads), ("api", leads), ("old", history)))
        gc.freeze()  # no process that imports has these rows to go through for garbage
        _compared("by CSV", ours, partial(_by_import, _written(folder, ours), by))
        _compared("by the API", others, partial(_by_api, others, by))
        _compared("history by CSV", old, partial(_by_import, _written(folder, old), by, HISTORY))
        tables = (Lead, LeadTransition, Score, HolderInterval, Clock)
        print(", ".join(f"{model.objects.count():,} {model._meta.verbose_name_plural}" for model in tables))


def _compared(how: str, rows: list[Row], call: Callable[[], object]) -> None:
    """What it takes to bring in these rows, beside a bare COPY of the same."""
    bare = measured(partial(_copy, rows))
    _tell(how, len(rows), measured(call), bare)
    print(f"{'  bare COPY':<16} {len(rows) / bare.seconds:>10,.0f} rows/s  {bare.python + bare.database:>8.2f} CPU s")


def measured(call: Callable[[], object]) -> Cost:
    """What a call takes."""
    with _counted() as statements:
        before, started_at = _cpu(), time.perf_counter()
        call()
        took, after = time.perf_counter() - started_at, _cpu()
    return Cost(took, after[0] - before[0], after[1] - before[1], len(statements))


@contextmanager
def _counted() -> Iterator[list[None]]:
    """Counts statements, of all connections of this process, and keeps none of them: those of a set are megabytes
    long.
    """
    counted: list[None] = []

    def count(execute: Any, *args: Any) -> Any:
        counted.append(None)
        return execute(*args)

    def listen(connection: Any, **_: Any) -> None:
        connection.execute_wrappers.append(count)

    connection_created.connect(listen)
    try:
        with connection.execute_wrapper(count):
            yield counted
    finally:
        connection_created.disconnect(listen)


def _cpu() -> tuple[float, float]:
    """CPU seconds so far, of this process and of the whole database server: its processes, and those that ended."""
    mine = os.times()
    server = int(_stat(connection.connection.info.backend_pid)[1])
    ticks = sum(map(int, _stat(server)[11:15]))
    for process in Path(f"/proc/{server}/task/{server}/children").read_text().split():
        with suppress(FileNotFoundError):
            ticks += sum(map(int, _stat(int(process))[11:13]))
    return mine.user + mine.system, ticks / _TICKS


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _tell(how: str, leads: int, cost: Cost, bare: Cost) -> None:
    cpu, least = cost.python + cost.database, max(bare.python + bare.database, 0.01)
    print(
        f"{how:<16} {leads / cost.seconds:>10,.0f} leads/s {cpu:>8.2f} CPU s"
        f" (Python {cost.python:.2f}, database {cost.database:.2f}) {cost.statements:>6,} statements,"
        f" {cost.seconds / bare.seconds:,.0f}x the time and {cpu / least:,.0f}x the CPU time of a bare COPY"
    )


def _people() -> User:
    """Twenty reps who take turns, by published rules; returns who imports."""
    team = Team.objects.create(name="Sales", side=Side.SALES)
    reps = [
        User.objects.create_user(email=f"rep{number}@accord.example", name=f"Rep {number}", role=Role.REP, team=team)
        for number in range(20)
    ]
    revops = User.objects.create_user(email="revops@accord.example", name="Rita", role=Role.REVOPS)
    manager = User.objects.create_user(email="lead@accord.example", name="Max", role=Role.MANAGER, team=team)
    pool = pools.add(name="Sales", fallback=manager, member_ids=[rep.pk for rep in reps], by=revops)
    body = {"attach": True, "account_owner": True, "rules": [], "otherwise": pool.pk}
    versions.publish(versions.begin(RoutingVersion, by=revops, body=body), by=revops, check=check)
    return revops


def _rows(system: str, leads: int) -> Iterator[Row]:
    began = datetime(2026, 3, 1, 9, tzinfo=UTC)
    for number in range(leads):
        person = number - KNOWN if number % KNOWN == KNOWN - 1 and number > KNOWN else number
        company, created = person // 3, began + timedelta(minutes=number % 40_000)
        yield [
            f"{system}-{number}", f"Ada{person}", f"Lovelace {company}", f"ada{person}@{system}{company}.example",
            ("IT manager", "Business analyst", "Head of Operations")[person % 3], f"{system.upper()} Works {company}",
            ("Organic search", "Paid search", "Event")[person % 3], f"Campaign {person % 12}",
            f"Segment {person % 6}", ("Lisbon", "Porto", "Faro")[person % 3],
            created.isoformat(), (created + timedelta(hours=25)).isoformat(),
        ]  # fmt: skip


def _written(folder: str, rows: Iterable[Row]) -> Path:
    file = Path(folder) / "leads.csv"
    with file.open("w", newline="", encoding="utf-8") as written:
        csv.writer(written).writerows([HEADER, *rows])
    return file


def _by_import(file: Path, by: User, mapping: dict[str, Any] = MAPPING) -> None:
    importing.start(path=file, mapping=mapping, actor=by)


def _by_api(rows: list[Row], by: User) -> None:
    _, token = tokens.make(user=by, name="Benchmark", scopes=Scope.values, days=1)
    client = Client(headers={"authorization": f"Bearer {token}"})
    with override_settings(API_RATE=len(rows), ALLOWED_HOSTS=[*settings.ALLOWED_HOSTS, "testserver"]):
        for start in range(0, len(rows), AT_ONCE):
            body = {"leads": [_body(row) for row in rows[start : start + AT_ONCE]]}
            answer = client.post("/api/v1/leads/bulk/", body, content_type="application/json")
            if answer.status_code != 200 or answer.json()["invalid"]:
                raise RuntimeError(answer.content[:500])


def _body(row: Row) -> dict[str, Any]:
    cells = dict(zip(HEADER, row, strict=True))
    return {
        "name": f"{cells['First name']} {cells['Last name']}", "email": cells["E-mail"], "title": cells["Title"],
        "company_name": cells["Company"], "source": cells["Source"], "campaign": cells["Campaign"],
        "segment": cells["Segment"], "attributes": {"City": cells["City"]}, "raised_hand": True,
        "references": [{"system": "api", "external_id": cells["Id"]}],
    }  # fmt: skip


def _copy(rows: list[Row]) -> None:
    """The same rows into a table without keys, indexes or checks."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    text.seek(0)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bare")
        cursor.execute(f"CREATE TABLE bare ({', '.join(f'column{number} text' for number in range(len(HEADER)))})")
        cursor.cursor.copy_expert("COPY bare FROM STDIN WITH (FORMAT csv)", text)
