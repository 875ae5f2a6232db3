"""Plain functions that make what a test needs; every argument has a likely value."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from alignment.desk.models import SavedView, SceneKey, Sharing, WallLink
from alignment.desk.saved import verbs as saved
from alignment.desk.wall import links
from alignment.lib import webhook_signatures
from alignment.lib.business_time import Hours
from alignment.ops import jobs, versions
from alignment.ops.models import Destination, Job, Transport
from alignment.people import absences, calendars
from alignment.people.models import Absence, Role, Side, Team, User, WorkingCalendar
from leads import feedback, lifecycle, qualifying, reasons
from leads.bulk import running
from leads.bulk.actions import ACTIONS
from leads.causes import Cause
from leads.deals import deals
from leads.decisions import Step
from leads.drafts import DealDraft, Draft
from leads.hygiene import scanning
from leads.intake import receive
from leads.milestones import CauseSource, Kind, Milestone, Outcome
from leads.models import (
    Account,
    BulkChange,
    DuplicatePair,
    Feedback,
    Journey,
    Lead,
    Opportunity,
    Pool,
    ProfileVersion,
    Reason,
    ReasonProposal,
    RoutingVersion,
    ScoringVersion,
    Stage,
)
from leads.models.reason_proposal import Change
from leads.profiles import matching
from leads.profiles.rules import EMPTY
from leads.routing import pools
from leads.routing.rules import check
from leads.scoring import previewing, publishing, rules
from sla import contesting
from sla.models import Agreement, Clock, Dispute, Policy, SubjectKind
from sla.terms import Terms

PASSWORD = "correct horse battery"

_numbers = count(1)
# Hashing is slow on purpose: once a run is enough.
_hashed = cache(make_password)


# People --------------------------------------------------------------------------------------------------------


def make_team(side: Side = Side.SALES, **fields: Any) -> Team:
    return Team.objects.create(**{"name": f"{side.label} team {next(_numbers)}", "side": side} | fields)


def make_user(
    role: Role = Role.REP, side: Side | None = None, *, password: str | None = PASSWORD, **fields: Any
) -> User:
    """A user of `role`, in a new team of `side`: by default the usual one of the role, none for RevOps and executives.

    With `password` None they cannot sign in.
    """
    side = side or {Role.MARKETER: Side.MARKETING, Role.REP: Side.SALES, Role.MANAGER: Side.SALES}.get(role)
    number = next(_numbers)
    given: dict[str, Any] = {"name": f"Person {number}", "email": f"person{number}@example.com", "role": role}
    if side and "team" not in fields:
        given["team"] = make_team(side)
    return User.objects.create(password=_hashed(password), **given | fields)


def make_imported_user(**fields: Any) -> User:
    """An owner who came with an import: no e-mail, no login."""
    number = next(_numbers)
    given = {"name": f"Imported {number}", "external_id": f"crm-{number}", "role": Role.REP}
    return User.objects.create_user(**given | fields)


def make_calendar(name: str = "", week: calendars.Week | None = None, **facts: Any) -> WorkingCalendar:
    """Berlin's offices: Monday to Friday, 9 to 12 and 13 to 17."""
    office = {day: (Hours(540, 720), Hours(780, 1020)) for day in range(1, 6)}
    given = {
        "name": name or f"Calendar {next(_numbers)}",
        "time_zone": "Europe/Berlin",
        "week": office if week is None else week,
    }
    return calendars.add(**given | facts)


def make_absence(user: User, first_on: date | None = None, days: int = 5, **fields: Any) -> Absence:
    """So many days away, by default from today."""
    first_on = first_on or timezone.now().date()
    return absences.plan(user_id=user.pk, first_on=first_on, last_on=first_on + timedelta(days=days - 1), **fields)


# Leads, as rows: what reading needs, whether or not the lifecycle would write it -------------------------------


def make_account(**fields: Any) -> Account:
    number = next(_numbers)
    given = {"name": f"Buyer {number}", "name_key": f"buyer {number}", "domain": f"account{number}.example"}
    return Account.objects.create(created_at=timezone.now(), **given | fields)


def make_journey(reached: Milestone = Milestone.MQL, outcome: str = "", **fields: Any) -> Journey:
    """A pass of a lead of its own (or of `lead`), in the first stage of `reached`, with a reason where it needs one."""
    now = timezone.now()
    stage = Stage.objects.filter(milestone=reached).first()
    kind = {Outcome.REJECTED: "reject", Outcome.LOST: "lose"}.get(outcome)
    if kind and "reason" not in fields:
        fields["reason"] = Reason.objects.offered(kind).first()
    if "lead" not in fields:
        facets = {name: fields[name] for name in ("owner", "team", "source", "segment") if name in fields}
        fields["lead"] = Lead.objects.create(
            name=f"Lead {next(_numbers)}", stage=stage, milestone=reached, outcome=outcome,
            pass_no=fields.get("pass_no", 1), created_at=now, moved_at=now, **facets,
        )  # fmt: skip
    given = {"pass_no": 1, "reached": reached, "stage": stage, "outcome": outcome, "ended_at": now if outcome else None}
    return Journey.objects.create(**given | fields)


def make_clock(journey: Journey, due_at: datetime, **fields: Any) -> Clock:
    """The promise of an answer for this pass."""
    given = {
        "policy": Policy.objects.in_force().get(subject_kind=SubjectKind.DISPOSITION),
        "subject_kind": SubjectKind.DISPOSITION,
        "subject_id": journey.lead_id, "lead": journey.lead, "pass_no": journey.pass_no,
        "started_at": due_at - timedelta(hours=48), "due_at": due_at,
    }  # fmt: skip
    return Clock.objects.create(**given | fields)


# Leads as people meet them: they come in and move by the product's own verbs -----------------------------------


def make_lead(
    stage: str = "mql", *, owner: User | None = None, left: timedelta = timedelta(hours=24), **facts: Any
) -> Lead:
    """A lead that was handed over so that `left` is left of its 48 hours, and moved on to `stage` (its key)."""
    number = next(_numbers)
    handed_at = timezone.now() - timedelta(hours=48) + left
    stages = {each.key: each for each in Stage.objects.all()}
    on_the_way = [key for key in ("mgl", "mql", "sql") if stages[key].position <= stages[stage].position]
    given: dict[str, Any] = {"name": f"Lead {number}", "email": f"lead{number}@buyer{number}.example"}
    draft = Draft(
        **given | facts,
        owner_id=owner and owner.pk,
        owned_at=handed_at,
        steps=tuple(Step(0, Kind.ADVANCE, stage_id=stages[key].pk, at=handed_at) for key in on_the_way),
    )
    [lead_id] = receive(drafts=[draft], cause=Cause(CauseSource.API, at=handed_at)).lead_ids
    if stage not in on_the_way:
        make_deal(lead_id, stage)
    return Lead.objects.select_related("stage", "owner").get(pk=lead_id)


def make_deal(lead_id: int, stage: str = "sqo") -> None:
    """Qualify an accepted lead, with a deal of 9,600 euros, and bring it on to `stage`."""
    cause = Cause(CauseSource.API)
    deal = DealDraft(name="Planner", currency="EUR", amount=Decimal(9600), expected_close_on=date(2027, 3, 31))
    qualifying.qualify(
        lead_id=lead_id, deal=deal, confirmations=["budget", "authority", "need", "timeline"], cause=cause
    )
    if stage == "won":
        lifecycle.win(lead_ids=[lead_id], cause=cause)
    elif stage != "sqo":
        lifecycle.advance(lead_ids=[lead_id], to=Stage.objects.get(key=stage), cause=cause)


def make_free_deal(**fields: Any) -> Opportunity:
    """A deal that no lead carries, of 9,600 euros."""
    number = next(_numbers)
    if "account" not in fields:
        fields["account"] = make_account()
    account = fields.pop("account")
    given: dict[str, Any] = {
        "name": f"Renewal {number}", "currency": "EUR", "amount": Decimal(9600), "account_id": account and account.pk,
        "expected_close_on": date(2027, 3, 31),
    }  # fmt: skip
    [pk] = deals.open_deals(drafts=[DealDraft(**given | fields)], cause=Cause(CauseSource.API))
    return Opportunity.objects.select_related("account").get(pk=pk)


def make_pair(owner: User | None = None) -> DuplicatePair:
    """Two leads that are one person by name and phone number, to be decided."""
    facts = {"name": f"Ana Souza {'abcdefghij'[next(_numbers) % 10]}", "phone": f"+49 30 1234{next(_numbers):04}"}
    first, _ = make_lead(**facts, owner=owner), make_lead(**facts, owner=owner)
    scanning.catch_up()
    return DuplicatePair.objects.get(first=first)


def make_bulk_change(actor: User | None = None) -> BulkChange:
    """Two leads that were accepted at once."""
    actor = actor or make_user(Role.REVOPS)
    leads = Lead.objects.filter(pk__in=[make_lead().pk, make_lead().pk])
    return running.start(action=ACTIONS["accept"], params={}, leads=leads, actor=actor)


def make_feedback(by: User | None = None, text: str = "Wants the fee table.", **facts: Any) -> Feedback:
    """What a rep told marketing about a lead of theirs."""
    by = by or make_user()
    return feedback.give(lead_id=make_lead(**{"owner": by} | facts).pk, text=text, by=by)


def make_dispute(lead: Lead | None = None, by: User | None = None, **given: Any) -> Dispute:
    """Marketing contests the rejection of a lead."""
    lead = lead or make_lead(owner=make_user())
    if not lead.outcome:
        reason = Reason.objects.offered("reject").first()
        lifecycle.reject(lead_ids=[lead.pk], reason_id=reason.pk, cause=Cause(CauseSource.API))
    asked = {"evidence": "They asked for an offer yesterday."}
    return contesting.contest_move(lead_id=lead.pk, by=by or make_user(Role.MARKETER), **asked | given)


# Rules, and what is agreed -------------------------------------------------------------------------------------


def make_pool(*members: User, fallback: User | None = None, **facts: Any) -> Pool:
    """Reps who take turns; two if none are named."""
    people = members or (make_user(), make_user())
    given = {"name": f"Pool {next(_numbers)}", "fallback": fallback or make_user(Role.MANAGER)}
    return pools.add(**given | {"member_ids": [each.pk for each in people]} | facts)


def make_routing(otherwise: Pool, *rules: dict[str, Any], **switches: bool) -> RoutingVersion:
    """Published rules: what no rule is about goes to the pool `otherwise`."""
    body = {"attach": True, "account_owner": True, "rules": list(rules), "otherwise": otherwise.pk} | switches
    draft = versions.begin(RoutingVersion, by=None, body=body)
    draft = versions.change(draft, body=body, by=None)
    return versions.publish(draft, by=None, check=check)


def routing_rule(name: str, field: str, *values: str, operator: str = "is", **to: Any) -> dict[str, Any]:
    """A rule with one condition; `to` is a pool, a person, a language."""
    test = {"field": field, "operator": operator, "values": list(values)}
    keys = {key: value.pk if isinstance(value, Pool | User) else value for key, value in to.items()}
    return {"name": name, "when": {"match": "all", "of": [test]}, **keys}


RETAIL = {"match": "all", "of": [{"field": "industry", "operator": "is", "values": ["Retail"]}]}


def make_profiles(targets: dict[str, Any] | None = None, *, publish: bool = True) -> ProfileVersion:
    """One profile, of tier 1: retail. `targets` is the rule for target accounts."""
    profile = {
        "key": "retail", "name": "Retail", "tier": 1, "if": RETAIL, "pains": "Stock", "triggers": "A new shop",
        "personas": "Head of Purchasing",
    }  # fmt: skip
    draft = versions.begin(ProfileVersion, by=None, body=EMPTY)
    draft = versions.change(draft, body={"profiles": [profile], "targets": targets}, by=None)
    return matching.publish(draft=draft, by=make_user(Role.REVOPS)) if publish else draft


def make_scoring_draft(**changes: Any) -> ScoringVersion:
    """The default rules as a draft."""
    draft = versions.begin(ScoringVersion, by=None)
    return versions.change(draft, body=rules.default_body() | changes, by=None)


def make_scoring_version() -> ScoringVersion:
    """The version that counts from the first start on."""
    return ScoringVersion.objects.get(scope="", audience="", state="published")


def make_scoring_pilot() -> ScoringVersion:
    """A pilot of the default rules for a new team."""
    draft = make_scoring_draft()
    publishing.publish(draft=draft, by=make_user(Role.REVOPS), team=make_team())
    return draft


def make_scoring_preview() -> Job:
    """A preview that has run."""
    job = previewing.begin(draft=make_scoring_draft(), days=90, by=make_user(Role.REVOPS))
    jobs.run(job.pk)
    return Job.objects.get(pk=job.pk)


def make_reason_proposal(by: User | None = None, **given: Any) -> ReasonProposal:
    """A change of the first reason for rejections, proposed by a marketer who signs for nobody."""
    first = Reason.objects.offered("reject").first()
    wanted = {"label": f"Other words {next(_numbers)}"}
    asked = {"kind": "reject", "change": Change.EDIT, "reason_id": first.pk, "wanted": wanted, "why": "Clearer."}
    return reasons.propose(**asked | given, by=by or make_user(Role.MARKETER))


def make_agreement_draft() -> Agreement:
    """A draft of what can be agreed on for the fourth quarter of 2026: 667 MQLs in 14 weeks."""
    values = {"deal": "12000", "won": "0.25", "opportunity": "0.5", "accepted": "0.6", "lag": "0"}
    rates = {key: {"value": value, "reason": "As last year"} for key, value in values.items()}
    body = {"target": "600000", "rates": rates, "quality": "0.75", "review_on": "2026-12-14"}
    draft = versions.begin(Agreement, by=None, scope="2026-10-01")
    return versions.change(draft, body=Terms.read(body).as_body(), by=None)


# Around them: channels, jobs, views and the wall ---------------------------------------------------------------


def make_channel(**fields: Any) -> Destination:
    """A program that hears of breaches."""
    given = {
        "transport": Transport.WEBHOOK, "name": f"Channel {next(_numbers)}", "url": "https://10.0.0.1/in",
        "occasions": ["breach"], "secret": webhook_signatures.new_secret(),
    }  # fmt: skip
    return Destination.objects.create(**given | fields)


def make_job(actor: User | None = None, **fields: Any) -> Job:
    """Background work that waits for its turn."""
    given = {"kind": "count", "params": {"upto": 30}, "total": 30, "created_by": actor or make_user()}
    return Job.objects.create(**given | fields)


def make_view(owner: User | None = None, **fields: Any) -> SavedView:
    """A view that everybody sees."""
    given = {"name": f"View {next(_numbers)}", "query": "stage=mql", "sharing": Sharing.ALL}
    return saved.save(by=owner or make_user(), **given | fields)


def make_wall_link(**fields: Any) -> tuple[WallLink, str]:
    """An open link that shows all scenes, and its token."""
    given = {"name": f"Screen {next(_numbers)}", "scenes": SceneKey.values, "query": "", "days": 30}
    return links.make(**{**given, "by": fields.get("by") or make_user(Role.REVOPS)} | fields)
