"""Who is ready in the demo company: facts of its accounts, profiles, target accounts, scores, and a draft to try."""

from random import Random
from typing import Any

from alignment.demo import names
from alignment.lib import batch
from alignment.ops import versions
from alignment.people.models import User
from leads import lifecycle
from leads.causes import Cause, Promise
from leads.milestones import CauseSource
from leads.models import Account, Lead, ProfileVersion, ScoringVersion
from leads.profiles import matching, targets
from leads.profiles.rules import EMPTY
from leads.scoring import applying
from leads.scoring.compiling import Piece

COUNTRIES = ("Germany", "Germany", "Germany", "Austria", "Switzerland", "Netherlands", "Portugal")

PROFILES: tuple[dict[str, Any], ...] = (
    {
        "key": "plants", "name": "Plants that plan by the week", "tier": 1,
        "if": {"match": "all", "of": [
            {"field": "industry", "operator": "is", "values": ["Manufacturing", "Logistics"]},
            {"field": "employees", "operator": "at_least", "values": [400]},
        ]},
        "pains": "Plans live in spreadsheets; a changed order costs a day.\nStock is high and still the wrong one.",
        "triggers": "A new plant or warehouse.\nAn ERP that is being replaced.\nA new head of operations.",
        "personas": "Head of Operations (decides), plant manager (feels it), IT manager (must agree).",
    },
    {
        "key": "chains", "name": "Chains with many sites", "tier": 2,
        "if": {"match": "all", "of": [
            {"field": "industry", "operator": "is", "values": ["Retail", "Hospitality", "Healthcare"]},
            {"field": "employees", "operator": "at_least", "values": [250]},
        ]},
        "pains": "Every site plans by itself, and head office sees it a week later.",
        "triggers": "Sites being opened.\nA season that went wrong.",
        "personas": "Chief operating officer (decides), Head of Purchasing (feels it).",
    },
    {
        "key": "builders", "name": "Young software firms", "tier": 3,
        "if": {"match": "all", "of": [
            {"field": "industry", "operator": "is", "values": ["Software"]},
            {"field": "employees", "operator": "at_most", "values": [200]},
        ]},
        "pains": "They grow faster than their processes.",
        "triggers": "A round of funding.",
        "personas": "Managing director.",
    },
)  # fmt: skip

TARGETS = {"match": "all", "of": [
    {"field": "tier", "operator": "is", "values": ["1"]},
    {"field": "employees", "operator": "at_least", "values": [1200]},
]}  # fmt: skip


def tell(rng: Random, people: dict[str, User]) -> None:
    """All of it; a draft of the rules waits for its preview."""
    _facts(rng)
    draft = versions.begin(ProfileVersion, by=people["manager"], body=EMPTY)
    draft = versions.change(draft, body={"profiles": list(PROFILES), "targets": TARGETS}, by=people["manager"])
    matching.publish(draft=draft, by=people["revops"], note="As both teams agreed in the spring review")
    wanted = Account.objects.filter(industry="Retail", employees__gte=900).order_by("pk").values_list("pk", flat=True)
    targets.add(
        account_ids=wanted[:6], cause=Cause(CauseSource.DEMO, people["marketer"].pk, promise=Promise.NONE),
        note="Met at the spring fair",
    )  # fmt: skip
    now = lifecycle.database_now()
    for standard in applying.standards():
        applying.store(standard, Piece("TRUE"), now, lock=False)
    _draft(people["revops"])


def _facts(rng: Random) -> None:
    """Industry, size and country of each account; the industry is what its people said the segment is."""
    segments: dict[int, str] = {}
    for account, segment in Lead.objects.filter(account__isnull=False, segment__isnull=False).order_by(
        "pk"
    ).values_list("account_id", "segment__name"):  # fmt: skip
        segments.setdefault(account, segment)
    known = {each.lower(): each for each in names.SEGMENTS}
    rows = [
        {
            "id": account,
            "industry": known.get(segment.lower(), segment),
            "employees": int(rng.lognormvariate(5.8, 1.1)) + 8,
            "country": rng.choice(COUNTRIES),
        }
        for account, segment in sorted(segments.items())
    ]
    batch.update(Account, rows)


def _draft(by: User) -> None:
    """A draft that asks more of a title and less of a visit."""
    draft = versions.begin(ScoringVersion, by=by)
    body = {name: value for name, value in draft.body.items() if name != "says"} | {"threshold": 70}
    body["fit"] = [
        *body["fit"],
        {"if": {"match": "all", "of": [{"field": "tier", "operator": "is", "values": ["1"]}]}, "points": 20},
    ]
    versions.change(draft, body=body, by=by, note="Tier 1 first")
