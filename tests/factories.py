"""Plain functions that make what a test needs; every argument has a likely value."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from alignment.desk.models import SavedView, SceneKey, Sharing, WallLink
from alignment.desk.saved import verbs as saved
from alignment.desk.wall import links
from alignment.integrations import imports, uploads
from alignment.integrations.models import Import
from alignment.integrations.web_forms import setup
from alignment.integrations.web_forms.asking import OF_LEAD
from alignment.integrations.web_forms.models import FormKey, WebForm
from alignment.integrations.web_forms.setup import Wording
from alignment.lib import webhook_signatures
from alignment.lib.business_time import Hours
from alignment.ops import jobs, versions
from alignment.ops.models import Destination, Job, Transport
from alignment.people import absences, calendars, tokens
from alignment.people.accounts import password_link
from alignment.people.models import Absence, Company, Role, Side, Team, User, WorkingCalendar
from leads import feedback, lifecycle, qualifying, reasons
from leads.bulk import running
from leads.bulk.actions import ACTIONS
from leads.causes import Cause
from leads.deals import deals
from leads.decisions import Step
from leads.drafts import DealDraft, Draft
from leads.hygiene import scanning
from leads.intake import receive
from leads.merging import merging
from leads.milestones import CauseSource, Kind, Milestone, Outcome
from leads.models import (
    Account,
    BulkChange,
    DuplicatePair,
    Feedback,
    Journey,
    Lead,
    LeadTransition,
    Merge,
    Opportunity,
    Pool,
    ProfileVersion,
    Reason,
    ReasonProposal,
    RoutingVersion,
    ScoringVersion,
    Source,
    Stage,
)
from leads.models.reason_proposal import Change
from leads.profiles import matching
from leads.profiles.rules import EMPTY
from leads.routing import pools
from leads.routing.rules import check
from leads.scoring import previewing, publishing, rules
from sla import agreements, contesting, preview_jobs
from sla.models import Agreement, Clock, Dispute, PauseReason, Policy, PolicySet, SubjectKind
from sla.terms import Terms

PASSWORD = "correct horse battery"

_numbers = count(1)
# Hashing is slow on purpose: once a run is enough.
_hashed = cache(make_password)


# People -------------------------------------------------------------------------------------------------------


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


# Leads, as rows: what reading needs, whether or not the lifecycle would write it ---------------------------------


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


# Leads as people meet them: they come in and move by the product's own verbs ------------------------------------


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


# Imports: a file that came in, and what it did ---------------------------------------------------------------

CONTACTS = """Name,Email,Company,Stage,Handed over,Notes
Ana Costa,ana{n}@acme.example,Acme,MQL,2026-05-20,
Ben Okafor,ben{n}@globex.example,Globex,Won,2026-05-21,"Two lines,
one cell"
,not an address,Initech,Lost,2026-05-22,
"""
CONTACTS_MAPPING: dict[str, Any] = {
    "name": "Contacts",
    "key": {"email": "Email"},
    "fields": {"name": "Name", "company_name": "Company"},
    "attributes": ["Notes"],
    "moves": [{"to": "MQL", "at": "Handed over"}],
}


def make_import(actor: User | None = None, *, text: str = CONTACTS, mapping: dict[str, Any] | None = None) -> Import:
    """A file that was uploaded and explained, and not run."""
    actor = actor or make_user(Role.MARKETER)
    with NamedTemporaryFile(suffix=".csv") as file:
        source = Path(file.name)
        source.write_text(text.replace("{n}", str(next(_numbers))), encoding="utf-8")
        with uploads.staged(source) as (stored_as, table):
            return uploads.record(
                stored_as, table, name="contacts.csv", size=source.stat().st_size, actor=actor,
                mapping=CONTACTS_MAPPING if mapping is None else mapping,
            )  # fmt: skip


def make_run_import(actor: User | None = None, **given: Any) -> Import:
    """A file that was imported: two leads, and one row that was rejected."""
    batch = make_import(actor, **given)
    batch = imports.run(batch_id=batch.pk, actor=actor or batch.created_by)
    jobs.run(batch.job_id)
    return Import.objects.select_related("job", "created_by").get(pk=batch.pk)


# Channels -----------------------------------------------------------------------------------------------------


def make_channel(**fields: Any) -> Destination:
    """A program that hears of breaches."""
    given = {
        "transport": Transport.WEBHOOK, "name": f"Channel {next(_numbers)}", "url": "https://10.0.0.1/in",
        "occasions": ["breach"], "secret": webhook_signatures.new_secret(),
    }  # fmt: skip
    return Destination.objects.create(**given | fields)


# Routing ------------------------------------------------------------------------------------------------------


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


# Links to the wall --------------------------------------------------------------------------------------------


def make_wall_link(**fields: Any) -> tuple[WallLink, str]:
    """An open link that shows all scenes, and its token."""
    given = {"name": f"Screen {next(_numbers)}", "scenes": SceneKey.values, "query": "", "days": 30}
    return links.make(**{**given, "by": fields.get("by") or make_user(Role.REVOPS)} | fields)


# Addresses: what stands behind the URLs that name an object ----------------------------------------------------


@dataclass(frozen=True)
class Address:
    """Arguments of a URL, and the object whose owner or actor the policy asks about, if it asks."""

    kwargs: dict[str, Any] = field(default_factory=dict)
    obj: Any = None


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


def _of(make: Callable[[], Any]) -> Callable[[], Address]:
    return lambda: Address({"pk": make().pk})


def _lead(stage: str = "mql") -> Address:
    lead = make_lead(stage, owner=make_user())
    return Address({"pk": lead.pk}, lead)


def _move_of_lead() -> Address:
    lead = make_lead(owner=make_user())
    move = LeadTransition.objects.filter(lead=lead).latest("seq")
    return Address({"pk": lead.pk, "move": move.pk}, move)


def _newest_move() -> Address:
    found = _move_of_lead()
    return Address({"pk": found.kwargs["pk"]}, found.obj)


def _token() -> Address:
    token, _ = tokens.make(user=make_user(), name="Test", scopes=["read"], days=1)
    return Address({"pk": token.pk})


def _merge() -> Address:
    merger = make_user()
    survivor, loser = make_lead(left=timedelta(hours=1)), make_lead()
    cause = Cause(CauseSource.PAGE, actor_id=merger.pk)
    key = merging.merge(survivor_id=survivor.pk, loser_ids=[loser.pk], cause=cause).keys[survivor.pk]
    return Address({"pk": key}, Merge.objects.select_related("actor").get(pk=key))


def make_pair(owner: User | None = None) -> DuplicatePair:
    """Two leads that are one person by name and phone number, to be decided."""
    facts = {"name": f"Ana Souza {'abcdefghij'[next(_numbers) % 10]}", "phone": f"+49 30 1234{next(_numbers):04}"}
    first, _ = make_lead(**facts, owner=owner), make_lead(**facts, owner=owner)
    scanning.catch_up()
    return DuplicatePair.objects.get(first=first)


def _pair() -> Address:
    pair = make_pair(make_user())
    return Address({"pk": pair.pk}, Lead.objects.select_related("owner").get(pk=pair.first_id))


def _deal_of_lead(**more: Any) -> Address:
    lead = make_lead("sqo", owner=make_user())
    return Address({"pk": lead.contact_roles.get().opportunity_id} | more, lead)


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


def make_account(**fields: Any) -> Account:
    number = next(_numbers)
    given = {"name": f"Buyer {number}", "name_key": f"buyer {number}", "domain": f"account{number}.example"}
    return Account.objects.create(created_at=timezone.now(), **given | fields)


def _deal_alone(**more: Any) -> Address:
    deal = make_free_deal(owner_id=make_user().pk)
    return Address({"pk": deal.pk} | more, deal)


def _stage_key() -> Address:
    return Address({"key": "proposal"})


def _heads() -> Company:
    return Company.get()


def _two_deals() -> Address:
    deal = make_free_deal(owner_id=make_user().pk)
    return Address({"pk": deal.pk, "other": make_free_deal(account=deal.account).pk}, deal)


def _account() -> Address:
    return Address({"pk": make_account().pk})


def _import(make: Callable[[], Import]) -> Callable[[], Address]:
    def address() -> Address:
        batch = make()
        return Address({"pk": batch.pk}, batch)

    return address


def _absence() -> Address:
    absence = make_absence(make_user())
    return Address({"pk": absence.pk}, absence)


def make_job(actor: User | None = None, **fields: Any) -> Job:
    """Background work that waits for its turn."""
    given = {"kind": "count", "params": {"upto": 30}, "total": 30, "created_by": actor or make_user()}
    return Job.objects.create(**given | fields)


def _job() -> Address:
    job = make_job()
    return Address({"pk": job.pk}, job)


def make_bulk_change(actor: User | None = None) -> BulkChange:
    """Two leads that were accepted at once."""
    actor = actor or make_user(Role.REVOPS)
    leads = Lead.objects.filter(pk__in=[make_lead().pk, make_lead().pk])
    return running.start(action=ACTIONS["accept"], params={}, leads=leads, actor=actor)


def make_view(owner: User | None = None, **fields: Any) -> SavedView:
    """A view that everybody sees."""
    given = {"name": f"View {next(_numbers)}", "query": "stage=mql", "sharing": Sharing.ALL}
    return saved.save(by=owner or make_user(), **given | fields)


def make_feedback(by: User | None = None, text: str = "Wants the fee table.", **facts: Any) -> Feedback:
    """What a rep told marketing about a lead of theirs."""
    by = by or make_user()
    return feedback.give(lead_id=make_lead(**{"owner": by} | facts).pk, text=text, by=by)


def _feedback() -> Address:
    given = make_feedback()
    return Address({"pk": given.lead_id, "feedback_id": given.pk}, given)


def _view() -> Address:
    view = make_view()
    return Address({"pk": view.pk}, view)


def _bulk_change() -> Address:
    change = make_bulk_change()
    return Address({"pk": change.pk}, change)


def _promise_draft(**further: int) -> Address:
    versions.begin(PolicySet, by=None, scope="disposition")
    return Address({"kind": "disposition", **further})


def _promise_preview() -> Address:
    draft = versions.begin(PolicySet, by=None, scope="disposition")
    return Address({"pk": preview_jobs.begin(draft=draft, by=make_user(Role.REVOPS)).pk})


def _clock_of_lead() -> Address:
    clock = Clock.objects.dispositions().get(lead=make_lead(owner=make_user()))
    return Address({"pk": clock.pk}, clock.lead)


def _draft_rule() -> Address:
    pool = make_pool()
    make_routing(pool, routing_rule("Chiefs", "title", "Chief", pool=pool))
    versions.begin(RoutingVersion, by=None)
    return Address({"at": 0})


def _password_link() -> Address:
    uid, token = password_link(person=make_user()).rstrip("/").split("/")[-2:]
    return Address({"uidb64": uid, "token": token})


def make_web_form(**facts: Any) -> WebForm:
    """A form that asks for e-mail (required), name and company, with a key of its own."""
    number = next(_numbers)
    wordings = facts.pop("wordings", [Wording(1, "You may write to me about your products.")])
    by = facts.pop("by", None) or make_user(Role.MARKETER)
    source, _ = Source.objects.get_or_create(key="website", defaults={"name": "Website"})
    asked = [field.stored() for field in OF_LEAD if field.name in ("name", "email", "company_name")]
    given = {"name": f"Form {number}", "source": source, "fields": asked, "limit_per_address": 1000}
    return setup.make(facts=given | facts, wordings=wordings, by=by)


def key_of(form: WebForm) -> str:
    return FormKey.objects.get(form=form, replaced_at=None).key


def make_reason_proposal(by: User | None = None, **given: Any) -> ReasonProposal:
    """A change of the first reason for rejections, proposed by a marketer who signs for nobody."""
    first = Reason.objects.offered("reject").first()
    wanted = {"label": f"Other words {next(_numbers)}"}
    asked = {"kind": "reject", "change": Change.EDIT, "reason_id": first.pk, "wanted": wanted, "why": "Clearer."}
    return reasons.propose(**asked | given, by=by or make_user(Role.MARKETER))


def _proposal(signed: bool) -> Callable[[], Address]:
    def address() -> Address:
        proposal = make_reason_proposal(change=Change.ADD, reason_id=None)
        return Address({"pk": proposal.pk}, Company.get() if signed else proposal)

    return address


def make_dispute(lead: Lead | None = None, by: User | None = None, **given: Any) -> Dispute:
    """Marketing contests the rejection of a lead."""
    lead = lead or make_lead(owner=make_user())
    if not lead.outcome:
        reason = Reason.objects.offered("reject").first()
        lifecycle.reject(lead_ids=[lead.pk], reason_id=reason.pk, cause=Cause(CauseSource.API))
    asked = {"evidence": "They asked for an offer yesterday."}
    return contesting.contest_move(lead_id=lead.pk, by=by or make_user(Role.MARKETER), **asked | given)


def _dispute() -> Address:
    dispute = make_dispute()
    return Address({"pk": dispute.pk}, dispute)


def _quarter() -> Address:
    return Address({"quarter": "2026-10-01"})


def make_agreement_draft() -> Agreement:
    """A draft of what can be agreed on for the fourth quarter of 2026: 667 MQLs in 14 weeks."""
    values = {"deal": "12000", "won": "0.25", "opportunity": "0.5", "accepted": "0.6", "lag": "0"}
    rates = {key: {"value": value, "reason": "As last year"} for key, value in values.items()}
    body = {"target": "600000", "rates": rates, "quality": "0.75", "review_on": "2026-12-14"}
    draft = versions.begin(Agreement, by=None, scope="2026-10-01")
    return versions.change(draft, body=Terms.read(body).as_body(), by=None)


def _agreement_draft() -> Address:
    return Address({"quarter": make_agreement_draft().scope})


def _agreement() -> Address:
    version = agreements.publish(draft=make_agreement_draft(), by=None)
    return Address({"quarter": version.scope, "number": version.number}, _heads())


def _reason() -> Reason:
    return Reason.objects.offered("reject")[1]


ADDRESSES: dict[str, Callable[[], Address]] = {
    "lead": _lead,
    **{
        f"lead_{name}": _lead
        for name in (
            "edit",
            "assign",
            "touch",
            "step",
            "snooze",
            "feedback",
            "decide",
            "hand_over",
            "accept",
            "reject",
            "recycle",
            "qualify",
            "advance",
            "win",
            "lose",
            "attach",
            "requalify",
            "reopen",
        )
    },
    "lead_routing": _lead,
    **{f"setup_routing_rule{name}": _draft_rule for name in ("", "_move")},
    "setup_routing_restore": lambda: Address({"pk": make_routing(make_pool()).pk}),
    **{f"setup_pool{name}": _of(make_pool) for name in ("", "_retire")},
    "setup_person_leave": _of(make_user),
    **{f"setup_channel{name}": _of(make_channel) for name in ("", "_test", "_switch", "_secret", "_remove")},
    **{
        f"deal{name}": _deal_alone
        for name in ("", "_edit", "_win", "_lose", "_reopen", "_withdraw", "_contact", "_sourced_by")
    },
    **dict.fromkeys(("deal_contact_remove", "deal_carrier"), lambda: _deal_alone(lead=make_lead().pk)),
    "deal_distinct": _two_deals,
    **{f"setup_stage{name}": _stage_key for name in ("", "_edit", "_publish", "_discard", "_move", "_retire")},
    **{f"setup_stage_{name}": lambda: Address({"key": "mql", "number": 1}, _heads()) for name in ("sign", "restore")},
    "api_stage_versions": _stage_key,
    **{f"account{name}": _account for name in ("", "_edit", "_customer")},
    "lead_undo": _move_of_lead,
    "lead_correct": _move_of_lead,
    **{
        f"api_lead{name}": _lead
        for name in (
            "",
            "_hand_over",
            "_accept",
            "_reject",
            "_recycle",
            "_nurture",
            "_step",
            "_snooze",
            "_qualify",
            "_advance",
            "_win",
            "_lose",
            "_attach",
            "_requalify",
            "_reopen",
            "_assign",
            "_route",
            "_routing",
            "_transitions",
            "_touchpoints",
            "_score",
            "_feedback",
        )
    },
    "api_lead_undo": _newest_move,
    "api_lead_correct": _move_of_lead,
    "merge": _merge,
    "merge_undo": _merge,
    "api_lead_merge": _lead,
    "api_merge_undo": _merge,
    "api_duplicate_dismiss": _pair,
    "data_leads": lambda: Address({"finding": "no_name"}),
    "data_pairs": lambda: Address({"kind": "exact"}),
    "api_account": lambda: Address({"pk": make_lead(company_name="Buyer").account_id}),
    "api_account_customer": _account,
    **{
        f"api_opportunity{name}": _deal_of_lead
        for name in ("", "_win", "_lose", "_reopen", "_changes", "_contacts", "_sourced_by", "_duplicates")
    },
    **dict.fromkeys(
        ("api_opportunity_contact_remove", "api_opportunity_contact_carry"),
        lambda: _deal_of_lead(lead=make_lead().pk),
    ),
    "api_unknown": lambda: Address({"rest": "nothing/"}),
    "account_token_revoke": _token,
    "setup_token_revoke": _token,
    # Somebody else's leads back to one's own.
    "notification": lambda: Address({"pk": 1}),
    **{f"setup_reason{name}": _of(_reason) for name in ("", "_retire", "_move")},
    **{f"nurture_track{name}": lambda: Address({"key": "newsletter"}) for name in ("", "_edit", "_retire")},
    **{f"dispute{name}": _dispute for name in ("", "_answer", "_decide")},
    "lead_dispute": _lead,
    "deal_dispute": _deal_alone,
    "api_dispute_answer": _dispute,
    "api_dispute_decide": _dispute,
    "setup_reason_sign": _proposal(signed=True),
    "setup_reason_decline": _proposal(signed=True),
    "setup_reason_withdraw": _proposal(signed=False),
    "setup_profiles_restore": _of(make_profiles),
    "target_add": lambda: Address({"pk": make_lead(company_name="Buyer").account_id}),
    "target_remove": lambda: Address({"pk": make_lead(company_name="Buyer").account_id}),
    "setup_scoring_version": _of(make_scoring_version),
    "setup_scoring_restore": _of(make_scoring_version),
    "setup_scoring_end_pilot": _of(make_scoring_pilot),
    "setup_scoring_preview": _of(make_scoring_preview),
    "setup_person": _of(make_user),
    "setup_person_active": _of(make_user),
    "setup_person_password": _of(make_user),
    "setup_person_link": _of(make_user),
    "setup_team": _of(make_team),
    **{f"setup_calendar{name}": _of(make_calendar) for name in ("", "_date", "_retire")},
    "setup_calendar_date_remove": lambda: Address({"pk": make_calendar().pk, "date": 1}),
    "absence_cancel": _absence,
    "setup_team_retire": _of(make_team),
    **dict.fromkeys(("job", "job_stop", "job_resume", "api_job"), _job),
    **dict.fromkeys(("view_edit", "view_replace", "view_delete"), _view),
    "lead_feedback_edit": _feedback,
    "view_begin": lambda: Address({"pk": make_view().pk}),
    "bulk_change": _bulk_change,
    "bulk_undo": _bulk_change,
    **dict.fromkeys(("api_bulk_change", "api_bulk_change_leads", "api_bulk_change_undo"), _bulk_change),
    **dict.fromkeys(("api_view", "api_view_delete"), _view),
    "set_password": _password_link,
    **{f"import_{name}": _import(make_import) for name in ("columns", "preview", "run", "discard")},
    "import": _import(make_run_import),
    **{f"import_{name}": _import(make_run_import) for name in ("cancel", "resume", "undo", "rows", "leads", "mapping")},
    **{f"setup_sla_{name}": _promise_draft for name in ("draft", "preview", "publish", "discard", "rule_new")},
    **{f"setup_sla_{name}": lambda: _promise_draft(at=0) for name in ("rule", "rule_move")},
    "setup_sla_begin": lambda: Address({"kind": "worked"}),
    "setup_sla_preview_all": _promise_draft,
    "setup_sla_preview_job": _promise_preview,
    "setup_sla_sign": lambda: Address({"pk": PolicySet.published("disposition").pk}, _heads()),
    "setup_sla_restore": lambda: Address({"pk": PolicySet.objects.first().pk}),
    **{f"setup_pause{name}": lambda: Address({"pk": PauseReason.objects.first().pk}) for name in ("", "_retire")},
    "api_promise": _clock_of_lead,
    **{f"clock{name}": _clock_of_lead for name in ("", "_pause", "_resume", "_contest", "_hand_over")},
    "web_form": lambda: Address({"key": key_of(make_web_form())}),
    **{f"setup_form{name}": _of(make_web_form) for name in ("", "_edit", "_retire", "_key", "_test")},
    **{f"agreement_{name}": _quarter for name in ("of_quarter", "begin")},
    **{f"agreement_{name}": _agreement_draft for name in ("draft", "rates", "publish", "discard")},
    **{f"agreement_{name}": _agreement for name in ("version", "restore", "sign")},
    "wall": lambda: Address({"token": make_wall_link()[1], "scene": "funnel"}),
    "wall_revoke": lambda: Address({"pk": make_wall_link()[0].pk}),
}
