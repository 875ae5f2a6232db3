"""Clean data: the findings, the leads and pairs behind them, deciding about pairs, and what was merged."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe

from alignment.desk.data.page import DataPage
from alignment.integrations.models import How, Import, ImportedLead
from alignment.lib import keysets
from alignment.lib.csv import Cell
from alignment.ops import audit
from alignment.ops.exports import exported, wants_file
from alignment.people.permissions import can, policy, why_not
from alignment.people.requests import SignedInRequest
from leads.hygiene import duplicates, merging_exact
from leads.hygiene.findings import FINDINGS, PAIRS
from leads.merging.unmerging import undo_until
from leads.models import DuplicatePair, Lead, Merge
from leads.querysets import NEWEST
from leads.views.merging import key_in

PAGE = 50
CHUNK = 2_000
LEAD_HEADER = ("Id", "Name", "E-mail", "Phone", "Company", "Stage", "Owner", "Source", "Consent", "Last moved")
PAIR_HEADER = ("Lead", "Name", "E-mail", "Company", "Other lead", "Name", "E-mail", "Company", "Score", "Evidence")
BY_ID = ("-id",)
BY_MERGE = ("-at", "-id")


@policy("data.view")
@require_safe
def overview(request: SignedInRequest) -> HttpResponseBase:
    page = DataPage(at=now())
    if wants_file(request):
        return exported(request, "clean-data", page.header, page.lines(), of="data")
    return render(request, "desk/data/overview.html", {"page": page})


# Single leads ---------------------------------------------------------------------------------------------------


@policy("data.view")
@require_safe
def leads(request: SignedInRequest, finding: str) -> HttpResponseBase:
    """The leads of one finding, newest move first."""
    asked = FINDINGS.get(finding)
    if asked is None:
        raise Http404
    found = asked.leads(now()).select_related("stage", "owner__team", "source")
    if wants_file(request):
        return exported(request, finding, LEAD_HEADER, _lead_lines(found.newest_first()), of="lead")
    rows, following = _page(request, found, NEWEST)
    context = {"finding": asked, "leads": rows, "next": following}
    return render(request, "desk/data/leads.html", context)


def _lead_lines(found: QuerySet[Lead]) -> Iterator[tuple[Cell, ...]]:
    for lead in found.iterator(CHUNK):
        yield (
            lead.pk, lead.name, lead.email, lead.phone, lead.company_name, lead.stage.name,
            str(lead.owner) if lead.owner else None, str(lead.source) if lead.source else None,
            lead.get_consent_display(), lead.moved_at,
        )  # fmt: skip


# Pairs ----------------------------------------------------------------------------------------------------------


@policy("data.view")
@require_safe
def pairs(request: SignedInRequest, kind: str) -> HttpResponseBase:
    """Who may be known twice, with the evidence; the newest pairs first. `import` leaves those of one import."""
    if kind not in PAIRS:
        raise Http404
    related = ("first__stage", "first__owner", "second__stage", "second__owner")
    found = duplicates.to_decide(exact=kind == "exact").select_related(*related)
    batch = Import.objects.filter(pk=key_in(request.GET.get("import", ""))).first()
    if batch:
        created = ImportedLead.objects.filter(batch=batch, how=How.CREATED).values("lead")
        found = found.filter(Q(first__in=created) | Q(second__in=created))
    if wants_file(request):
        return exported(request, f"{kind}-duplicates", PAIR_HEADER, _pair_lines(found), of="lead")
    rows, following = _page(request, found, BY_ID)
    name, asks = PAIRS[kind]
    context = {
        "kind": kind, "batch": batch, "name": name, "asks": asks, "next": following,
        "pairs": [(pair, duplicates.evidence_of(pair), _may_decide(request, pair)) for pair in rows],
    }  # fmt: skip
    return render(request, "desk/data/pairs.html", context)


def _may_decide(request: SignedInRequest, pair: DuplicatePair) -> bool:
    return any(can(request.user, "lead.merge", lead) for lead in (pair.first, pair.second))


def _pair_lines(found: QuerySet[DuplicatePair]) -> Iterator[tuple[Cell, ...]]:
    for pair in found.iterator(CHUNK):
        one, other, evidence = pair.first, pair.second, duplicates.evidence_of(pair)
        yield (
            one.pk, one.name, one.email, one.company_name, other.pk, other.name, other.email, other.company_name,
            evidence.score, evidence.sentence,
        )  # fmt: skip


@policy("lead.merge")
@require_POST
def dismiss(request: SignedInRequest) -> HttpResponse:
    """These two leads (`lead`, twice) are two people: remembered, and not asked again."""
    named = [key_in(text) for text in request.POST.getlist("lead")[:2]]
    found = list(Lead.objects.standing().select_related("owner").filter(pk__in=named))
    kind = request.POST.get("kind", "")
    back = redirect("data_pairs", kind if kind in PAIRS else "likely")
    if len(found) != 2:
        messages.error(request, "One of the two is no lead any more: somebody was faster.")
        return back
    if not any(can(request.user, "lead.merge", lead) for lead in found):
        raise PermissionDenied(why_not(request.user, "lead.merge", found[0]))
    duplicates.dismiss(pairs=[(found[0].pk, found[1].pk)], by_id=request.user.pk)
    audit.record(
        action="duplicate_dismissed", actor=request.user, subject_kind="lead", subject_ids=[lead.pk for lead in found]
    )
    messages.success(request, "Noted: they are two people, and are not shown as duplicates again.")
    return back


@policy("data.merge_all")
@require_POST
def merge_exact(request: SignedInRequest) -> HttpResponse:
    """Merge all exact duplicates, as a job."""
    return redirect(merging_exact.start(actor=request.user).get_absolute_url())


# Merges ---------------------------------------------------------------------------------------------------------


@policy("data.view")
@require_safe
def merges(request: SignedInRequest) -> HttpResponse:
    """What was merged, the newest first, with the way back as long as there is one."""
    found = Merge.objects.select_related("survivor", "actor", "undone_by").prefetch_related("parts__lead")
    rows, following = _page(request, found, BY_MERGE)
    at = now()
    told = [
        (each, not each.undone_at and at < undo_until(each) and can(request.user, "merge.undo", each)) for each in rows
    ]
    return render(request, "desk/data/merges.html", {"merges": told, "next": following})


# Lists ----------------------------------------------------------------------------------------------------------


def _page(request: SignedInRequest, found: QuerySet[Any], order: keysets.Order) -> tuple[list[Any], str]:
    """The rows behind the place `after`, and the place of the page after them."""
    place = request.GET.get("after", "")
    if place:
        try:
            found = found.filter(keysets.beyond(order, keysets.from_text(place, order)))
        except ValueError:
            raise Http404 from None
    rows = list(found.order_by(*order)[: PAGE + 1])
    return rows[:PAGE], keysets.to_text(rows[PAGE - 1], order) if len(rows) > PAGE else ""
