"""What stands behind the URLs that name an object: one entry a URL."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from alignment.integrations.models import Import
from alignment.ops import versions
from alignment.people import tokens
from alignment.people.accounts import password_link
from alignment.people.models import Company, Role
from leads.causes import Cause
from leads.merging import merging
from leads.milestones import CauseSource
from leads.models import Lead, LeadTransition, Merge, Reason, RoutingVersion
from leads.models.reason_proposal import Change
from sla import agreements, preview_jobs
from sla.models import Clock, PauseReason, PolicySet
from tests.factories import (
    make_absence,
    make_account,
    make_agreement_draft,
    make_bulk_change,
    make_calendar,
    make_channel,
    make_dispute,
    make_feedback,
    make_free_deal,
    make_job,
    make_lead,
    make_pair,
    make_pool,
    make_profiles,
    make_reason_proposal,
    make_routing,
    make_scoring_pilot,
    make_scoring_preview,
    make_scoring_version,
    make_team,
    make_user,
    make_view,
    make_wall_link,
    routing_rule,
)
from tests.incoming import key_of, make_import, make_run_import, make_web_form


@dataclass(frozen=True)
class Address:
    """Arguments of a URL, and the object whose owner or actor the policy asks about, if it asks."""

    kwargs: dict[str, Any] = field(default_factory=dict)
    obj: Any = None


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


def _pair() -> Address:
    pair = make_pair(make_user())
    return Address({"pk": pair.pk}, Lead.objects.select_related("owner").get(pk=pair.first_id))


def _deal_of_lead(**more: Any) -> Address:
    lead = make_lead("sqo", owner=make_user())
    return Address({"pk": lead.contact_roles.get().opportunity_id} | more, lead)


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


def _job() -> Address:
    job = make_job()
    return Address({"pk": job.pk}, job)


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


def _proposal(signed: bool) -> Callable[[], Address]:
    def address() -> Address:
        proposal = make_reason_proposal(change=Change.ADD, reason_id=None)
        return Address({"pk": proposal.pk}, Company.get() if signed else proposal)

    return address


def _dispute() -> Address:
    dispute = make_dispute()
    return Address({"pk": dispute.pk}, dispute)


def _quarter() -> Address:
    return Address({"quarter": "2026-10-01"})


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
