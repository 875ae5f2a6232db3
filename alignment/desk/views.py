"""The pages that put the apps together: the start page, the queue, the list of leads, one lead."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRedirect

from alignment.desk.bulk_views import chosen_ids, offered
from alignment.desk.lead_list import LeadList
from alignment.desk.lead_page import LeadPage
from alignment.desk.queue import Queue
from alignment.desk.saved.tabs import Tabs, begins_with
from alignment.desk.saved.views import shown_query
from alignment.desk.search import Search, parse_recent
from alignment.ops.exports import exported, wants_file
from alignment.people.models import Role
from alignment.people.permissions import can, policy
from alignment.people.requests import SignedInRequest
from leads.models import Lead
from leads.views.moves import Recycle, Reject
from leads.views.moving import MoveView

# What a page sends by itself when htmx asks for one of its parts, by the id of the part.
QUEUE_PARTS = {
    "preview": "desk/_preview.html",
    "preview-lead": "desk/_preview.html",
    "queue-tabs": "desk/_tabs.html",
    "queue-rows": "desk/_rows.html",
}
LEAD_PARTS = {
    "lead-track": "desk/_track.html",
    "lead-timeline": "desk/_timeline.html",
    "lead-aside": "desk/_aside.html",
    "timeline-more": "desk/_events.html",
}
ASKED = {"reject": Reject, "recycle": Recycle}

fragments = vary_on_headers("HX-Request", "HX-Target")


@policy("queue.view")
@require_safe
def home(request: SignedInRequest) -> HttpResponse:
    """Reps start with what waits for them, marketers with what became of theirs, everyone else with the funnel."""
    return redirect({Role.REP: "queue", Role.MARKETER: "campaigns"}.get(Role(request.user.role), "funnel"))


@policy("public")
@require_safe
@cache_control(public=True, max_age=86_400)
def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask here where no page named an icon: for files, errors and the API."""
    return redirect(static("img/mark.svg"))


@policy("queue.view")
@require_safe
@fragments
def queue(request: SignedInRequest) -> HttpResponse:
    """`view`, `segment`, `sort` and `rows` choose the list, `lead` what stands beside it, `do` the move it asks for."""
    shown = Queue(request.user, request.GET.dict(), at=now())
    template = _part(request, QUEUE_PARTS) or "desk/queue.html"
    page = _selected(request, shown) if template in ("desk/queue.html", "desk/_preview.html") else None
    context = {"queue": shown, "page": page, "decision": _decision(request, page), "is_open": "lead" in request.GET}
    return render(request, template, context)


def _selected(request: SignedInRequest, shown: Queue) -> LeadPage | None:
    """The lead beside the list: the one that the address names, else the first."""
    named = request.GET.get("lead", "")
    pk = int(named) if named.isdecimal() else shown.first and shown.first.pk
    if not pk:
        return None
    page = _lead_page(request, pk, shown.address)
    if page.lead.merged_into_id:
        page = _lead_page(request, page.lead.merged_into_id, shown.address)
    if page.lead.withdrawn_at:
        raise Http404
    return page


def _decision(request: SignedInRequest, page: LeadPage | None) -> dict[str, object]:
    """What `leads/_decide.html` shows: the form of the move that `do` names, where it is allowed, else the buttons."""
    move = ASKED.get(request.GET.get("do", ""))
    if page is None:
        return {}
    if move is None or not can(request.user, move.policy.default, page.lead) or not move.fits(page.lead, page.stages):
        return page.panel
    asked: MoveView = move()
    asked.lead = page.lead
    return {"lead": page.lead, "asked": asked, "form": asked.form(request.user), "back": page.back}


@policy("lead.view")
@require_safe
@fragments
def lead(request: SignedInRequest, pk: int) -> HttpResponse:
    """`kind` filters the timeline, `before` goes on from a place in it, `until` reads it down to one."""
    page = _lead_page(request, pk, reverse("lead", args=[pk]))
    if page.lead.withdrawn_at:
        return render(request, "desk/withdrawn.html", {"lead": page.lead}, status=410)
    if page.lead.merged_into:
        return _to_survivor(request, page.lead)
    return render(request, _part(request, LEAD_PARTS) or "desk/lead.html", {"page": page, "decision": page.panel})


def _to_survivor(request: SignedInRequest, merged: Lead) -> HttpResponse:
    """To the lead that a merged one went into: it tells the history of both."""
    assert merged.merged_into is not None
    said = f"{merged.display_name}, lead {merged.pk}, was merged into this lead."
    messages.info(request, said)
    address = reverse("lead", args=[merged.merged_into_id])
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)


def _lead_page(request: SignedInRequest, pk: int, back: str) -> LeadPage:
    page = LeadPage(request.user, pk, at=now(), back=back, asked=request.GET.dict())
    try:
        page.lead  # noqa: B018 (read here, so that an unknown lead is a 404)
    except Lead.DoesNotExist:
        raise Http404 from None
    return page


@policy("lead.view")
@require_safe
@fragments
def leads(request: SignedInRequest) -> HttpResponseBase:
    """The list; with `format=csv` all that was found, as a file. Without a question it begins with one's own view."""
    if not request.GET and not request.htmx and (begun := begins_with(request.user)):
        return redirect(begun)
    found = LeadList(request.GET.dict(), at=now(), only=chosen_ids(request))
    if wants_file(request):
        return exported(request, "leads", found.header, found.lines(), of="lead")
    tabs = Tabs(request.user, request.GET.get("view", ""))
    context = {"list": found, "query": shown_query(request.GET)}
    if request.htmx.target == "lead-views":
        return render(request, "desk/_views.html", {**context, "tabs": tabs.counted(now()), "is_counted": True})
    context |= {"actions": offered(request.user), "tabs": tabs.plain, "view": tabs.current}
    return render(request, _part(request, {"leads": "desk/_leads.html"}) or "desk/leads.html", context)


@policy("lead.view")
@require_safe
@fragments
def search(request: SignedInRequest) -> HttpResponse:
    """Everything that `q` finds; the palette asks for the results alone, and without words sends what was opened."""
    found = Search(request.user, request.GET.get("q", ""), parse_recent(request.GET.get("recent", "")))
    template = _part(request, {"palette-results": "desk/_search_results.html"}) or "desk/search.html"
    return render(request, template, {"search": found})


def _part(request: SignedInRequest, parts: dict[str, str]) -> str | None:
    """The template of the part that htmx asks for; None for the whole page."""
    return parts.get(request.htmx.target or "") if request.htmx else None
