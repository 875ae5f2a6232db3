"""Clean data in figures: `python3 run.py manage shell --no-imports -c "from benchmarks.hygiene import main; main()"`.

Works in a scratch database of its own, with 100,000 leads (`ACCORD_BENCHMARK_LEADS`). One in ten is somebody once more,
in one of six ways, and one in ten only seems to be: which of them are found says how far the evidence can be trusted.
Prints queries and CPU milliseconds of this process and of its connection; nothing passes or fails by time.
"""

import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from alignment.people.accounts import change_company
from benchmarks import planted
from benchmarks.scratch import scratch_database
from leads import intake, lifecycle
from leads.causes import Cause, Promise
from leads.drafts import Draft
from leads.hygiene import duplicates, findings, merging_exact, scanning
from leads.hygiene.marking import mark
from leads.merging import merging
from leads.merging.unmerging import unmerge
from leads.milestones import CauseSource
from leads.models import DuplicatePair, Lead, LeadKeys

LEADS = int(os.environ.get("ACCORD_BENCHMARK_LEADS", "100000"))
NEW = 1_000
NO_END = timedelta(hours=1)
CAUSE = Cause(CauseSource.API, promise=Promise.NONE)


def main() -> None:
    """Make a scratch database, measure, and drop it."""
    with scratch_database():
        measure()


def measure() -> None:
    change_company(changes={"phone_region": "DE"})
    for first in range(0, LEADS, 5_000):
        arrive([planted.person(number) for number in range(first, first + 5_000)])
    took, queries, _ = timed(lambda: scanning.catch_up(within=NO_END))
    analyze()
    report(
        "first look at all of them", leads=LEADS, queries=queries, cpu_seconds=f"{took / 1000:.1f}",
        cpu_microseconds_a_lead=f"{took / LEADS * 1000:,.0f}", exact=pairs(True), likely=pairs(False),
    )  # fmt: skip
    report_precision()
    mark(list(Lead.objects.order_by("pk").values_list("pk", flat=True)[:NEW]))
    took, queries, looked = timed(lambda: scanning.scan(limit=5_000))
    report(f"{NEW:,} of which no key has changed", looked_at=looked, queries=queries, cpu_ms=f"{took:.0f}")
    for count in (10, NEW):
        arrive([planted.again(number) for number in range(LEADS, LEADS + count)])
        took, queries, looked = timed(lambda: scanning.scan(limit=5_000))
        report(f"{count:,} new leads against {LEADS:,}", looked_at=looked, queries=queries, cpu_ms=f"{took:.0f}")
    draft = planted.again(0)
    duplicates.of_draft(draft)
    took, queries, found = timed(lambda: duplicates.of_draft(draft))
    report("asked while one is added", found=len(found), queries=queries, cpu_ms=f"{took:.1f}")
    at = lifecycle.database_now()
    findings.count_all(at)
    took, queries, counts = timed(lambda: findings.count_all(at))
    report("all counts of the page", queries=queries, cpu_ms=f"{took:.0f}", sum=sum(counts.values()))
    merge_and_back()
    arrive([Draft(name="Call Centre", email=f"agent{n}@agency.example", phone="030 9999") for n in range(2_000)])
    took, queries, looked = timed(lambda: scanning.scan(limit=5_000))
    report(
        "2,000 of one name and number", looked_at=looked, queries=queries, cpu_ms=f"{took:.0f}",
        most_pairs_of_a_lead=most_pairs(),
    )  # fmt: skip


def report_precision() -> None:
    """How many of the pairs are one person, and how many of those who came twice were found, by the way they came."""
    number_of = {planted.number_of(email): pk for email, pk in Lead.objects.values_list("email_key", "pk")}
    who = {pk: number for number, pk in number_of.items()}
    found = set(duplicates.to_decide().values_list("first_id", "second_id"))
    true = {pair for pair in found if planted.is_one_person(who[pair[0]], who[pair[1]])}
    report("of the pairs", found=len(found), one_person=len(true), precision=f"{len(true) / max(1, len(found)):.1%}")
    for kind, numbers in planted.copies(LEADS):
        known = [(number_of[planted.original(number)], number_of[number]) for number in numbers]
        report(f"  came again {kind}", planted=len(known), found=f"{len(found & set(known)) / len(known):.1%}")
    wrong = Counter(planted.seeming(who[one], who[other]) for one, other in found - true)
    report("  taken for one person", **{kind.replace(" ", "_"): count for kind, count in sorted(wrong.items())})


def merge_and_back() -> None:
    one, other = DuplicatePair.objects.filter(is_exact=True).values_list("first_id", "second_id").first() or (0, 0)
    keep = merging.keeper([one, other])
    took, queries, merged = timed(lambda: merging.merge(survivor_id=keep, loser_ids=[one + other - keep], cause=CAUSE))
    report("merge of two", queries=queries, cpu_ms=f"{took:.0f}")
    took, queries, _ = timed(lambda: unmerge(merge_id=merged.keys[keep], cause=CAUSE))
    report("and back", queries=queries, cpu_ms=f"{took:.0f}")
    found = list(duplicates.to_decide(exact=True).values_list("first_id", "second_id")[:200])
    took, queries, merged = timed(lambda: merging.merge_all(mergings=merging_exact.mergings(found), cause=CAUSE))
    report(f"merge of {len(found)} pairs", merged=len(merged.losers), queries=queries, cpu_ms=f"{took:.0f}")


def arrive(drafts: list[Draft]) -> None:
    intake.receive(drafts=drafts, cause=CAUSE)


def pairs(exact: bool) -> int:
    return duplicates.to_decide(exact=exact).count()


def most_pairs() -> int:
    """How many pairs the lead with the most of them is in."""
    sides = duplicates.to_decide().order_by().values_list("first_id", "second_id")
    return max(Counter(pk for pair in sides for pk in pair).values(), default=0)


def analyze() -> None:
    with connection.cursor() as cursor:
        for model in (Lead, LeadKeys, DuplicatePair):
            cursor.execute(f"ANALYZE {model._meta.db_table}")


def timed(work: Callable[[], Any]) -> tuple[float, int, Any]:
    """CPU milliseconds of this process and of its connection's, the number of queries, and what it returned."""
    with CaptureQueriesContext(connection) as captured:
        started_at = cpu_seconds()
        result = work()
        took = (cpu_seconds() - started_at) * 1000
    return took, len(captured), result


def cpu_seconds() -> float:
    """What this process and the server's process for its connection have used; the latter where it can be read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return time.process_time()


def report(scenario: str, **facts: Any) -> None:
    print(f"{scenario}: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items()), flush=True)
