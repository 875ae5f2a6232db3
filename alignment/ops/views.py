"""A user's notifications: the list, the count beside the bell, reading one or all."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from alignment.lib.form_pages import form_view
from alignment.ops.models import Notification
from alignment.ops.notifications import mark_read
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest

PAGE_ROWS = 50


@policy("notification.view")
@form_view
@vary_on_headers("HX-Request")
def notifications(request: SignedInRequest) -> HttpResponse:
    """The list, newest first, `before` a notification's id; a POST marks all as read."""
    if request.method == "POST":
        mark_read(user=request.user)
        return _after_reading(request)
    return _list(request)


@policy("notification.view")
@form_view
def notification(request: SignedInRequest, pk: int) -> HttpResponse:
    """Read one: a GET goes on to the page that it is about, a POST stays on the list."""
    mark_read(user=request.user, notification_id=pk)
    if request.method == "POST":
        return _after_reading(request)
    target = Notification.objects.of(request.user).filter(pk=pk).first()
    return redirect(target.url if target and target.url else "notifications")


@policy("notification.view")
@require_GET
def unread(request: SignedInRequest) -> HttpResponse:
    """The count beside the bell, for pages that are open."""
    return render(request, "_unread_count.html")


def _list(request: SignedInRequest) -> HttpResponse:
    """The page, or for htmx the fragment, which also answers what was read from an older page of the list."""
    shown = Notification.objects.of(request.user)
    before = request.GET.get("before", "")
    if before.isdecimal():
        shown = shown.filter(pk__lt=int(before))
    rows = list(shown[: PAGE_ROWS + 1])
    context = {
        "rows": rows[:PAGE_ROWS],
        "has_older": len(rows) > PAGE_ROWS,
        "place": f"?before={before}" if before.isdecimal() else "",
    }
    return render(request, "ops/_notifications.html" if request.htmx else "ops/notifications.html", context)


def _after_reading(request: SignedInRequest) -> HttpResponse:
    return _list(request) if request.htmx else redirect("notifications")
