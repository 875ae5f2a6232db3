"""The set-up of ideal customer profiles, and the list of target accounts that both teams share."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from alignment.lib.form_pages import form_view
from alignment.ops import versions
from alignment.ops.draft_pages import LONGEST_NOTE, DraftPages
from alignment.ops.exports import exported, wants_file
from alignment.people.models import Company
from alignment.people.permissions import can, policy
from alignment.people.requests import SignedInRequest
from leads.models import Account, ProfileVersion
from leads.profiles import coverage, matching, targets, winning
from leads.profiles.form import ProfilesForm
from leads.profiles.rules import EMPTY, TEXTS
from leads.views.moving import page_cause

WON_WITHIN = timedelta(days=365)


@policy("profiles.view")
@require_safe
def profiles(request: SignedInRequest) -> HttpResponseBase:
    """What both teams look for, and what they win; with `format=csv` the second as a file."""
    rows = list(ProfileVersion.objects.filter(scope="").select_related("author", "published_by"))
    current = next((row for row in rows if row.state == "published"), None)
    now = timezone.now()
    names = {one["key"]: one["name"] for one in current.body["profiles"]} if current else {}
    won = winning.stated_and_won(names, now - WON_WITHIN, now) if current else []
    if wants_file(request):
        return exported(request, "stated-and-won", winning.HEADER, winning.lines(won), of="profile_version")
    context = {
        "current": current,
        "shown": _shown(current) if current else [],
        "draft": next((row for row in rows if row.is_draft), None),
        "versions": [row for row in rows if not row.is_draft],
        "won": won,
        "currency": Company.get().currency,
        "may_manage": can(request.user, "profiles.manage"),
    }
    return render(request, "leads/profiles.html", context)


def _shown(version: ProfileVersion) -> list[dict[str, Any]]:
    said = version.body["says"]["profiles"]
    parts = [
        {**one, "says": says, "texts": [(label, one[name]) for name, label in TEXTS.items() if one[name]]}
        for one, says in zip(version.body["profiles"], said, strict=True)
    ]
    return sorted(parts, key=lambda one: one["tier"])


# The draft ------------------------------------------------------------------------------------------------------

pages = DraftPages(ProfileVersion, "Profiles", home="setup_profiles", prefix="setup_profiles", empty=EMPTY)
begin = policy("profiles.manage")(require_POST(pages.begin))
discard = policy("profiles.manage")(require_POST(pages.discard))
restore = policy("profiles.manage")(require_POST(pages.restore))


@policy("profiles.manage")
@form_view
@pages.with_draft
def draft(request: SignedInRequest, draft: ProfileVersion) -> HttpResponse:
    """The profiles of the draft, to be changed and published."""
    form, status = ProfilesForm(draft.body, request.POST if request.method == "POST" else None), 200
    if request.method == "POST" and not form.is_being_edited and form.is_valid():
        publishes = request.POST.get("do") == "publish"
        done = (
            f"{draft} counts from now on; every account has its profile by it."
            if publishes
            else "The draft is saved. Nothing changes until it is published."
        )
        if pages.wrote(request, draft, lambda seen: _save(request, seen, form.body, publishes), done):
            return redirect("setup_profiles") if publishes else pages.to_draft(draft)
        status = 409
    return pages.page(request, draft, "leads/profiles_draft.html", {"form": form}, status=status)


@transaction.atomic
def _save(request: SignedInRequest, seen: ProfileVersion, body: dict[str, Any], publishes: bool) -> None:
    """All or nothing: where it cannot be published, the page still has what was typed."""
    note = request.POST.get("note", "").strip()[:LONGEST_NOTE]
    changed = versions.change(seen, body=body, by=request.user, note=note)
    if publishes:
        matching.publish(draft=changed, by=request.user, note=note)


# Target accounts ----------------------------------------------------------------------------------------------------


class BringForm(forms.Form):
    """Accounts by the line, as they are copied from a sheet."""

    lines = forms.CharField(
        label="Domains or names of companies", max_length=400_000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One a line. Companies that Accord does not know are named and left out.",
    )  # fmt: skip
    note = forms.CharField(label="Why", max_length=200, required=False)


@policy("targets.view", POST="targets.manage")
@form_view
def target_accounts(request: SignedInRequest) -> HttpResponseBase:
    """The list with its coverage, `format=csv` as a file; a POST brings accounts by the line."""
    form = BringForm(request.POST or None)
    if form.is_valid():
        added = targets.bring(lines=form.cleaned_data["lines"].splitlines(), cause=page_cause(request),
                              note=form.cleaned_data["note"])  # fmt: skip
        messages.success(request, f"{len(added.account_ids)} added, {added.known} were on the list already.")
        if added.unknown:
            shown = ", ".join(added.unknown[:10]) + (" and others" if len(added.unknown) > 10 else "")
            messages.warning(request, f"Nobody here knows {shown}.")
        return redirect("target_accounts")
    words, uncovered = " ".join(request.GET.get("q", "").split()), request.GET.get("known") == "no"
    if wants_file(request):
        lines = coverage.lines(words, uncovered=uncovered)
        return exported(request, "target-accounts", coverage.HEADER, lines, of="account")
    rows = coverage.page(words, uncovered=uncovered, after=_place(request.GET.get("after", "")))
    context = {
        "form": form, "rows": rows[: coverage.PAGE], "words": words, "uncovered": uncovered,
        "next": f"{rows[coverage.PAGE - 1].pk}~{rows[coverage.PAGE - 1].name}" if len(rows) > coverage.PAGE else "",
        "figures": coverage.figures(), "may_manage": can(request.user, "targets.manage"),
        "currency": Company.get().currency,
    }  # fmt: skip
    return render(request, "leads/target_accounts.html", context)


def _place(text: str) -> tuple[str, int] | None:
    pk, _, name = text.partition("~")
    return (name, int(pk)) if pk.isascii() and pk.isdecimal() and len(pk) < 19 else None


@policy("targets.manage")
@require_POST
def target_add(request: SignedInRequest, pk: int) -> HttpResponse:
    """Put one account on the list."""
    account = get_object_or_404(Account, pk=pk)
    targets.add(account_ids=[account.pk], cause=page_cause(request), note=request.POST.get("note", "")[:200])
    messages.success(request, f"{account} is a target account.")
    return redirect("target_accounts")


@policy("targets.manage")
@require_POST
def target_remove(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take one account off the list."""
    account = get_object_or_404(Account, pk=pk)
    if targets.remove(account_ids=[account.pk], cause=page_cause(request)):
        messages.success(request, f"{account} is no target account any more.")
    return redirect("target_accounts")
