"""The set-up of promises: the rules of each kind in versions, their preview, and what pauses a clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from alignment.lib.form_pages import form_view
from alignment.ops.draft_pages import DraftPages, at_place, moved, out_or_saved, placed
from alignment.ops.job_kinds import about
from alignment.ops.models import Job
from alignment.people.models import Company, Side, User
from alignment.people.permissions import can, policy, require
from alignment.people.requests import SignedInRequest
from leads.conditions import ABOUT_PROMISED_LEAD, Names
from leads.conditions.editor import Editor
from leads.lifecycle import database_now
from leads.models import Stage
from sla import policies, preview_jobs, recalculating, signing
from sla.applying import Applied
from sla.forms import RuleForm, shown
from sla.models import LadderSignature, PauseReason, PolicySet
from sla.preview import DAYS, Preview, preview
from sla.recalculating import Move
from sla.rules import MOST_RULES, Rule, as_body, read
from sla.rules_in_words import told
from sla.standings import Standings
from sla.subjects import Standing, subject, subjects

VERSIONS_SHOWN = 20


@policy("promise.view")
@require_GET
def setup_slas(request: SignedInRequest) -> HttpResponse:
    """What counts for each kind of promise, the versions, and the reasons for a pause."""
    names = Names()
    sets = list(PolicySet.objects.select_related("published_by", "author").order_by("-number"))
    kinds = []
    for subject_ in subjects():
        own = [each for each in sets if each.scope == subject_.kind]
        published = next((each for each in own if each.state == "published"), None)
        draft = next((each for each in own if each.is_draft), None)
        rules = told(read(published.body), names, subject_.noun) if published else []
        shown_versions = own[:VERSIONS_SHOWN]
        signatures = Signatures.of(published, request.user) if published and signing.hands_over(published) else None
        kinds.append(
            {
                "signatures": signatures,
                "subject": subject_,
                "published": published,
                "draft": draft,
                "rules": rules,
                "versions": shown_versions,
            }
        )
    may_manage = can(request.user, "promise.manage")
    held = len(recalculating.by_calendar(None, database_now())) if may_manage else 0
    context = {"kinds": kinds, "reasons": PauseReason.objects.all(), "held": held, "may_manage": may_manage}
    return render(request, "sla/setup.html", context)


@dataclass(frozen=True, slots=True)
class Signatures:
    """Who stands behind handing over by itself, by side, and what the visitor can do about it."""

    signed: Sequence[tuple[Side, LadderSignature | None]]
    may_sign: bool
    may_revoke: bool

    @classmethod
    def of(cls, version: PolicySet, user: User) -> "Signatures":
        """Two queries."""
        standing = {each.side: each for each in LadderSignature.objects.filter(version=version, revoked_at=None)}
        mine = Company.get().sides_headed_by(user)
        return cls(
            signed=[(side, standing.get(side)) for side in Side],
            may_sign=any(side not in standing for side in mine),
            may_revoke=any(side in standing for side in mine),
        )

    @property
    def is_whole(self) -> bool:
        """Whether both heads have signed."""
        return all(signature for _, signature in self.signed)


@policy("promise.sign")
@require_POST
def setup_sla_sign(request: SignedInRequest, pk: int) -> HttpResponse:
    """`revoke` takes the signature back."""
    require(request.user, "promise.sign", Company.get())
    get_object_or_404(PolicySet, pk=pk)
    verb, done = (signing.revoke, "Taken back.") if "revoke" in request.POST else (signing.sign, "Signed.")
    try:
        verb(version_id=pk, by=request.user)
    except ValidationError as refusal:
        messages.error(request, refusal.messages[0])
    else:
        messages.success(request, done)
    return redirect("setup_slas")


# The draft ------------------------------------------------------------------------------------------------------

pages = DraftPages(
    PolicySet, "Rules for promises", home="setup_slas", prefix="setup_sla", kinds=[each.kind for each in subjects()]
)
setup_sla_discard = policy("promise.manage")(require_POST(pages.discard))
setup_sla_restore = policy("promise.manage")(require_POST(pages.restore))


@policy("promise.manage")
@require_POST
def setup_sla_begin(request: SignedInRequest, kind: str) -> HttpResponse:
    """With a `stage` (its key) the draft goes on with a rule about the leads of that stage."""
    begun = pages.begin(request, kind)
    if stage := Stage.objects.in_use().filter(key=request.POST.get("stage", "")).first():
        query = urlencode({"stage": stage.key})
        return redirect(f"{reverse('setup_sla_rule_new', args=[kind])}?{query}")
    return begun


@policy("promise.manage")
@require_GET
@pages.with_draft
def setup_sla_draft(request: SignedInRequest, draft: PolicySet) -> HttpResponse:
    """The draft: its rules in order, and its publication."""
    return _page(request, draft, "sla/draft.html", rules=told(read(draft.body), Names(), subject(draft.scope).noun))


def _page(request: SignedInRequest, draft: PolicySet, template: str, **context: Any) -> HttpResponse:
    form = context.get("form")
    context["subject"] = subject(draft.scope)
    return pages.page(request, draft, template, context, is_refused=bool(form and form.is_bound))


@policy("promise.manage")
@form_view
@pages.with_draft
def setup_sla_rule_new(request: SignedInRequest, draft: PolicySet) -> HttpResponse:
    """`stage` begins it with the leads of that stage; such a rule comes first, before those for all leads."""
    stage = Stage.objects.in_use().filter(key=request.GET.get("stage", "")).first()
    return _rule(request, draft, None, stage)


@policy("promise.manage")
@form_view
@pages.with_draft
def setup_sla_rule(request: SignedInRequest, draft: PolicySet, at: int) -> HttpResponse:
    return _rule(request, draft, at)


def _rule(request: SignedInRequest, draft: PolicySet, at: int | None, stage: Stage | None = None) -> HttpResponse:
    rules = read(draft.body)
    stored = at_place(rules, at, Rule("", when=_in(stage)) if stage else Rule(""))
    editor = Editor(
        ABOUT_PROMISED_LEAD, prefix="when", data=request.POST or None, stored=stored.when, names=Names(),
        may_be_empty=True,
    )  # fmt: skip
    form = RuleForm(request.POST or None, rule=stored)
    if request.POST and not editor.is_being_edited and form.is_valid() and editor.value is not None:
        rule = form.as_rule(editor.value.as_json())
        changed = [rule, *rules] if stage else placed(rules, at, rule)
        if len(changed) > MOST_RULES:
            form.add_error(None, f"There can be {MOST_RULES} rules at most.")
        elif pages.saved(request, draft, as_body(changed)):
            return pages.to_draft(draft)
    if editor.is_being_edited:
        asked = {name: request.POST.get(name) for name in shown(stored)}
        form = RuleForm(initial=asked | {"pauses": request.POST.getlist("pauses")})
    return _page(request, draft, "sla/rule.html", form=form, editor=editor, name=stored.name, stage=stage)


def _in(stage: Stage) -> dict[str, Any]:
    return {"match": "all", "of": [{"field": "stage", "operator": "is", "values": [stage.key]}]}


@policy("promise.manage")
@require_POST
@pages.with_draft
def setup_sla_rule_move(request: SignedInRequest, draft: PolicySet, at: int) -> HttpResponse:
    """`to` is up, down or out."""
    rules, to = read(draft.body), request.POST.get("to")
    changed = moved(rules, at, to)
    pages.saved(request, draft, as_body(changed), out_or_saved(rules[at].name, to))
    return pages.to_draft(draft)


@policy("promise.manage")
@require_GET
@pages.with_draft
def setup_sla_preview(request: SignedInRequest, draft: PolicySet) -> HttpResponse:
    """The last 90 days by the draft, and what it would do to clocks that run."""
    found = preview(draft, at=now(), zone=request.user.zone)
    return _page(request, draft, "sla/preview.html", days=DAYS, preview=found, **_shown(found))


def _shown(found: Preview) -> dict[str, Any]:
    return {"moves": _told_of(found.moves), "held": _told_of(found.held)}


def _told_of(moves: Sequence[Move]) -> list[tuple[Move, Standing]]:
    """Moves with what they are about; one query for each kind that is no pass."""
    moves = [each for each in moves if not each.clock.lead or not each.clock.lead.withdrawn_at]
    standings = Standings(each.clock for each in moves)
    return [(each, standings.of(each.clock)) for each in moves]


@policy("promise.manage")
@require_POST
@pages.with_draft
def setup_sla_preview_all(request: SignedInRequest, draft: PolicySet) -> HttpResponse:
    """Begin the preview of all that was owed, where it is more than a page looks at by itself."""
    return redirect("setup_sla_preview_job", preview_jobs.begin(draft=draft, by=request.user).pk)


@policy("promise.manage")
@require_GET
def setup_sla_preview_job(request: SignedInRequest, pk: int) -> HttpResponse:
    """How that preview goes on, then what it found."""
    job = get_object_or_404(Job.objects.select_related("created_by"), pk=pk, kind=preview_jobs.KIND)
    found = preview_jobs.read(job) if job.state == "done" else None
    draft = PolicySet.draft(job.params["scope"])
    context = {
        "job": job, "preview": found, "subject": subject(job.params["scope"]), "days": DAYS,
        "is_current": bool(draft and (draft.pk, draft.revision) == (job.params["version"], job.params["revision"])),
        **(_shown(found) if found else {}),
    }  # fmt: skip
    target = "sla/_preview_job.html" if request.htmx.target == "preview-state" else "sla/preview_job.html"
    return render(request, target, context)


@policy("promise.manage")
@require_POST
@pages.with_draft
def setup_sla_publish(request: SignedInRequest, draft: PolicySet) -> HttpResponse:
    def publish(seen: PolicySet, note: str) -> None:
        published = policies.publish(
            draft=seen, by=request.user, note=note, apply_to_running=bool(request.POST.get("apply"))
        )
        if published.applied:
            messages.info(request, _applied(published.applied))

    return pages.published(request, draft, publish)


def _applied(applied: Applied) -> str:
    if applied.job:
        return f"{about(applied.job).title(applied.job)}: you are told when it is done."
    moved = f"{applied.moved} due time{pluralize(applied.moved)} moved."
    stays = pluralize(applied.left, "stays as it is,stay as they are")
    left = f"{applied.left} clock{pluralize(applied.left)} would turn overdue by it and {stays}."
    return f"{moved} {left}" if applied.left else moved


@policy("promise.manage")
@form_view
def setup_sla_held(request: SignedInRequest) -> HttpResponse:
    """Running clocks whose calendars were edited and whose due time has not followed: it would make them overdue."""
    at = database_now()
    moves = recalculating.by_calendar(None, at)
    if request.method == "POST":
        wanted = {int(pk) for pk in request.POST.getlist("clock") if pk.isdecimal() and len(pk) < 19}
        confirmed = [each for each in moves if each.clock.pk in wanted]
        n = recalculating.apply(moves=confirmed, by=request.user, why="Confirmed after a calendar was edited")
        messages.success(request, f"{n} due time{'' if n == 1 else 's'} moved.")
        return redirect("setup_sla_held")
    return render(request, "sla/held.html", {"moves": _told_of(moves), "at": at})
