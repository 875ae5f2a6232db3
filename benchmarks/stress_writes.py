"""Writes for `runtime_stress`; each runs inside a process of its own, against the stack that is under stress."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator

from django.db import DatabaseError, InterfaceError, connection

from leads import lifecycle
from leads.causes import Cause
from leads.drafts import Draft
from leads.intake import receive
from leads.milestones import CauseSource
from sla.sweep import sweep
from tests.faults.overdue import store

CAUSE = Cause(CauseSource.API)


def overdue(leads: int) -> None:
    """Store leads whose promise is overdue; prints which."""
    print(json.dumps({"stored": store(leads)}))


def arrive_for(seconds: float) -> None:
    """Take in one lead after the other; prints which were acknowledged and how many failed."""
    acknowledged: list[int] = []
    failed = 0
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        try:
            acknowledged += receive(drafts=[Draft(name="Under stress")], cause=CAUSE).lead_ids
        except (DatabaseError, InterfaceError):
            failed += 1
            connection.close()
            time.sleep(0.05)
    print(json.dumps({"acknowledged": acknowledged, "failed": failed}))


def arrive_at_once(leads: int) -> None:
    """Take in so many leads in one transaction, which every open page hears of."""
    started_at = time.monotonic()
    receive(drafts=[Draft(name=f"Batch {number}") for number in range(leads)], cause=CAUSE)
    print(json.dumps({"seconds": round(time.monotonic() - started_at, 1)}))


def answer(lead_ids: Iterable[int], size: int = 10) -> None:
    """Accept leads, some at a time; prints how many moves were taken, refused and failed."""
    counts: Counter[str] = Counter()
    for chunk in chunks(list(lead_ids), size):
        try:
            moved = lifecycle.accept(lead_ids=chunk, cause=CAUSE)
            counts["taken"] += len(moved.taken)
            counts["refused"] += len(moved.refused)
        except DatabaseError as error:
            counts[type(error.__cause__).__name__] += 1
    print(json.dumps(counts))


def sweep_all(rounds: int) -> None:
    """Sweep again and again, in small batches; prints how many breaches were recorded."""
    counts: Counter[str] = Counter()
    for _ in range(rounds):
        try:
            counts["breached"] += sweep(limit=25).breached
        except DatabaseError as error:
            counts[type(error.__cause__).__name__] += 1
    print(json.dumps(counts))


def chunks(items: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
