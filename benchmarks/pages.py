"""Pages at 100,000 leads: `python3 run.py manage shell --no-imports -c "from benchmarks.pages import main; main()"`.

Works in a scratch database of its own, in this process: what is printed is the server's time for one request, the
number of queries and the shared buffers that they touched, beside the budget and the best open peer at the same size.
Nothing passes or fails by time.
"""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext, setup_test_environment
from django.urls import reverse

from alignment.demo.seeding import seed
from alignment.people.models import User
from benchmarks.scratch import scratch_database
from leads.models import Lead
from sla.sweep import sweep

LEADS = int(os.environ.get("ACCORD_BENCHMARK_LEADS", "100000"))
ROUNDS = 15

# (what, budget in milliseconds and queries, peer in milliseconds and queries), as the design states them.
BUDGETS = {
    "list": ("100 ms, 12", "305 ms, 43"),
    "list, filtered": ("100 ms, 12", "-"),
    "search": ("100 ms, 12", "297 ms, 43"),
    "funnel fragment": ("60 ms", "145 ms, 20"),
    "create": ("40 ms", "48 ms, 17"),
    "accept": ("50 ms", "-"),
}


@dataclass(frozen=True)
class Measured:
    """Medians over the rounds."""

    milliseconds: float
    queries: int
    buffers: int


def main() -> None:
    """Seed, measure each page, print a table."""
    setup_test_environment()
    call_command("collectstatic", verbosity=0, interactive=False)
    with scratch_database():
        took, _ = timed(lambda: seed(leads=LEADS))
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        print(f"{Lead.objects.count():,} leads seeded in {took:.0f} s\n")
        print(f"{'page':<18} {'ms':>7} {'queries':>8} {'buffers':>9}   {'budget':<12} {'best peer':<12}")
        for name, request in pages().items():
            shown = measure(request)
            budget, peer = BUDGETS.get(name, ("-", "-"))
            print(
                f"{name:<18} {shown.milliseconds:>7.1f} {shown.queries:>8} {shown.buffers:>9}   {budget:<12} {peer:<12}"
            )


def pages() -> dict[str, Callable[[int], Any]]:
    """What is asked for, by name; each call gets the number of its round."""
    rep, revops = (signed_in(f"{role}@accord.example") for role in ("rep", "revops"))
    waiting = list(
        Lead.objects.awaiting_answer().filter(owner__email="rep@accord.example").values_list("pk", flat=True)
    )
    busiest = Lead.objects.order_by("-last_seq").values_list("pk", flat=True)[0]
    fragment = {"HTTP_HX_REQUEST": "true"}
    more = iter(Lead.objects.awaiting_answer().values_list("pk", flat=True)[:1000].iterator())
    assert waiting
    return {
        "list": lambda _: got(revops.get(reverse("leads"))),
        "list, filtered": lambda _: got(revops.get(reverse("leads"), {"source": source(), "state": "nurture"})),
        "search": lambda number: got(revops.get(reverse("leads"), {"q": ("varga", "granite", "elif")[number % 3]})),
        "queue": lambda _: got(rep.get(reverse("queue"))),
        "lead page": lambda _: got(revops.get(reverse("lead", args=[busiest]))),
        "funnel page": lambda _: got(revops.get(reverse("funnel"))),
        "funnel fragment": lambda _: got(revops.get(reverse("funnel"), **fragment)),
        "accept": lambda _: got(revops.post(reverse("lead_accept", args=[next(more)]))),
        "create": lambda number: got(
            revops.post(
                reverse("lead_new"), {"name": "Ada Bench", "email": f"ada{number}@bench.example", "consent": "unknown"}
            )
        ),
        "idle sweep": lambda _: sweep(),
    }


def signed_in(email: str) -> Client:
    """A browser of this person."""
    client = Client()
    client.force_login(User.objects.get(email=email), backend="alignment.people.backends.EmailBackend")
    return client


def source() -> int:
    """A source that many leads have."""
    return Lead.objects.exclude(source=None).values_list("source", flat=True)[0]


def got(response: HttpResponse) -> HttpResponse:
    """The response, which must be a good one."""
    assert response.status_code in (200, 302), response.status_code
    return response


def measure(request: Callable[[int], Any]) -> Measured:
    """Ask several times; the first is to warm up."""
    request(0)
    times, queries, buffers = [], [], []
    for number in range(1, ROUNDS + 1):
        before = touched()
        with CaptureQueriesContext(connection) as captured:
            took, _ = timed(lambda number=number: request(number))
        times.append(took * 1000)
        queries.append(len(captured))
        buffers.append(touched() - before)
    return Measured(statistics.median(times), int(statistics.median(queries)), int(statistics.median(buffers)))


def touched() -> int:
    """Shared buffers that this connection has touched so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT sum(hits) FROM pg_stat_get_backend_io(pg_backend_pid()) WHERE object = 'relation'")
        return int(cursor.fetchone()[0] or 0)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result
