"""Changing the leads that were chosen on the list, or all that it finds: preview, doing it, what became of each."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from alignment.desk.lead_list import LeadList
from alignment.lib.csv import Cell
from alignment.lib.form_pages import form_view
from alignment.ops.exports import exported, wants_file
from alignment.people.models import User
from alignment.people.permissions import can, policy, require
from alignment.people.requests import SignedInRequest
from leads.bulk import running
from leads.bulk.actions import ACTIONS, Action
from leads.bulk.forms import said, stored
from leads.bulk.previewing import Preview, preview
from leads.models.bulk import BulkChange, BulkRow, BulkState
from leads.querysets import LeadQuerySet

MOST_CHOSEN = 1_000
NAMED = 20
PAGE_ROWS = 100


def offered(user: User) -> list[Action]:
    """What `user` may do with at least some leads."""
    return [action for action in ACTIONS.values() if can(user, action.policy)]


def chosen_ids(request: SignedInRequest) -> list[int]:
    """The keys of leads that the address names with `id`."""
    given = [text for text in request.GET.getlist("id")[:MOST_CHOSEN] if text.isascii() and text.isdecimal()]
    return [int(text) for text in given if len(text) < 19]


@policy("lead.view")
@form_view
def bulk(request: SignedInRequest) -> HttpResponse:
    """`do` names what is done, `id` each lead, or `all` those that the filters find; a POST does it."""
    if request.GET.get("do") == "export":
        return redirect(f"{reverse('leads')}?{urlencode(_export(request), doseq=True)}")
    action = ACTIONS.get(request.GET.get("do", ""))
    if action is None:
        messages.error(request, "Choose what to do with the leads.")
        return redirect(_list_url(request))
    require(request.user, action.policy)
    leads = _meant(request)
    if leads is None:
        messages.error(request, "Choose at least one lead first.")
        return redirect(_list_url(request))
    if request.method != "POST":
        return _asked(request, action, leads, action.form())
    form = action.form(request.POST)
    if not form.is_valid():
        return _asked(request, action, leads, form, status=422)
    return _do(request, action, leads, form)


def _do(request: SignedInRequest, action: Action, leads: LeadQuerySet, form: Form) -> HttpResponse:
    expected = request.POST.get("expected", "")
    if "all" in request.GET and expected.isdecimal() and int(expected) != leads.order_by().count():
        form.add_error(None, "The list has changed since you looked: see what it would be now.")
        return _asked(request, action, leads, form, status=409)
    try:
        change = running.start(
            action=action, params=stored(form.cleaned_data), leads=leads, actor=request.user, said=said(form),
            query=urlencode(_query(request), doseq=True),
        )  # fmt: skip
    except running.BulkRefusedError as refusal:
        messages.error(request, str(refusal))
        return redirect(_list_url(request))
    return redirect(change)


def _meant(request: SignedInRequest) -> LeadQuerySet | None:
    """The leads that the address means; None where it names none."""
    if "all" in request.GET:
        return LeadList(request.GET.dict(), at=now()).found
    chosen = chosen_ids(request)
    return LeadList({}, at=now(), only=chosen).found if chosen else None


def _asked(
    request: SignedInRequest, action: Action, leads: LeadQuerySet, form: Form, status: int = 200
) -> HttpResponse:
    params = stored(form.cleaned_data) if form.is_bound and form.is_valid() else None
    tried = preview(action, leads, actor=request.user, params=params)
    context = {
        "action": action,
        "form": form,
        "preview": tried,
        "refused": _refused(tried),
        "is_all": "all" in request.GET,
        "most_at_once": running.AT_ONCE,
        "back": _list_url(request),
    }
    return render(request, "desk/bulk.html", context, status=status)


def _refused(tried: Preview) -> list[dict[str, Any]]:
    """Why, how many for that, and the first of them by name."""
    first: dict[str, list[int]] = {}
    for pk, why in tried.refused.items():
        first.setdefault(why, []).append(pk)
    named = {pk for pks in first.values() for pk in pks[:NAMED]}
    leads = LeadList({}, at=now(), only=named).found.in_bulk() if named else {}
    return [
        {"why": why, "count": count, "leads": [leads[pk] for pk in first[why][:NAMED] if pk in leads]}
        for why, count in tried.reasons
    ]


def _query(request: SignedInRequest) -> list[tuple[str, str]]:
    return LeadList(request.GET.dict(), at=now()).query


def _export(request: SignedInRequest) -> list[tuple[str, Any]]:
    chosen = [] if "all" in request.GET else [("id", pk) for pk in chosen_ids(request)]
    return [*(_query(request) if "all" in request.GET else []), *chosen, ("format", "csv")]


def _list_url(request: SignedInRequest) -> str:
    query = urlencode(_query(request), doseq=True)
    return reverse("leads") + (f"?{query}" if query else "")


# What became of it --------------------------------------------------------------------------------------------


@policy("bulk.view")
@require_safe
@vary_on_headers("HX-Request", "HX-Target")
def change(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """How far it is, then how many leads came to what, one by one below; `state` chooses, `format=csv` is the file."""
    found = _change(pk)
    require(request.user, "bulk.view", found)
    state = request.GET.get("state", "")
    rows = BulkRow.objects.filter(change=found).select_related("lead").order_by("lead")
    if state in BulkState.values:
        rows = rows.filter(state=state)
    if wants_file(request):
        header = ("Id", "Name", "E-mail", "Result", "Why")
        return exported(request, f"changed-leads-{pk}", header, _lines(rows), of="bulk", pk=pk)
    template = "desk/_bulk_state.html" if request.htmx.target == "bulk-state" else "desk/bulk_change.html"
    return render(request, template, _told(request, found, state, rows))


def _told(request: SignedInRequest, found: BulkChange, state: str, rows: Any) -> dict[str, Any]:
    after = request.GET.get("after", "")
    if after.isascii() and after.isdecimal() and len(after) < 19:
        rows = rows.filter(lead__gt=int(after))
    page = list(rows[: PAGE_ROWS + 1])
    counted = running.counts(found)
    refusal = running.why_not_undone(found)
    jobs = [job for job in (found.undo_job, found.job) if job and job.is_under_way]
    return {
        "change": found,
        "action": ACTIONS[found.kind],
        "job": jobs[0] if jobs else found.undo_job or found.job,
        "is_under_way": bool(jobs),
        "counts": [(one, counted[one.value]) for one in BulkState if counted[one.value]],
        "taken_back": BulkRow.objects.filter(change=found, undone_at__isnull=False, kept="").count()
        if found.undone_at
        else 0,
        "state": state,
        "rows": page[:PAGE_ROWS],
        "next": page[PAGE_ROWS - 1].lead_id if len(page) > PAGE_ROWS else None,
        "may_undo": not refusal and counted[BulkState.DONE] and can(request.user, "bulk.undo", found),
        "may_steer": bool(jobs) and can(request.user, "job.steer", jobs[0]),
    }


def _lines(rows: Any) -> Iterator[tuple[Cell, ...]]:
    for row in rows.iterator(2000):
        yield (row.lead_id, row.lead.name, row.lead.email, row.get_state_display(), row.message or row.kept)


@policy("bulk.undo")
@require_POST
def undo(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take back what nobody has changed since."""
    require(request.user, "bulk.undo", _change(pk))
    try:
        running.undo(change_id=pk, actor=request.user)
    except running.BulkRefusedError as refusal:
        messages.error(request, str(refusal))
    return redirect("bulk_change", pk)


def _change(pk: int) -> BulkChange:
    related = ("created_by", "job__created_by", "undo_job__created_by")
    return get_object_or_404(BulkChange.objects.select_related(*related), pk=pk)
