"""The set-up of promises: the rules of each kind in versions, their preview, and what pauses a clock."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from alignment.ops import versions
from alignment.ops.versions import StaleDraftError
from alignment.people.permissions import can, policy
from alignment.people.requests import SignedInRequest
from leads.conditions import ABOUT_PROMISED_LEAD, ConditionError, Names, sentence
from leads.conditions.editor import Editor
from leads.lifecycle import database_now
from sla import policies, recalculating
from sla.forms import RuleForm, shown
from sla.models import PauseReason, PolicySet, SubjectKind
from sla.models.policy import span
from sla.preview import DAYS, preview
from sla.rules import MOST_RULES, Rule, as_body, read

form_view = require_http_methods(["GET", "HEAD", "POST"])
VERSIONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Told:
    """A rule in words: its place, whom it is about, and what it promises (blank: nothing)."""

    at: int
    name: str
    asks: str
    promised: str
    further: str
    is_wrong: bool = False


def told(rules: Iterable[Rule], names: Names) -> list[Told]:
    """Rules in words; one query for each kind of choice that they name."""
    return [_told(at, rule, names) for at, rule in enumerate(rules)]


def _told(at: int, rule: Rule, names: Names) -> Told:
    try:
        condition, is_wrong = rule.condition, False
        asks = f"If {sentence(condition, names)}" if condition.of else "For every lead"
    except ConditionError as mistake:
        asks, is_wrong = str(mistake.message), True
    promised = span(rule.target, rule.unit) if rule.is_promised else ""
    return Told(at, rule.name, asks, promised, _further(rule), is_wrong)


def _further(rule: Rule) -> str:
    parts = []
    if rule.floor_hours:
        parts.append(f"after {rule.floor_hours} working hours at the earliest")
    if rule.reminders:
        parts.append(f"reminders at {', '.join(f'{each}%' for each in rule.reminders)}")
    if rule.propose_after:
        parts.append(f"a proposal to hand over {rule.propose_after} working hours after a breach")
    if rule.heads_after:
        days = span(rule.heads_after, "business_days")
        parts.append(f"both heads {days} after it")
    return "; ".join(parts) if rule.is_promised else ""


@policy("promise.view")
@require_GET
def setup_slas(request: SignedInRequest) -> HttpResponse:
    """What counts for each kind of promise, the versions, and the reasons for a pause."""
    names = Names()
    sets = list(PolicySet.objects.select_related("published_by", "author").order_by("-number"))
    kinds = []
    for kind in SubjectKind:
        own = [each for each in sets if each.scope == kind]
        published = next((each for each in own if each.state == "published"), None)
        draft = next((each for each in own if each.is_draft), None)
        rules = told(read(published.body), names) if published else []
        kinds.append(
            {"kind": kind, "published": published, "draft": draft, "rules": rules, "versions": own[:VERSIONS_SHOWN]}
        )
    may_manage = can(request.user, "promise.manage")
    held = len(recalculating.by_calendar(None, database_now())) if may_manage else 0
    context = {"kinds": kinds, "reasons": PauseReason.objects.all(), "held": held, "may_manage": may_manage}
    return render(request, "sla/setup.html", context)


def with_draft(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Hands the draft of the kind to the view; where it is gone, the page of the rules says so."""

    @wraps(view)
    def found(request: SignedInRequest, kind: str, **kwargs: Any) -> HttpResponse:
        draft = PolicySet.draft(_known(kind))
        if draft is None:
            messages.error(request, "There is no draft any more.")
            return redirect("setup_slas")
        return view(request, draft=draft, **kwargs)

    return found


def _known(kind: str) -> str:
    if kind not in SubjectKind.values:
        raise Http404("There is no such promise.")
    return kind


@policy("promise.manage")
@require_POST
def setup_sla_begin(request: SignedInRequest, kind: str) -> HttpResponse:
    versions.begin(PolicySet, by=request.user, scope=_known(kind))
    return redirect("setup_sla_draft", kind)


@policy("promise.manage")
@require_GET
@with_draft
def setup_sla_draft(request: SignedInRequest, draft: PolicySet) -> HttpResponse:
    """The draft: its rules in order, and its publication."""
    context = {
        "draft": draft,
        "kind": SubjectKind(draft.scope),
        "rules": told(read(draft.body), Names()),
        "published": PolicySet.published(draft.scope),
    }
    return render(request, "sla/draft.html", context)


@policy("promise.manage")
@form_view
@with_draft
def setup_sla_rule_new(request: SignedInRequest, draft: PolicySet) -> HttpResponse:
    return _rule(request, draft, None)


@policy("promise.manage")
@form_view
@with_draft
def setup_sla_rule(request: SignedInRequest, draft: PolicySet, at: int) -> HttpResponse:
    return _rule(request, draft, at)


def _rule(request: SignedInRequest, draft: PolicySet, at: int | None) -> HttpResponse:
    rules = read(draft.body)
    if at is not None and at >= len(rules):
        raise Http404("There is no such rule.")
    stored = rules[at] if at is not None else Rule("")
    editor = Editor(
        ABOUT_PROMISED_LEAD, prefix="when", data=request.POST or None, stored=stored.when, names=Names(),
        may_be_empty=True,
    )  # fmt: skip
    form = RuleForm(request.POST or None, rule=stored)
    if request.POST and not editor.is_being_edited and form.is_valid() and editor.value is not None:
        rule = form.as_rule(editor.value.as_json())
        placed = [*rules, rule] if at is None else [*rules[:at], rule, *rules[at + 1 :]]
        return _changed(request, draft, placed[:MOST_RULES], "Saved.")
    if editor.is_being_edited:
        asked = {name: request.POST.get(name) for name in shown(stored)}
        form = RuleForm(initial=asked | {"pauses": request.POST.getlist("pauses")})
    context = {
        "draft": draft, "kind": SubjectKind(draft.scope), "form": form, "editor": editor, "name": stored.name,
    }  # fmt: skip
    return render(request, "sla/rule.html", context, status=422 if form.is_bound else 200)


@policy("promise.manage")
@require_POST
@with_draft
def setup_sla_rule_move(request: SignedInRequest, draft: PolicySet, at: int) -> HttpResponse:
    """`to` is up, down or out."""
    rules = read(draft.body)
    if at >= len(rules):
        raise Http404("There is no such rule.")
    rule, to = rules.pop(at), request.POST.get("to")
    if to != "out":
        rules.insert(max(0, at - 1) if to == "up" else at + 1, rule)
    return _changed(request, draft, rules, f"“{rule.name}” is out." if to == "out" else "Saved.")


def _changed(request: SignedInRequest, draft: PolicySet, rules: list[Rule], done: str) -> HttpResponse:
    """Store these rules under the draft as the page showed it; where it moved on, that is told."""
    try:
        versions.change(_seen(request, draft), body=as_body(rules), by=request.user)
    except StaleDraftError as stale:
        messages.error(request, str(stale))
    else:
        messages.success(request, done)
    return redirect("setup_sla_draft", draft.scope)


def _seen(request: SignedInRequest, draft: PolicySet) -> PolicySet:
    """The draft at the revision that the form was made from."""
    revision = request.POST.get("revision", "")
    draft.revision = int(revision) if revision.isdecimal() and len(revision) < 9 else draft.revision
    return draft


@policy("promise.manage")
@require_GET
@with_draft
def setup_sla_preview(request: SignedInRequest, draft: PolicySet) -> HttpResponse:
    """The last 90 days by the draft, and what it would do to clocks that run."""
    found = preview(draft, at=now(), zone=request.user.zone)
    context = {"draft": draft, "kind": SubjectKind(draft.scope), "days": DAYS, "preview": found}
    return render(request, "sla/preview.html", context)


@policy("promise.manage")
@require_POST
@with_draft
def setup_sla_publish(request: SignedInRequest, draft: PolicySet) -> HttpResponse:
    note = request.POST.get("note", "").strip()[:500]
    applies = bool(request.POST.get("apply"))
    try:
        policies.publish(draft=_seen(request, draft), by=request.user, note=note, apply_to_running=applies)
    except (StaleDraftError, ValidationError) as refusal:
        for sentence_ in refusal.messages if isinstance(refusal, ValidationError) else [str(refusal)]:
            messages.error(request, sentence_)
        return redirect("setup_sla_draft", draft.scope)
    messages.success(request, f"Version {draft.number} counts from now on.")
    return redirect("setup_slas")


@policy("promise.manage")
@require_POST
@with_draft
def setup_sla_discard(request: SignedInRequest, draft: PolicySet) -> HttpResponse:
    if versions.discard(_seen(request, draft)):
        messages.success(request, "The draft is gone; what was published stands.")
    else:
        messages.error(request, "Meanwhile the draft was changed. Look at it again.")
    return redirect("setup_slas")


@policy("promise.manage")
@require_POST
def setup_sla_restore(request: SignedInRequest, pk: int) -> HttpResponse:
    version = get_object_or_404(PolicySet, pk=pk)
    versions.restore(version, by=request.user)
    messages.success(request, f"The draft has the rules of version {version.number}.")
    return redirect("setup_sla_draft", version.scope)


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
    return render(request, "sla/held.html", {"moves": moves, "at": at})
