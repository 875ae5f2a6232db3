"""Merging on a page: side by side with a choice for each field, what became of it, and the way back."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe

from alignment.lib.form_pages import form_view
from alignment.people.permissions import can, policy, require
from alignment.people.requests import SignedInRequest
from leads.finding import find_leads
from leads.forms import NOTE_LENGTH
from leads.hygiene import duplicates
from leads.merging import merging
from leads.merging.rules import Code
from leads.merging.survivorship import FIELDS
from leads.merging.unmerging import NotUndoneError, undo_until, unmerge
from leads.models import Lead, Merge, MergedLead
from leads.views import answers, side_by_side
from leads.views.moving import page_cause
from leads.views.side_by_side import LABELS, RELATED

MOST = 6
"""So many leads fit beside each other."""

FOUND = 8


@policy("lead.merge")
@form_view
def merge(request: SignedInRequest) -> HttpResponse:
    """`lead` (several) are who is merged, `keep` is who stays; with one lead alone the page looks for the others.

    A list names those that were chosen in it as `id`.
    """
    asked = request.POST if request.method == "POST" else request.GET
    leads = _asked(asked)
    if request.method == "POST" and len(leads) > 1:
        return _merge(request, leads)
    if request.method == "POST" and leads and len(set(asked.getlist("lead"))) > 1:
        messages.info(request, f"They are one lead already: {leads[0]}.")
        return redirect("lead", leads[0].pk)
    return _side_by_side(request, leads)


def _asked(asked: QueryDict) -> list[Lead]:
    """The leads that the address names, the one to keep first. Merged ones count as what they went into."""
    named = [
        int(text) for text in asked.getlist("lead")[:MOST] if text.isascii() and text.isdecimal() and len(text) < 19
    ]
    into = dict(Lead.objects.filter(pk__in=named, merged_into__isnull=False).values_list("pk", "merged_into_id"))
    ranked = merging.ranked({into.get(pk, pk) for pk in named})
    keep = asked.get("keep", "")
    ranked.sort(key=lambda pk: str(pk) != keep)
    found = Lead.objects.select_related(*RELATED).in_bulk(ranked)
    return [found[pk] for pk in ranked]


def key_in(text: str) -> int:
    """The key of a lead that a form names; 0 where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _merge(request: SignedInRequest, leads: Sequence[Lead]) -> HttpResponse:
    survivor, *losers = leads
    chosen = _chosen(request.POST)
    _require(request, survivor, losers, chosen)
    merged = merging.merge(
        survivor_id=survivor.pk,
        loser_ids=[lead.pk for lead in losers],
        choices={name: giver for name, giver in chosen.items() if giver in {lead.pk for lead in leads}},
        cause=page_cause(request),
        note=request.POST.get("note", "").strip()[:NOTE_LENGTH],
    )
    if merged.refused:
        refusal = merged.refused[0]
        status = 409 if refusal.code != Code.CHOICE else 422
        return _side_by_side(request, leads, refusal=refusal.message, status=status)
    key = merged.keys[survivor.pk]
    text = format_html("<b>{}</b> merged into {}.", ", ".join(lead.display_name for lead in losers), survivor)
    messages.success(request, text, extra_tags=reverse("merge_undo", args=[key]))
    return redirect("lead", survivor.pk)


def _chosen(asked: QueryDict) -> dict[str, int]:
    named = {name: key_in(asked.get(f"choose_{name}", "")) for name in FIELDS}
    return {name: pk for name, pk in named.items() if pk}


def _require(request: SignedInRequest, survivor: Lead, losers: Sequence[Lead], chosen: dict[str, int]) -> None:
    for lead in (*losers, survivor):
        require(request.user, "lead.merge", lead)
    if any(giver != survivor.pk for giver in chosen.values()):
        require(request.user, "lead.edit", survivor)
    if chosen.get("owner", survivor.pk) != survivor.pk:
        require(request.user, "lead.assign", survivor)


def _side_by_side(
    request: SignedInRequest, leads: Sequence[Lead], *, refusal: str = "", status: int = 200
) -> HttpResponse:
    asked = request.POST if request.method == "POST" else request.GET
    is_too_many = max(len(asked.getlist("lead")), len(asked.getlist("id"))) > MOST
    context: dict[str, Any] = {"leads": leads, "refusal": refusal, "most": MOST if is_too_many else None}
    if len(leads) > 1:
        rows = side_by_side.rows(leads, _chosen(asked), may_hand_over=can(request.user, "lead.assign"))
        context |= {"rows": rows, "consents": side_by_side.consents(leads), "lacks_right": _lacks_right(request, leads)}
    else:
        words = " ".join(asked.get("q", "").split())
        context |= {"words": words, "found": _found(words, leads), "suspects": _suspects(leads)}
    return render(request, "leads/merge.html", context, status=status)


def _lacks_right(request: SignedInRequest, leads: Sequence[Lead]) -> list[Lead]:
    return [lead for lead in leads if not can(request.user, "lead.merge", lead)]


def _found(words: str, leads: Sequence[Lead]) -> list[Lead]:
    keys = [found.pk for found in find_leads(words, limit=FOUND)] if words else []
    known = Lead.objects.standing().select_related("stage", "owner").in_bulk(keys)
    return [known[pk] for pk in keys if pk in known and pk not in {lead.pk for lead in leads}]


def _suspects(leads: Sequence[Lead]) -> list[tuple[Lead, str]]:
    return [
        (other, duplicates.evidence_of(pair).sentence) for lead in leads for other, pair in duplicates.around(lead.pk)
    ]


# What was merged ----------------------------------------------------------------------------------------------


@policy("lead.view")
@require_safe
def merged(request: SignedInRequest, pk: int) -> HttpResponse:
    """One merge: who went into whom, what the survivor got, and the way back."""
    found = get_object_or_404(_merges(), pk=pk)
    parts = MergedLead.objects.filter(merge=pk).select_related("lead", "was_in").order_by("lead_id")
    at = now()
    context = {
        "merge": found,
        "parts": list(parts),
        "changes": _changes(found),
        "undo_until": undo_until(found),
        "may_undo": not found.undone_at and at < undo_until(found) and can(request.user, "merge.undo", found),
    }
    return render(request, "leads/merged.html", context)


def _merges() -> QuerySet[Merge]:
    return Merge.objects.select_related("survivor", "actor", "undone_by")


def _changes(found: Merge) -> list[tuple[str, str, str]]:
    """(field, before, after) of what the survivor got, as far as it can be read."""
    told = [*((name, LABELS[name]) for name in ("name", "email", "phone", "title", "seniority", "product_interest"))]
    told += [("company_name", "Company"), ("consent", "Consent"), ("do_not_contact", "Do not contact")]
    return [
        (label, _plain(found.changes[name][0]), _plain(found.changes[name][1]))
        for name, label in told
        if name in found.changes
    ]


def _plain(value: Any) -> str:
    return {True: "Yes", False: "No"}.get(value, str(value or "")) if isinstance(value, bool) else str(value or "")


@policy("merge.undo")
@require_POST
def undo(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take a merge back, within 24 hours."""
    found = get_object_or_404(_merges(), pk=pk)
    require(request.user, "merge.undo", found)
    try:
        unmerged = unmerge(merge_id=pk, cause=page_cause(request))
    except NotUndoneError as error:
        if request.htmx:
            return answers.refused(request, found.survivor, str(error))
        context = {"lead": found.survivor, "sentence": str(error), "back": reverse("merge", args=[pk])}
        return render(request, "leads/refused.html", context, status=409)
    text = "The merge is undone: the leads stand again as they did."
    if unmerged.kept:
        text = f"The merge is undone. What somebody has changed since stays: {', '.join(unmerged.kept)}."
    if request.htmx:
        return answers.done(request, found.survivor, text)
    messages.success(request, text)
    return redirect("merge", pk)
