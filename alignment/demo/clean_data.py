"""What the stewards of the demo company's data find: people who are known twice, and what leads lack."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from alignment.people import accounts
from alignment.people.models import Company, User
from leads import lifecycle
from leads.causes import Cause, Promise
from leads.drafts import Draft
from leads.hygiene import findings, scanning
from leads.intake import receive
from leads.merging import merging
from leads.milestones import CauseSource
from leads.models import Lead

DUPLICATES = 18
WEEKLY = 0.035
"""By how much the counts grow from week to week, while nobody looks after them."""
CARED_FOR = ("no_reach", "bad_phone", "bad_email", "exact")
"""What the stewards have begun to mend in the last weeks."""


def tell(people: dict[str, User], rng: Random, now: datetime) -> None:
    """Tell it, after the leads are there. `people` are the demo's logins by role."""
    accounts.change_company(
        changes={
            "marketing_steward": people["marketer"], "sales_steward": people["manager"], "phone_region": "DE",
        }
    )  # fmt: skip
    known = Lead.objects.exclude(phone="").exclude(company_name="").exclude(name="").order_by("email_key")
    chosen = list(known[:: max(1, known.count() // DUPLICATES)][:DUPLICATES])
    cause = Cause(CauseSource.DEMO, promise=Promise.HISTORY)
    again = receive(drafts=[*_again(chosen, rng, now), *_lacking(now)], cause=cause)
    _merge(chosen, again.lead_ids, people["marketer"])
    scanning.catch_up(within=timedelta(minutes=5))
    _weeks(rng)


def _again(chosen: list[Lead], rng: Random, now: datetime) -> Iterator[Draft]:
    """The same people once more, as they really come: from another list, with a tag, with a typo."""
    for number, lead in enumerate(chosen):
        local, _, domain = lead.email_key.partition("@")
        first, _, last = lead.name.partition(" ")
        match number % 3:
            case 0:
                name, email, phone = f"{last}, {first}", "", lead.phone.replace("+49 ", "0")
            case 1:
                name, email, phone = lead.name, f"{local}+fair@{domain}", ""
            case _:
                name, email, phone = f"{first} {last}{last[-1:]}", f"{first[:1]}.{last}@{domain}".lower(), ""
        yield Draft(
            name=name, email=email, phone=phone, company_name=lead.company_name, title=lead.title,
            created_at=now - timedelta(days=rng.randrange(2, 60)),
        )  # fmt: skip


def _lacking(now: datetime) -> Iterator[Draft]:
    """Leads as a list from a trade fair brings them."""
    told = (
        ("Klara Brandt", "klara.brandt@gmail.com", "", "Möbelhaus Brandt"),
        ("Jonas Keller", "jonas.keller at web.de", "", "Keller Textil"),
        ("Sofia Marin", "", "ask at the desk", "Marin Interiors"),
        ("Emil Hartmann", "emil.h@gmx.de", "030 5550 77", "Hartmann & Söhne"),
        ("", "info@nordlicht-living.example", "", "Nordlicht Living"),
        ("Paula Reis", "", "", ""),
    )
    for number, (name, email, phone, company) in enumerate(told):
        yield Draft(
            name=name, email=email, phone=phone, company_name=company, source="Trade fair",
            created_at=now - timedelta(days=9 + number),
        )  # fmt: skip


def _merge(chosen: list[Lead], again: tuple[int, ...], steward: User) -> None:
    """One of them the steward has merged today, so that it can be undone."""
    leads = [chosen[0].pk, again[0]]
    keep = merging.keeper(leads)
    losers = [pk for pk in leads if pk != keep]
    merging.merge(survivor_id=keep, loser_ids=losers, cause=Cause(CauseSource.PAGE, actor_id=steward.pk))


def _weeks(rng: Random) -> None:
    """The counts of the weeks before, and of this one."""
    now = lifecycle.database_now()
    counts = findings.count_all(now)
    weeks = findings.recent_weeks(Company.get(), now)
    for back in reversed(range(len(weeks))):
        told = {
            key: round(count * (1 + (WEEKLY * back if key in CARED_FOR else -WEEKLY * back) + rng.uniform(-0.02, 0.02)))
            for key, count in counts.items()
        }
        findings.remember(counts=told if back else counts, at=now - timedelta(weeks=back))
