"""How the demo company routes: calendars, who is away, pools, rules, and the leads that they gave out lately."""

from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from alignment.demo import names
from alignment.demo.story import working_moment
from alignment.lib.business_time import Hours, read_hours
from alignment.ops import versions
from alignment.people import absences, accounts, calendars
from alignment.people.models import User
from leads import lifecycle
from leads.causes import Cause, Promise
from leads.decisions import Step
from leads.drafts import Draft, TouchDraft
from leads.intake import receive
from leads.milestones import CauseSource, Kind, Milestone
from leads.models import Lead, Pool, Reason, RoutingVersion, Territory
from leads.routing import pools
from leads.routing.rules import check

DAYS, A_DAY = 10, 4
WAITING = 6

BERLIN = {**dict.fromkeys(range(1, 5), "09:00–12:30, 13:15–18:00"), 5: "09:00–12:30, 13:15–16:00"}
LISBON = dict.fromkeys(range(1, 6), "09:30–13:00, 14:00–18:30")

# Name → languages, share in per cent, leads a day at most, whether they work in Lisbon.
REPS: dict[str, tuple[list[str], int, int | None, bool]] = {
    "Ravi Menon": (["en", "de"], 100, 8, False),
    "Bruno Sá": (["pt", "en", "es"], 100, None, True),
    "Hanna Virtanen": (["en"], 100, None, False),
    "Kofi Mensah": (["en", "fr"], 100, 8, False),
    "Lena Brandt": (["de", "en"], 100, None, False),
    "Mateo Silva": (["pt", "es", "en"], 100, 8, True),
    "Nora Haugen": (["en", "de"], 50, None, False),
    "Sunil Rao": (["en"], 100, 12, False),
}
# Name → members.
POOLS = {
    "North and East": ("Hanna Virtanen", "Lena Brandt", "Nora Haugen", "Sunil Rao"),
    "South and West": ("Bruno Sá", "Kofi Mensah", "Mateo Silva", "Ravi Menon"),
    "Control tower": ("Lena Brandt", "Ravi Menon", "Sunil Rao"),
}


def tell(people: dict[str, User], now: datetime, seed: int) -> None:
    """Set all of it up and let leads come in; `people` by the name of their login."""
    rng = Random(seed)  # noqa: S311 (a story, not a secret)
    reps = _reps()
    _absences(reps, now.date())
    made = _pools(reps, people["manager"], people["revops"])
    _rules(made, people["revops"])
    _leads(rng, now)


def employ(now: datetime) -> None:
    """When people work, in which languages, and how much; before the first promise is timed."""
    reps = _reps()
    berlin, lisbon = (
        calendars.add(name=name, time_zone=zone, country=country, subdivision=part, week=_week(week))
        for name, zone, country, part, week in (
            ("Berlin", "Europe/Berlin", "DE", "BE", BERLIN),
            ("Lisbon", "Europe/Lisbon", "PT", "", LISBON),
        )
    )
    accounts.change_company(changes={"calendar": berlin})
    half_day = now.date().replace(month=12, day=24)
    calendars.set_date(calendar_id=berlin.pk, falls_on=half_day, name="Christmas Eve", hours=Hours(540, 720))
    for name, (languages, weight, daily_cap, is_in_lisbon) in REPS.items():
        changes = {"languages": languages, "weight": weight, "daily_cap": daily_cap}
        changes |= {"calendar": lisbon} if is_in_lisbon else {}
        accounts.change_person(user_id=reps[name].pk, changes=changes)


def _reps() -> dict[str, User]:
    return {user.name: user for user in User.objects.filter(name__in=REPS)}


def _absences(reps: dict[str, User], today: date) -> None:
    hanna, mateo = reps["Hanna Virtanen"].pk, reps["Mateo Silva"].pk
    absences.plan(user_id=hanna, first_on=today - timedelta(days=2), last_on=today + timedelta(days=5), note="Holidays")
    absences.plan(user_id=mateo, first_on=today + timedelta(days=12), last_on=today + timedelta(days=16))


def _week(texts: dict[int, str]) -> dict[int, list[Hours]]:
    return {day: read_hours(text) for day, text in texts.items()}


def _pools(reps: dict[str, User], fallback: User, by: User) -> dict[str, Pool]:
    return {
        name: pools.add(
            name=name, fallback=fallback, after_hours="next", by=by,
            member_ids=[reps[member].pk for member in members if member in reps],
        )
        for name, members in POOLS.items()
    }  # fmt: skip


def _rules(made: dict[str, Pool], by: User) -> None:
    south = list(Territory.objects.filter(name__in=["South", "West"]).values_list("key", flat=True))
    body = {
        "attach": True,
        "account_owner": True,
        "rules": [
            _rule("Control tower", "product_interest", "contains", ["control tower"], made["Control tower"]),
            _rule("South and West", "territory", "is", south, made["South and West"]),
        ],
        "otherwise": made["North and East"].pk,
    }
    draft = versions.begin(RoutingVersion, by=by, body=body)
    versions.publish(
        draft, by=by, check=check, note="Patches of the autumn; the Control tower team takes its own leads"
    )


def _rule(name: str, field: str, operator: str, values: list[str], pool: Pool) -> dict[str, Any]:
    when = {"match": "all", "of": [{"field": field, "operator": operator, "values": values}]}
    return {"name": name, "when": when, "pool": pool.pk, "language": ""}


def _leads(rng: Random, now: datetime) -> None:
    """Two weeks of hand raises that were routed as they came; the newest wait for an answer."""
    numbers = iter(range(DAYS * A_DAY + WAITING))
    days = [day for ago in range(20, 0, -1) if (day := now - timedelta(days=ago)).isoweekday() < 6][-DAYS:]
    settled: list[int] = []
    for day in days:
        cause = Cause(CauseSource.DEMO, at=working_moment(rng, day), promise=Promise.HISTORY, route=True)
        drafts = [_draft(rng, next(numbers), cause.at) for _ in range(A_DAY)]
        settled += receive(drafts=drafts, cause=cause).lead_ids
    _answer(rng, settled)
    fresh = Cause(CauseSource.DEMO, at=now - timedelta(minutes=25), route=True)
    receive(drafts=[_draft(rng, next(numbers), fresh.at) for _ in range(WAITING)], cause=fresh)


def _draft(rng: Random, number: int, at: datetime | None) -> Draft:
    first, last = rng.choice(names.FIRST), rng.choice(names.LAST)
    title, seniority = rng.choice(names.TITLES)
    company = f"{rng.choice(names.COMPANY_HEADS)} {rng.choice(names.COMPANY_TAILS)}"
    domain = "".join(company.lower().split()) + ".example"
    return Draft(
        name=f"{first} {last}", email=f"{first}.{last}.r{number}@{domain}".lower(), title=title, seniority=seniority,
        company_name=company, territory=rng.choice(names.TERRITORIES), segment=rng.choice(names.SEGMENTS),
        product_interest=rng.choice(names.PRODUCTS), source="direct", consent="granted", created_at=at,
        touches=(TouchDraft("Asked for a demo", at=at, is_hand_raise=True),),
    )  # fmt: skip


def _answer(rng: Random, lead_ids: list[int]) -> None:
    """Their holders answered within a day: most accept."""
    reason = Reason.objects.offered("reject").first()
    waiting = Lead.objects.filter(pk__in=lead_ids, milestone=Milestone.MQL, outcome="").order_by("pk")
    steps = []
    for pk, owner_id, moved_at in waiting.values_list("pk", "owner_id", "moved_at"):
        at = moved_at + timedelta(hours=rng.uniform(1, 20))
        accepted = rng.random() < 0.7 or reason is None
        kind = Kind.ACCEPT if accepted else Kind.REJECT
        steps.append(
            Step(pk, kind, at=at, actor_id=owner_id, reason_id=None if accepted or reason is None else reason.pk)
        )
    lifecycle.move(steps=steps, cause=Cause(CauseSource.DEMO, promise=Promise.HISTORY))
