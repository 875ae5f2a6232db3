"""The set-up of promises: the rules of each kind in versions, their preview, and what pauses a clock."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from alignment.lib.form_pages import form_view
from alignment.ops.draft_pages import DraftPages, at_place, moved, out_or_saved, placed
from alignment.people.permissions import can, policy
from alignment.people.requests import SignedInRequest
from leads.conditions import ABOUT_PROMISED_LEAD, Names
from leads.conditions.editor import Editor
from leads.lifecycle import database_now
from sla import policies, recalculating
from sla.forms import RuleForm, shown
from sla.models import PauseReason, PolicySet, SubjectKind
from sla.preview import DAYS, preview
from sla.rules import MOST_RULES, Rule, as_body, read
from sla.rules_in_words import told

VERSIONS_SHOWN = 20


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


# The draft ------------------------------------------------------------------------------------------------------

pages = DraftPages(PolicySet, "Promises", home="setup_slas", prefix="setup_sla", kinds=SubjectKind.values)
setup_sla_begin = policy("promise.manage")(require_POST(pages.begin))
setup_sla_discard = policy("promise.manage")(require_POST(pages.discard))
setup_sla_restore = policy("promise.manage")(require_POST(pages.restore))


@policy("promise.manage")
@require_GET
@pages.with_draft
def setup_sla_draft(request: SignedInRequest, draft: PolicySet) -> HttpResponse:
    """The draft: its rules in order, and its publication."""
    return _page(request, draft, "sla/draft.html", rules=told(read(draft.body), Names()))


def _page(request: SignedInRequest, draft: PolicySet, template: str, **context: Any) -> HttpResponse:
    form = context.get("form")
    context["kind"] = SubjectKind(draft.scope)
    return pages.page(request, draft, template, context, is_refused=bool(form and form.is_bound))


@policy("promise.manage")
@form_view
@pages.with_draft
def setup_sla_rule_new(request: SignedInRequest, draft: PolicySet) -> HttpResponse:
    return _rule(request, draft, None)


@policy("promise.manage")
@form_view
@pages.with_draft
def setup_sla_rule(request: SignedInRequest, draft: PolicySet, at: int) -> HttpResponse:
    return _rule(request, draft, at)


def _rule(request: SignedInRequest, draft: PolicySet, at: int | None) -> HttpResponse:
    rules = read(draft.body)
    stored = at_place(rules, at, Rule(""))
    editor = Editor(
        ABOUT_PROMISED_LEAD, prefix="when", data=request.POST or None, stored=stored.when, names=Names(),
        may_be_empty=True,
    )  # fmt: skip
    form = RuleForm(request.POST or None, rule=stored)
    if request.POST and not editor.is_being_edited and form.is_valid() and editor.value is not None:
        changed = placed(rules, at, form.as_rule(editor.value.as_json()))
        if len(changed) > MOST_RULES:
            form.add_error(None, f"There can be {MOST_RULES} rules at most.")
        elif pages.saved(request, draft, as_body(changed)):
            return pages.to_draft(draft)
    if editor.is_being_edited:
        asked = {name: request.POST.get(name) for name in shown(stored)}
        form = RuleForm(initial=asked | {"pauses": request.POST.getlist("pauses")})
    return _page(request, draft, "sla/rule.html", form=form, editor=editor, name=stored.name)


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
    return _page(request, draft, "sla/preview.html", days=DAYS, preview=found)


@policy("promise.manage")
@require_POST
@pages.with_draft
def setup_sla_publish(request: SignedInRequest, draft: PolicySet) -> HttpResponse:
    def publish(seen: PolicySet, note: str) -> None:
        policies.publish(draft=seen, by=request.user, note=note, apply_to_running=bool(request.POST.get("apply")))

    return pages.published(request, draft, publish)


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
