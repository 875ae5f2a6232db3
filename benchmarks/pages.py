"""Pages at 100,000 leads: `python3 run.py manage shell --no-imports -c "from benchmarks.pages import main; main()"`.

Works in a scratch database of its own, in this process; `ACCORD_BENCHMARK_SIZE=1m` makes it a larger one, and `here()`
instead of `main()` measures the install as it stands (it adds a few leads and answers some). Printed is the server's
time for one request, the number of queries and the shared buffers that they touched, beside the budget and the best
open peer at 100,000 leads. Nothing passes or fails by time.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import reverse
from django.utils.timezone import now

from alignment.management.commands.seed_demo import size
from alignment.people import tokens
from alignment.people.models import User
from benchmarks.scratch import scratch_database
from dashboards import report
from dashboards.keeping import Keeper
from dashboards.settled import Memory
from leads import lifecycle, touches
from leads.causes import Cause
from leads.milestones import CauseSource
from leads.models import Campaign, Lead, Source
from leads.touches import Touch
from sla.sweep import sweep

SIZE = size(os.environ.get("ACCORD_BENCHMARK_SIZE", "100k"))
ROUNDS = 15

# (what, budget in milliseconds and queries, peer in milliseconds and queries), as the design states them.
BUDGETS = {
    "list": ("100 ms, 12", "305 ms, 43"),
    "list, filtered": ("100 ms, 12", "-"),
    "search": ("100 ms, 12", "297 ms, 43"),
    "funnel fragment": ("60 ms", "145 ms, 20"),
    "funnel, live after an event": ("60 ms", "145 ms, 20"),
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
    with scratch_database():
        took, _ = timed(lambda: call_command("seed_demo", size=SIZE))
        print(f"seeded in {took:.0f} s")
        here()


def here() -> None:
    """Measure the pages on the database as it stands."""
    # No environment of tests: it copies what each template is given, which takes longer than to render it.
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    # Figures are waited for, so that all of the measuring is counted.
    settings.FIGURES_PATIENCE = None
    call_command("collectstatic", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(f"{Lead.objects.count():,} leads\n")
    print(f"{'page':<29} {'ms':>7} {'queries':>8} {'buffers':>9}   {'budget':<12} {'best peer':<12}")
    for name, (request, before) in pages().items():
        shown = measure(request, before)
        budget, peer = BUDGETS.get(name, ("-", "-"))
        print(f"{name:<29} {shown.milliseconds:>7.1f} {shown.queries:>8} {shown.buffers:>9}   {budget:<12} {peer:<12}")


def pages() -> dict[str, tuple[Callable[[int], Any], Callable[[], Any]]]:
    """What is asked for, by name, and what happens before; each call gets the number of its round."""
    rep, revops = (signed_in(f"{role}@accord.example") for role in ("rep", "revops"))
    waiting = list(
        Lead.objects.awaiting_answer().filter(owner__email="rep@accord.example").values_list("pk", flat=True)
    )
    busiest = Lead.objects.order_by("-last_seq").values_list("pk", flat=True)[0]
    more = iter(Lead.objects.awaiting_answer().values_list("pk", flat=True)[:1000].iterator())
    assert waiting
    api = program_of("revops@accord.example")

    def nothing() -> None:
        """Nothing happened."""

    return {
        "list": (lambda _: got(revops.get(reverse("leads"))), nothing),
        "list, filtered": (
            lambda _: got(revops.get(reverse("leads"), {"source": source(), "state": "nurture"})), nothing,
        ),
        "search": (
            lambda number: got(revops.get(reverse("leads"), {"q": ("varga", "granite", "elif")[number % 3]})), nothing,
        ),
        "queue": (lambda _: got(rep.get(reverse("queue"))), nothing),
        "lead page": (lambda _: got(revops.get(reverse("lead", args=[busiest]))), nothing),
        **funnels(revops, busiest),
        **never_asked(revops),
        **promises(revops, busiest),
        "accept": (lambda _: got(revops.post(reverse("lead_accept", args=[next(more)]))), nothing),
        "create": (
            lambda number: got(
                revops.post(
                    reverse("lead_new"),
                    {"name": "Ada Bench", "email": f"ada{number}.{time.time_ns()}@bench.example", "consent": "unknown"},
                )
            ),
            nothing,
        ),
        "API: create": (lambda _: api("/api/v1/leads/", one_more()), nothing),
        "API: create 1,000": (
            lambda _: api("/api/v1/leads/bulk/", {"leads": [one_more() for _ in range(1_000)]}), nothing,
        ),
        "idle sweep": (lambda _: sweep(), nothing),
    }  # fmt: skip


def funnels(revops: Client, busiest: int) -> dict[str, tuple[Callable[[int], Any], Callable[[], Any]]]:
    """The funnel as it is asked for: unchanged, live after an event, and right after one."""
    fragment = {"HTTP_HX_REQUEST": "true"}
    quarter = {"period": "90d"}
    narrow = {**quarter, "source": key_of_a_source(), "passes": "first"}
    known = revops.get(reverse("funnel"), **fragment)["ETag"]

    def nothing() -> None:
        """Nothing happened."""

    def an_event() -> None:
        """Somebody called the lead."""
        touched_again(busiest)

    def a_live_event() -> None:
        """An event of which open pages are told once the web process has measured (`alignment.ahead`)."""
        an_event()
        report.renew()

    return {
        "funnel page": (lambda _: got(revops.get(reverse("funnel"))), nothing),
        "funnel fragment": (lambda _: got(revops.get(reverse("funnel"), **fragment)), nothing),
        "funnel, unchanged (304)": (
            lambda _: revops.get(reverse("funnel"), HTTP_IF_NONE_MATCH=known, **fragment), nothing,
        ),
        "funnel, live after an event": (lambda _: got(revops.get(reverse("funnel"), **fragment)), a_live_event),
        "90 days, live after an event": (
            lambda _: got(revops.get(reverse("funnel"), quarter, **fragment)), a_live_event,
        ),
        "measured ahead": (lambda _: report.renew(), an_event),
        "funnel, after an event": (lambda _: got(revops.get(reverse("funnel"), **fragment)), an_event),
        "90 days, after an event": (lambda _: got(revops.get(reverse("funnel"), quarter, **fragment)), an_event),
        "90 days, filtered, after event": (lambda _: got(revops.get(reverse("funnel"), narrow, **fragment)), an_event),
        "funnel, first of a process": (lambda _: got(revops.get(reverse("funnel"), **fragment)), a_new_process),
        "90 days, first of a process": (
            lambda _: got(revops.get(reverse("funnel"), quarter, **fragment)), a_new_process,
        ),
    }  # fmt: skip


def a_new_process() -> None:
    """A web process begins (`alignment.ahead.prepare`): nobody has asked it for anything."""
    report._kept, report._memory = Keeper(), Memory()
    report.prepare(now())


def never_asked(revops: Client) -> dict[str, tuple[Callable[[int], Any], Callable[[], Any]]]:
    """The funnel where nobody ever asked, and its page while that is measured."""
    keys = keys_of_campaigns()
    unasked = [{"campaign": key, "anchor": anchor} for anchor in ("first", "mql") for key in keys]
    of_all_time = [{"period": "all", "anchor": "sql", "campaign": key} for key in keys]

    def figures(asked: dict[str, str]) -> HttpResponse:
        return got(revops.get(reverse("funnel"), asked, HTTP_HX_REQUEST="true"))

    def nothing() -> None:
        """Nothing happened."""

    def until_measured() -> None:
        """What the rounds before asked for is there."""
        for question in list(report._kept._places.values()):
            question.under_way and question.under_way.result()

    return {
        "never asked before": (lambda number: figures(unasked[number]), nothing),
        "never asked, page meanwhile": (
            lambda number: impatient(revops, {"period": "all", **unasked[number]}), until_measured,
        ),
        "all time, never asked before": (lambda number: figures(of_all_time[number % len(keys)]), a_new_process),
    }  # fmt: skip


def impatient(browser: Client, asked: dict[str, str]) -> HttpResponse:
    """The page as it shows itself while its figures are measured."""
    with override_settings(FIGURES_PATIENCE=0.2):
        return got(browser.get(reverse("funnel"), asked))


def promises(revops: Client, busiest: int) -> dict[str, tuple[Callable[[int], Any], Callable[[], Any]]]:
    """The promises page as it is asked for after an event: as it opens, of all time, and of one source."""
    asked: dict[str, dict[str, str]] = {
        "after an event": {},
        "of all time": {"period": "all"},
        "of a source": {"source": key_of_a_source()},
    }

    def an_event() -> None:
        """Somebody called the lead."""
        touched_again(busiest)

    return {
        f"promises, {name}": (
            lambda _, question=question: got(revops.get(reverse("promises"), question, HTTP_HX_REQUEST="true")),
            an_event,
        )
        for name, question in asked.items()
    }


def program_of(email: str) -> Callable[[str, Any], HttpResponse]:
    """What posts JSON to the API as this person."""
    user = User.objects.get(email=email)
    _, token = tokens.make(user=user, name="Benchmark", scopes=["leads:write"], days=1)
    authorization = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    return lambda address, body: got(
        Client().post(address, json.dumps(body), content_type="application/json", **authorization)
    )


def one_more() -> dict[str, str]:
    """A lead that nobody knows yet."""
    number = next(_numbers)
    return {
        "name": f"Ada Bench {number}",
        "email": f"ada{number}.{time.time_ns()}@bench.example",
        "company_name": "Bench",
    }


_numbers = count()


def touched_again(lead_id: int) -> None:
    """Something that the figures must show: a call."""
    touch = Touch(lead_id, lifecycle.database_now(), "call", "Reached by phone", direction="outbound")
    touches.record(touches=[touch], cause=Cause(CauseSource.API))


def keys_of_campaigns() -> list[str]:
    """What addresses call campaigns."""
    return list(Campaign.objects.order_by("key").values_list("key", flat=True))


def key_of_a_source() -> str:
    """What an address calls a source that many leads have."""
    return Source.objects.get(pk=source()).key


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
    assert response.status_code in (200, 201, 302), (response.status_code, response.content[:500])
    return response


def measure(request: Callable[[int], Any], before: Callable[[], Any]) -> Measured:
    """Ask several times; the first is to warm up."""
    request(0)
    times, queries, buffers = [], [], []
    for number in range(1, ROUNDS + 1):
        before()
        buffers_before = touched()
        with CaptureQueriesContext(connection) as captured:
            took, _ = timed(lambda number=number: request(number))
        times.append(took * 1000)
        queries.append(len(captured))
        buffers.append(touched() - buffers_before)
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
