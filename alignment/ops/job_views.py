"""Long work as people see it: what they started, how far it is, what came of it, stopping it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from alignment.ops import jobs as verbs
from alignment.ops.job_kinds import about
from alignment.ops.models import Job
from alignment.people.permissions import can, policy, require
from alignment.people.requests import SignedInRequest

PAGE_ROWS = 50
fragments = vary_on_headers("HX-Request", "HX-Target")


@policy("job.view")
@require_safe
@fragments
def jobs(request: SignedInRequest) -> HttpResponse:
    """What the user started, for RevOps everybody's; newest first, `before` a job's id."""
    found = Job.objects.seen_by(request.user).select_related("created_by").order_by("-pk")
    before = request.GET.get("before", "")
    if before.isdecimal():
        found = found.filter(pk__lt=int(before[:18]))
    page = list(found[: PAGE_ROWS + 1])
    rows = [(each, about(each)) for each in page[:PAGE_ROWS]]
    context = {
        "rows": [{"job": each, "title": told.title(each), "url": told.url(each), "about": told} for each, told in rows],
        "next": page[PAGE_ROWS - 1].pk if len(page) > PAGE_ROWS else None,
        "place": f"?before={before}" if before.isdecimal() else "",
        "is_under_way": any(each.is_under_way for each in page),
    }
    return render(request, "ops/_jobs.html" if request.htmx.target == "job-list" else "ops/jobs.html", context)


@policy("job.view")
@require_safe
@fragments
def job(request: SignedInRequest, pk: int) -> HttpResponse:
    """How far it is, then what came of it; kinds with a page of their own show it there."""
    found = _job(pk)
    require(request.user, "job.view", found)
    told = about(found)
    if told.own_page:
        return redirect(told.own_page(found))
    context = {
        "job": found,
        "title": told.title(found),
        "noun": told.noun,
        "figures": told.figures(found),
        "links": told.links(found),
        "may_steer": can(request.user, "job.steer", found),
        "is_stoppable": told.is_stoppable,
    }
    return render(request, "ops/_job.html" if request.htmx.target == "job-state" else "ops/job.html", context)


@policy("job.steer")
@require_POST
def stop(request: SignedInRequest, pk: int) -> HttpResponse:
    """What was done stays; the slice that runs is taken back."""
    found = _job(pk)
    require(request.user, "job.steer", found)
    if not about(found).is_stoppable:
        messages.error(request, "This cannot be stopped half way.")
    elif not verbs.cancel(pk, by=request.user):
        messages.error(request, "It had ended already.")
    return redirect("job", pk)


@policy("job.steer")
@require_POST
def resume(request: SignedInRequest, pk: int) -> HttpResponse:
    """Go on after the last part that was done."""
    require(request.user, "job.steer", _job(pk))
    if not verbs.resume(pk, by=request.user):
        messages.error(request, "There is nothing to go on with.")
    return redirect("job", pk)


def _job(pk: int) -> Job:
    return get_object_or_404(Job.objects.select_related("created_by"), pk=pk)
