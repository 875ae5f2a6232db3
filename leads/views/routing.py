"""The set-up pages of routing: the rules in versions, their dry run, and the pools."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from alignment.lib.form_pages import form_page, form_view
from alignment.lib.languages import language_list
from alignment.ops import versions
from alignment.ops.draft_pages import DraftPages, at_place, moved, out_or_saved, placed
from alignment.ops.exports import exported, wants_file
from alignment.people.absences import presences
from alignment.people.models import User
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest
from leads.conditions import Names, parse, sentence
from leads.conditions.editor import Editor
from leads.models.route import Pool, PoolMember, RoutingVersion
from leads.routing import pools as pool_verbs
from leads.routing.dry_run import DAYS, HEADER, dry_run
from leads.routing.forms import BeforeRulesForm, PoolForm, RuleForm
from leads.routing.rules import ABOUT, MOST_RULES, check

VERSIONS_SHOWN = 10
EMPTY: dict[str, Any] = {"attach": True, "account_owner": True, "rules": [], "otherwise": None}


@dataclass(frozen=True, slots=True)
class Told:
    """A rule as a page shows it: its place, what it asks as a clause, and where it sends leads."""

    at: int
    name: str
    asks: str
    to: str
    language: str
    is_wrong: bool = False


# Reading --------------------------------------------------------------------------------------------------------


@policy("routing.view")
@require_GET
def setup_routing(request: SignedInRequest) -> HttpResponse:
    """The rules that count, the pools, and the versions."""
    published = RoutingVersion.published()
    known = {pool.pk: pool for pool in Pool.objects.select_related("fallback").order_by("retired_at", "name")}
    members: dict[int, list[PoolMember]] = {pk: [] for pk in known}
    for member in PoolMember.objects.filter(left_at=None).select_related("user__team").order_by("user__name"):
        members[member.pool_id].append(member)
    context = {
        "published": published,
        "rules": _told(published.body, known) if published else [],
        "otherwise": known.get(published.body.get("otherwise")) if published else None,
        "draft": RoutingVersion.draft(),
        "pools": [(pool, members[pool.pk]) for pool in known.values()],
        "versions": RoutingVersion.objects.select_related("published_by", "author")[:VERSIONS_SHOWN],
    }
    return render(request, "routing/routing.html", context)


def _told(body: Mapping[str, Any], known: Mapping[int, Pool]) -> list[Told]:
    """The rules of a body in words; two queries and one for each kind of choice that they name."""
    names = Names()
    rules: Sequence[Mapping[str, Any]] = body.get("rules", [])
    people = User.objects.in_bulk([rule["person"] for rule in rules if rule.get("person")])
    return [_told_rule(at, rule, names, known, people) for at, rule in enumerate(rules)]


def _told_rule(
    at: int, rule: Mapping[str, Any], names: Names, known: Mapping[int, Pool], people: Mapping[int, User]
) -> Told:
    try:
        asks, is_wrong = sentence(parse(rule.get("when"), ABOUT, may_be_empty=True), names), False
    except ValidationError as mistake:
        asks, is_wrong = mistake.messages[0], True
    to = known.get(rule.get("pool") or 0) or people.get(rule.get("person") or 0)
    return Told(
        at, rule["name"], asks, str(to or "nobody"), language_list(filter(None, [rule.get("language")])), is_wrong
    )


# The draft ------------------------------------------------------------------------------------------------------

pages = DraftPages(RoutingVersion, "Routing", home="setup_routing", prefix="setup_routing", empty=EMPTY)
setup_routing_begin = policy("routing.manage")(require_POST(pages.begin))
setup_routing_discard = policy("routing.manage")(require_POST(pages.discard))
setup_routing_restore = policy("routing.manage")(require_POST(pages.restore))


@policy("routing.manage")
@form_view
@pages.with_draft
def setup_routing_draft(request: SignedInRequest, draft: RoutingVersion) -> HttpResponse:
    """The draft: what comes before the rules, the rules in order, and its publication."""
    form = BeforeRulesForm(request.POST or None, initial=draft.body)
    if form.is_valid():
        data = form.cleaned_data
        body = draft.body | {
            "attach": data["attach"], "account_owner": data["account_owner"], "otherwise": data["otherwise"].pk,
        }  # fmt: skip
        pages.saved(request, draft, body)
        return pages.to_draft(draft)
    context = {
        "form": form,
        "rules": _told(draft.body, Pool.objects.in_bulk()),
        "has_pools": Pool.objects.filter(retired_at=None).exists(),
    }
    return pages.page(request, draft, "routing/draft.html", context, is_refused=form.is_bound)


@policy("routing.manage")
@form_view
@pages.with_draft
def setup_routing_rule_new(request: SignedInRequest, draft: RoutingVersion) -> HttpResponse:
    return _rule(request, draft, None)


@policy("routing.manage")
@form_view
@pages.with_draft
def setup_routing_rule(request: SignedInRequest, draft: RoutingVersion, at: int) -> HttpResponse:
    return _rule(request, draft, at)


def _rule(request: SignedInRequest, draft: RoutingVersion, at: int | None) -> HttpResponse:
    rules = draft.body.get("rules", [])
    stored = at_place(rules, at, {})
    to = f"pool:{stored['pool']}" if stored.get("pool") else f"person:{stored.get('person')}"
    editor = Editor(
        ABOUT, prefix="when", data=request.POST or None, stored=stored.get("when"), names=Names(),
        may_be_empty=True,
    )  # fmt: skip
    initial = {"name": stored.get("name"), "to": to, "language": stored.get("language")}
    form = RuleForm(request.POST or None, initial=initial)
    if request.POST and not editor.is_being_edited and form.is_valid() and editor.value is not None:
        changed = placed(rules, at, form.as_json() | {"when": editor.value.as_json()})
        if len(changed) > MOST_RULES:
            form.add_error(None, f"There can be {MOST_RULES} rules at most.")
        elif pages.saved(request, draft, draft.body | {"rules": changed}):
            return pages.to_draft(draft)
    if editor.is_being_edited:
        form = RuleForm(initial={name: request.POST.get(name) for name in ("name", "to", "language")})
    context = {"form": form, "editor": editor, "at": at, "name": stored.get("name", "")}
    return pages.page(request, draft, "routing/rule.html", context, is_refused=form.is_bound)


@policy("routing.manage")
@require_POST
@pages.with_draft
def setup_routing_rule_move(request: SignedInRequest, draft: RoutingVersion, at: int) -> HttpResponse:
    """`to` is up, down or out."""
    rules, to = draft.body.get("rules", []), request.POST.get("to")
    changed = moved(rules, at, to)
    pages.saved(request, draft, draft.body | {"rules": changed}, out_or_saved(rules[at]["name"], to))
    return pages.to_draft(draft)


@policy("routing.manage")
@require_GET
@pages.with_draft
def setup_routing_dry_run(request: SignedInRequest, draft: RoutingVersion) -> HttpResponseBase:
    """Last month's leads by the draft's rules, beside who really got them; with `format=csv` the loads as a file."""
    try:
        check(draft.body)
    except ValidationError as mistake:
        messages.error(request, mistake.messages[0])
        return pages.to_draft(draft)
    run = dry_run(draft.body, at=now())
    if wants_file(request):
        return exported(request, "routing-dry-run", HEADER, run.lines(), of="routing_version", pk=draft.pk)
    context = {"days": DAYS, "run": run}
    return pages.page(request, draft, "routing/dry_run.html", context)


@policy("routing.manage")
@require_POST
@pages.with_draft
def setup_routing_publish(request: SignedInRequest, draft: RoutingVersion) -> HttpResponse:
    def publish(seen: RoutingVersion, note: str) -> None:
        versions.publish(seen, by=request.user, check=check, note=note)

    return pages.published(request, draft, publish)


# Pools ----------------------------------------------------------------------------------------------------------


@policy("routing.manage")
@form_view
def setup_pool_new(request: SignedInRequest) -> HttpResponse:
    form = PoolForm(request.POST or None)
    if form.is_valid():
        pool = pool_verbs.add(**form.facts, by=request.user)
        messages.success(request, f"{pool} is there.")
        return redirect("setup_routing")
    return form_page(request, "routing/pool.html", {"form": form})


@policy("routing.manage")
@form_view
def setup_pool(request: SignedInRequest, pk: int) -> HttpResponse:
    pool = get_object_or_404(Pool, pk=pk)
    form = PoolForm(request.POST or None, pool=pool)
    if form.is_valid():
        pool_verbs.change(pool_id=pk, **form.facts, by=request.user)
        messages.success(request, "Saved.")
        return redirect("setup_routing")
    members = PoolMember.objects.filter(pool=pk, left_at=None).select_related("user__team").order_by("turn", "pk")
    there = presences([member.user_id for member in members], now())
    turns = [(member, there[member.user_id].away_until) for member in members]
    context = {"form": form, "pool": pool, "turns": turns}
    return form_page(request, "routing/pool.html", context)


@policy("routing.manage")
@require_POST
def setup_pool_retire(request: SignedInRequest, pk: int) -> HttpResponse:
    pool = get_object_or_404(Pool, pk=pk)
    verb = pool_verbs.take_up if pool.retired_at else pool_verbs.retire
    try:
        verb(pool_id=pk, by=request.user)
    except ValidationError as refusal:
        messages.error(request, refusal.messages[0])
    else:
        messages.success(request, "Saved.")
    return redirect("setup_pool", pk)
