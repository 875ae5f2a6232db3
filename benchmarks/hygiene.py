"""Clean data in figures: `python3 run.py manage shell --no-imports -c "from benchmarks.hygiene import main; main()"`.

Works in a scratch database of its own, with 100,000 leads (`ACCORD_BENCHMARK_LEADS`). Prints queries and milliseconds
of this machine; nothing passes or fails by time.
"""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from alignment.demo.names import COMPANY_TAILS, FIRST, LAST
from alignment.people.accounts import change_company
from benchmarks.scratch import scratch_database
from leads import intake, lifecycle, merging
from leads.causes import Cause, Promise
from leads.drafts import Draft
from leads.hygiene import duplicates, findings, merging_exact, scanning
from leads.milestones import CauseSource
from leads.models import DuplicatePair, Lead, LeadKeys
from leads.unmerging import unmerge

LEADS = int(os.environ.get("ACCORD_BENCHMARK_LEADS", "100000"))
NEW = 1_000
NO_END = timedelta(hours=1)
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va")
EACH = 40
"""One of so many leads comes once more, under another address."""
CAUSE = Cause(CauseSource.API, promise=Promise.NONE)


def main() -> None:
    """Make a scratch database, measure, and drop it."""
    with scratch_database():
        measure()


def measure() -> None:
    change_company(changes={"phone_region": "DE"})
    for first in range(0, LEADS, 5_000):
        arrive(range(first, first + 5_000))
    took, queries, _ = timed(lambda: scanning.catch_up(within=NO_END))
    analyze()
    report(
        "first look at all of them", leads=LEADS, queries=queries, seconds=f"{took / 1000:.1f}",
        leads_per_second=f"{LEADS / took * 1000:,.0f}", exact=pairs(True), likely=pairs(False),
    )  # fmt: skip
    for count in (10, NEW):
        arrive(range(LEADS, LEADS + count), again=True)
        took, queries, looked = timed(lambda: scanning.scan(limit=5_000))
        report(f"{count:,} new leads against {LEADS:,}", looked_at=looked, queries=queries, ms=f"{took:.0f}")
    draft = Draft(
        name="Ana Almeida", email="ana@alderanalytics0.example", phone="030 5550 0000", company_name=firm_of(0)
    )
    duplicates.of_draft(draft)
    took, queries, found = timed(lambda: duplicates.of_draft(draft))
    report("asked while one is added", found=len(found), queries=queries, ms=f"{took:.1f}")
    at = lifecycle.database_now()
    findings.count_all(at)
    took, queries, counts = timed(lambda: findings.count_all(at))
    report("all counts of the page", queries=queries, ms=f"{took:.0f}", sum=sum(counts.values()))
    merge_and_back()


def merge_and_back() -> None:
    one, other = DuplicatePair.objects.filter(is_exact=True).values_list("first_id", "second_id").first() or (0, 0)
    keep = merging.keeper([one, other])
    took, queries, merged = timed(lambda: merging.merge(survivor_id=keep, loser_ids=[one + other - keep], cause=CAUSE))
    report("merge of two", queries=queries, ms=f"{took:.0f}")
    took, queries, _ = timed(lambda: unmerge(merge_id=merged.keys[keep], cause=CAUSE))
    report("and back", queries=queries, ms=f"{took:.0f}")
    found = list(duplicates.to_decide(exact=True).values_list("first_id", "second_id")[:200])
    took, queries, merged = timed(lambda: merging.merge_all(mergings=merging_exact.mergings(found), cause=CAUSE))
    report(f"merge of {len(found)} pairs", merged=len(merged.losers), queries=queries, ms=f"{took:.0f}")


def arrive(numbers: range, *, again: bool = False) -> None:
    """So many leads of some thousands of companies; some of them, or with `again` all, as somebody who is known."""
    intake.receive(drafts=[draft(number, again=again or number % EACH == 0) for number in numbers], cause=CAUSE)


def draft(number: int, *, again: bool) -> Draft:
    who = number // 2 if again else number
    first, last = FIRST[who % len(FIRST)], LAST[who // len(FIRST) % len(LAST)]
    firm = firm_of(who % 20_000)
    domain = f"{firm.replace(' ', '').lower()}.example"
    tag = f"+{number}" if again else ""
    return Draft(
        name=f"{first} {last}",
        email=f"{first}.{last}.{who}{tag}@{domain}".lower(),
        phone=f"+49 30 {who:07}" if who % 3 else "",
        company_name=firm,
    )


def firm_of(number: int) -> str:
    """A name of its own for each of some thousands of companies: “Tivaro Labs”."""
    syllables = [SYLLABLES[number // len(SYLLABLES) ** place % len(SYLLABLES)] for place in range(4)]
    return f"{''.join(syllables).capitalize()} {COMPANY_TAILS[number % len(COMPANY_TAILS)]}"


def pairs(exact: bool) -> int:
    return duplicates.to_decide(exact=exact).count()


def analyze() -> None:
    with connection.cursor() as cursor:
        for model in (Lead, LeadKeys, DuplicatePair):
            cursor.execute(f"ANALYZE {model._meta.db_table}")


def timed(work: Callable[[], Any]) -> tuple[float, int, Any]:
    """Milliseconds, the number of queries, and what it returned."""
    with CaptureQueriesContext(connection) as captured:
        started_at = time.perf_counter()
        result = work()
        took = (time.perf_counter() - started_at) * 1000
    return took, len(captured), result


def report(scenario: str, **facts: Any) -> None:
    print(f"{scenario}: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items()), flush=True)
