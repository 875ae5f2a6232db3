"""The wall, for whoever has a link, and the page on which links are made and revoked."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from alignment.desk.models import SceneKey, WallLink
from alignment.desk.wall import links
from alignment.desk.wall.form import WallLinkForm
from alignment.desk.wall.frame import Look, Wall
from alignment.lib.form_pages import form_view
from alignment.people.permissions import policy
from alignment.people.requests import Request, SignedInRequest
from dashboards.filters import FilterError

MOST_ENDED = 20
"""So many ended links are listed, the newest."""


# The wall -----------------------------------------------------------------------------------------------------


@policy("wall.view")
@require_safe
@vary_on_headers("HX-Request")
def wall(request: Request, token: str, scene: str) -> HttpResponse:
    """The page, or for its own script the scene alone: 304 where nothing has changed since."""
    link = links.find(token)
    if link is None or scene not in link.scenes:
        return _blank(request, has_ended=link is None and links.has_ended(token))
    links.see(link=link)
    shown = Wall(link, token, SceneKey(scene), Look.of(request.GET.dict()), now())
    etag = shown.etag() if request.htmx else None
    unchanged = get_conditional_response(request, etag=etag) if etag else None
    response = _private(unchanged or _scene(request, shown))
    if etag and response.status_code == 200:
        response["ETag"] = etag
    return response


def _scene(request: Request, shown: Wall) -> HttpResponse:
    template = "desk/_wall_scene.html" if request.htmx else "desk/wall.html"
    try:
        with timezone.override(shown.zone):
            return render(request, template, {"wall": shown})
    except FilterError as error:
        return render(request, "desk/wall_blank.html", {"sentence": str(error)}, status=422)


def _blank(request: HttpRequest, *, has_ended: bool) -> HttpResponse:
    """410 where the link has ended, else 404; who never had a link learns nothing."""
    sentence = (
        "This link has ended. Whoever set up this screen can make a new one."
        if has_ended
        else "Nothing is shown at this address. Look at the link again, or make a new one."
    )
    context = {"sentence": sentence, "is_over": True}
    return _private(render(request, "desk/wall_blank.html", context, status=410 if has_ended else 404))


def _private(response: HttpResponse) -> HttpResponse:
    """The address is the key to the page: it goes nowhere from here."""
    response["Cache-Control"] = "private, no-cache"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


# Its links ----------------------------------------------------------------------------------------------------


@policy("wall.manage")
@form_view
@never_cache
def walls(request: SignedInRequest) -> HttpResponse:
    """All links; the address may bring along filters for the next one. Whoever makes a link sees it this once."""
    if request.method == "POST":
        form = WallLinkForm(request.POST)
        if form.is_valid():
            link, token = links.make(**form.cleaned_data, by=request.user)
            address = settings.BASE_URL + reverse("wall", args=[token, link.scenes[0]])
            return _list(request, WallLinkForm.about(link.query), made=link, address=address)
        return _list(request, form)
    return _list(request, WallLinkForm.about(request.GET.urlencode()))


@policy("wall.manage")
@require_POST
def wall_revoke(request: SignedInRequest, pk: int) -> HttpResponse:
    """Ends a link."""
    get_object_or_404(WallLink, pk=pk)
    try:
        link = links.revoke(link_id=pk, by=request.user)
        messages.success(request, f"“{link}” is revoked: its screens go blank.")
    except ValidationError as refusal:
        messages.error(request, refusal.message)
    return redirect("walls")


def _list(request: SignedInRequest, form: WallLinkForm, **made: object) -> HttpResponse:
    links = WallLink.objects.select_related("created_by", "revoked_by").order_by("-id")
    shown = {"open": links.open(), "ended": links.ended()[:MOST_ENDED]}
    return render(request, "desk/walls.html", {"form": form, "links": shown, **made})
