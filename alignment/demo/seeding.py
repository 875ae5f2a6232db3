"""Storing the demo company: people, campaigns, twelve months of leads, and a queue that waits for its rep."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from django.db import transaction
from psycopg2.extras import DateRange

from alignment.demo import (
    agreement,
    capacity,
    clean_data,
    clocks,
    contested,
    follow_up,
    lists,
    names,
    promises,
    ready,
    routing,
    selling,
)
from alignment.demo.story import Person, Setting, Story, working_moment
from alignment.desk import usual
from alignment.integrations.web_forms import asking, setup
from alignment.integrations.web_forms.setup import Wording
from alignment.people import accounts, directory
from alignment.people.directory import Named
from alignment.people.models import Company, Role, Side, Team, User
from leads import lifecycle
from leads.causes import Cause, Promise
from leads.decisions import Step
from leads.drafts import Draft, Reference, TouchDraft
from leads.intake import receive
from leads.milestones import CauseSource, Kind, Milestone, QualifiedBy
from leads.models import Campaign, Journey, Lead, NurtureTrack, Opportunity, Reason, Source
from leads.models.opportunity import DealState
from leads.models.touchpoint import Direction
from leads.stages.stages import Stages

COMPANY = {"name": "Brightwater Planning", "time_zone": "Europe/Berlin", "currency": "EUR"}
DAYS = 365
SLICE = 2_000
TIMED = timedelta(weeks=13)
"""For how long the promises of touches have been kept in the demo company."""

# What waits in the demo rep's queue: hours left of the 48 (negative: over), what they did last, whether they asked.
WAITING = (
    (-9.2, "Visited the pricing page", False),
    (-1.4, "Asked for a demo", True),
    (2.23, "Asked for a demo", True),
    (3.8, "Stayed to the end of the webinar", False),
    (5.1, "Used the savings calculator", False),
    (7.6, "Clicked “Plan a week in an hour”", False),
    (19.5, "Asked for a quote", True),
    (26.2, "Downloaded the benchmark report", False),
    (38.9, "Compared the plans", False),
)


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was stored."""

    leads: int
    campaigns: int
    people: int


@transaction.atomic
def seed(*, leads: int, seed: int = 48) -> Seeded:
    """Store the demo company with about so many leads. The same `seed` tells the same story, ending now."""
    rng = Random(seed)  # noqa: S311 (a story, not a secret)
    company = accounts.change_company(changes=COMPANY)
    zone = ZoneInfo(company.time_zone)
    now = lifecycle.database_now().astimezone(zone).replace(second=0, microsecond=0)
    reps = _people()
    _dimensions(now.date(), reps)
    selling.agree()
    routing.employ(now)
    setting = _setting(now, reps, company)
    crowd = _crowd(rng, leads)
    history = Cause(CauseSource.DEMO, promise=Promise.HISTORY)
    colleagues = [pk for pk, _ in setting.reps if pk != reps["rep"].pk]
    waiting: list[Draft] = []
    settled: list[Draft] = []
    for number, (person, first_at) in enumerate(zip(crowd, _arrivals(rng, leads, now), strict=True)):
        rep_id = rng.choice(setting.reps)[0]
        draft = Story(rng, setting, person, first_at, rep_id).draft(number)
        if draft.steps[-1].qualified_by:
            # The demo rep's queue is told below, lead by lead.
            waiting.append(replace(draft, owner_id=rng.choice(colleagues)) if rep_id == reps["rep"].pk else draft)
        else:
            settled.append(draft)
    # What was promised lately is timed whole; of what is older the answers alone.
    timed = [draft for draft in settled if _is_timed(draft, now)]
    receive(drafts=timed, cause=Cause(CauseSource.DEMO))
    older = [draft for draft in settled if not _is_timed(draft, now)]
    for start in range(0, len(older), SLICE):
        receive(drafts=older[start : start + SLICE], cause=history)
    # These wait for an answer now: their clocks run, and a breach tells somebody.
    waiting += _queue(rng, setting, reps["rep"].pk)
    receive(drafts=waiting, cause=Cause(CauseSource.DEMO))
    _buying_groups(rng, now)
    selling.tell(rng, reps, now)
    routing.tell(reps, now, seed)
    _web_form(reps["marketer"])
    follow_up.tell(reps)
    contested.tell(reps)
    agreement.tell(reps)
    promises.tell(reps, now)
    clocks.tell(reps, now)
    ready.tell(rng, reps)
    lists.tell(reps)
    clean_data.tell(reps, rng, now)
    capacity.tell(reps, _crowd(rng, capacity.CAME), setting)
    usual.measure(now)
    return Seeded(Lead.objects.count(), Campaign.objects.count(), User.objects.count())


def _is_timed(draft: Draft, now: datetime) -> bool:
    """Whether all that sales owes this lead is told: handed over lately, once, and touched if it was accepted."""
    kinds = {step.kind for step in draft.steps}
    touched = any(touch.direction == Direction.OUTBOUND for touch in draft.touches)
    lately = draft.owned_at is not None and draft.owned_at > now - TIMED
    return lately and Kind.REQUALIFY not in kinds and (touched or Kind.ACCEPT not in kinds)


def _people() -> dict[str, User]:
    """The demo's logins and their colleagues, who cannot sign in; and who signs for each side."""
    people = accounts.ensure_demo_logins()
    colleagues = [Named(f"demo:{name}", name=name, role=Role.REP, team=Side.SALES.label) for name in names.REPS]
    directory.find_or_add(people=colleagues)
    marketers = [
        Named(f"demo:{name}", name=name, role=Role.MARKETER, team=Side.MARKETING.label) for name in names.MARKETERS
    ]
    found = directory.find_or_add(people=marketers, side=Side.MARKETING)
    head = User.objects.get(pk=found[marketers[0].external_id])
    accounts.change_company(changes={"marketing_head": head, "sales_head": people["manager"]})
    for team in Team.objects.all():
        manager = people["manager"] if team.side == Side.SALES else head
        accounts.change_team(team_id=team.pk, changes={"manager": manager})
    return people


def _web_form(marketer: User) -> None:
    """A form that a website could post to."""
    asked = [field.stored() for field in asking.OF_LEAD if field.name in ("name", "email", "company_name")]
    question = asking.Field(
        "q_shifts", "How many people do you plan shifts for?", asking.Kind.CHOICE, choices=("Up to 50", "More")
    )
    facts = {
        "name": "Demo request",
        "source": Source.objects.get(key="direct"),
        "fields": [*asked, question.stored()],
        "is_hand_raise": True,
    }
    wordings = [Wording(1, "Brightwater Planning may write to me about its products. I can withdraw this at any time.")]
    setup.make(facts=facts, wordings=wordings, by=marketer)


def _dimensions(today: date, people: dict[str, User]) -> None:
    """Sources with their readable names, and the campaigns with what they cost."""
    Source.objects.bulk_create(
        [Source(key=key, name=name) for key, name, *_ in names.SOURCES if key], ignore_conflicts=True
    )
    sources = dict(Source.objects.values_list("key", "pk"))
    Campaign.objects.bulk_create(
        [
            Campaign(
                key=key, name=name, source_id=sources[source], owner=people["marketer"], cost=cost, currency="EUR",
                runs_on=DateRange(today - timedelta(days=first), today - timedelta(days=last - 1)),
            )
            for key, name, source, first, last, cost in names.CAMPAIGNS
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def _setting(now: datetime, people: dict[str, User], company: Company) -> Setting:
    stages = Stages.load()
    reasons = {(reason.kind, reason.key): reason.pk for reason in Reason.objects.all()}
    reps = User.objects.filter(role=Role.REP, team__side=Side.SALES).order_by("pk").values_list("pk", flat=True)
    paces = (3.0, 7.0, 9.0, 11.0, 14.0, 8.0, 17.0, 12.0)
    rejections = (("no_budget", 34), ("wrong_persona", 26), ("no_need_now", 18), ("bad_data", 14), ("duplicate", 8))
    losses = (("price", 34), ("no_decision", 30), ("competitor", 24), ("missing_feature", 12))
    return Setting(
        now=now,
        stages={stage.key: stage.pk for stage in stages.by_id.values()},
        reject_reasons=tuple((reasons["reject", key], weight) for key, weight in rejections),
        recycle_reasons=tuple(pk for (kind, _), pk in reasons.items() if kind == "recycle"),
        lose_reasons=tuple((reasons["lose", key], weight) for key, weight in losses),
        win_reasons=tuple(pk for (kind, _), pk in reasons.items() if kind == "win"),
        tracks=tuple(NurtureTrack.objects.order_by("pk").values_list("pk", flat=True)),
        reps=tuple(zip(reps, paces, strict=False)),
        currency=company.currency,
    )


def _crowd(rng: Random, count: int) -> list[Person]:
    """So many people, a few of them colleagues in the same company."""
    companies = [f"{head} {tail}" for head in names.COMPANY_HEADS for tail in names.COMPANY_TAILS]
    rng.shuffle(companies)
    facts = {
        company: (rng.choice(names.SEGMENTS), rng.choice(names.TERRITORIES), rng.lognormvariate(0, 0.25))
        for company in companies
    }
    weights = [rng.lognormvariate(0, 0.9) for _ in companies]
    sources = rng.choices(names.SOURCES, [share for *_, share, _ in names.SOURCES], k=count)
    people = []
    for number, (company, (key, _, _, fit)) in enumerate(
        zip(rng.choices(companies, weights, k=count), sources, strict=True)
    ):
        first, last = rng.choice(names.FIRST), rng.choice(names.LAST)
        title, seniority = rng.choice(names.TITLES)
        segment, territory, company_fit = facts[company]
        domain = "".join(company.lower().split()) + ".example"
        people.append(
            Person(
                name=f"{first} {last}", email=f"{first}.{last}{number}@{domain}".lower(), title=title,
                seniority=seniority, company=company, segment=segment, territory=territory, source=key,
                campaign=_campaign(rng, key), fit=min(2.0, fit * company_fit),
            )
        )  # fmt: skip
    return people


def _campaign(rng: Random, source: str) -> str:
    running = [key for key, _, of, *_ in names.CAMPAIGNS if of == source]
    return rng.choice(running) if running and rng.random() < 0.8 else ""


def _arrivals(rng: Random, count: int, now: datetime) -> Iterator[datetime]:
    """Moments over twelve months: slow growth, quiet weekends, a dip in August and at the turn of the year."""
    days = [now - timedelta(days=ago) for ago in range(DAYS, 0, -1)]
    seasons = {1: 0.9, 8: 0.6, 12: 0.7, 3: 1.15, 9: 1.2, 10: 1.15}
    weights = [
        (1 + 0.35 * index / DAYS) * seasons.get(day.month, 1.0) * (0.22 if day.weekday() > 4 else 1.0)
        for index, day in enumerate(days)
    ]
    for day in rng.choices(days, weights, k=count):
        yield working_moment(rng, day)


def _queue(rng: Random, setting: Setting, rep_id: int) -> list[Draft]:
    """The leads that wait for the demo rep, due at known distances from now."""
    crowd = _crowd(rng, len(WAITING))
    drafts = []
    for number, ((hours_left, title, raised), person) in enumerate(zip(WAITING, crowd, strict=True)):
        handed_over_at = setting.now - timedelta(hours=48) + timedelta(hours=hours_left)
        met_at = handed_over_at - timedelta(days=rng.randrange(3, 30))
        steps = [
            Step(0, Kind.ADVANCE, stage_id=setting.stages["mgl"], at=met_at),
            Step(
                0,
                Kind.ADVANCE,
                stage_id=setting.stages["mql"],
                at=handed_over_at,
                qualified_by=QualifiedBy.HAND_RAISE if raised else QualifiedBy.MANUAL,
            ),
        ]
        touches = [
            TouchDraft(
                f"First visit from {person.source.replace('_', ' ') or 'an unknown source'}", "visit", at=met_at
            ),
            TouchDraft("Read the customer stories", "visit", at=met_at + (handed_over_at - met_at) / 2),
            TouchDraft(title, "form" if raised else "visit", at=handed_over_at, is_hand_raise=raised),
        ]
        drafts.append(
            Draft(
                name=person.name, email=person.email, title=person.title, seniority=person.seniority,
                company_name=person.company, source=person.source or None, segment=person.segment,
                territory=person.territory, phone=f"+49 30 5550 {2000 + number}", consent="granted",
                product_interest=rng.choice(names.PRODUCTS), references=(Reference("demo", f"Q-{number:03d}"),),
                steps=tuple(steps), touches=tuple(touches), owner_id=rep_id, owned_at=handed_over_at,
                created_at=met_at,
            )
        )  # fmt: skip
    return drafts


def _buying_groups(rng: Random, now: datetime) -> None:
    """Colleagues of people with an open deal join it, instead of a cold hand-off."""
    deals = dict(Opportunity.objects.filter(state=DealState.OPEN).values_list("account_id", "pk"))
    colleagues = (
        Journey.objects.filter(outcome="", reached__lte=Milestone.MQL, lead__account__in=deals, opportunity=None)
        .order_by("lead_id")
        .values_list("lead_id", "lead__account_id", "entered_at")
    )
    steps = [
        Step(lead_id, Kind.ATTACH, opportunity_id=deals[account_id], at=entered_at + (now - entered_at) * rng.random())
        for lead_id, account_id, entered_at in colleagues
        if rng.random() < 0.15
    ]
    lifecycle.move(steps=steps, cause=Cause(CauseSource.DEMO, promise=Promise.HISTORY))
