"""What a dashboard does with a request: the page, its figures alone for htmx, files, and the rows behind a number."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.timezone import now
from django_htmx.http import push_url

from alignment.ops.exports import File, exported, wants_file
from alignment.people.models import User
from alignment.people.requests import SignedInRequest
from dashboards.answering import Measured, keepable, mistaken, unchanged
from dashboards.asking import filters_for
from dashboards.drill import Drill
from dashboards.figures import FigureError
from dashboards.filters import FilterError, Filters
from dashboards.form import FilterForm
from dashboards.keeping import Patience, StillMeasuringError
from dashboards.options import Options

SINCE = "Figures-Since"
"""The header with which a page that waits for figures says as of which moment they will do."""
LONGEST_WAIT = timedelta(minutes=10)
MEASURING, COUNT = "dashboards/_measuring.html", "dashboards/_count.html"
PART_OF_COUNT = 0.5
"""So much of the patience a list has for its count: the rows take their time, too."""

Told = TypeVar("Told", bound=Measured)
Page = TypeVar("Page")
Open = Callable[[User, Mapping[str, str], Filters, datetime], Drill[Any, Any]]


@dataclass(frozen=True, slots=True)
class Measuring:
    """What is shown in place of figures of `filters` that are being measured since the moment `at`."""

    filters: Filters
    at: datetime
    name: str

    @property
    def address(self) -> str:
        return self.filters.address(self.name)

    @property
    def file_address(self) -> str:
        return self.filters.address(self.name, "format=csv")


@dataclass(frozen=True, slots=True)
class Dashboard(Generic[Told, Page]):
    """A page of figures. `name` is its URL and what the record of exports calls it; `fragment` is its figures alone."""

    name: str
    title: str
    fragment: str
    current: Callable[[Filters, datetime, Patience | None], Told]
    page: Callable[[Told, Options, User], Page]
    file: Callable[[Page, str], File]
    """The file of the page's table that an address names; of all its figures where it names none."""

    def show(self, request: SignedInRequest) -> HttpResponseBase:
        """The page; for htmx its figures; with `format=csv` its figures as a file, with `table` one of its tables."""
        at, options = now(), Options.load()
        try:
            filters = filters_for(request.user, request.GET.dict(), options=options, at=at)
        except FilterError as error:
            return self._mistaken(request, error.messages)
        is_chosen = request.htmx.trigger == FilterForm.id
        try:
            measured = self.current(filters, at, None if wants_file(request) else patience(request, at))
        except StillMeasuringError:
            return self._measuring(request, filters, options, at, is_chosen=is_chosen)
        if request.htmx and not is_chosen and (same := unchanged(request, measured)):
            return same
        page = self.page(measured, options, request.user)
        if wants_file(request):
            return exported(request, *self.file(page, request.GET.get("table", "")), of=self.name)
        if not request.htmx:
            form = FilterForm(request.user, options, filters, self.name)
            return self._whole(request, {"page": page, "form": form, "figures": self.fragment})
        response = keepable(render(request, self.fragment, {"page": page}), request, measured)
        return push_url(response, filters.address(self.name)) if is_chosen else response

    def _whole(self, request: SignedInRequest, context: dict[str, Any]) -> HttpResponse:
        return render(request, f"dashboards/{self.name}.html", context)

    def _measuring(
        self, request: SignedInRequest, filters: Filters, options: Options, at: datetime, *, is_chosen: bool
    ) -> HttpResponse:
        """In place of the figures what asks for them again. What shows older figures keeps them until then (204)."""
        if request.htmx and not is_chosen:
            return HttpResponse(status=204, headers={SINCE: request.headers.get(SINCE, at.isoformat())})
        context = {"page": Measuring(filters, at, self.name), "header": SINCE, "figures": MEASURING}
        if not request.htmx:
            response = self._whole(request, context | {"form": FilterForm(request.user, options, filters, self.name)})
        else:
            response = render(request, MEASURING, context)
        add_never_cache_headers(response)
        return push_url(response, filters.address(self.name)) if is_chosen else response

    def open(self, request: SignedInRequest, rows: Open, *, template: str, file: str) -> HttpResponseBase:
        """The rows behind the number that `figure` names; `after` goes on from a row; with `format=csv` a `file`."""
        at, options, asked = now(), Options.load(), request.GET.dict()
        try:
            found = rows(request.user, asked, filters_for(request.user, asked, options=options, at=at), at)
        except FilterError as error:
            return self._mistaken(request, error.messages)
        except FigureError as error:
            return self._mistaken(request, [str(error)])
        if wants_file(request):
            return exported(request, file, found.header, found.lines(), of=self.name)
        found.patience = patience(request, at, part=PART_OF_COUNT)
        context = {"list": found, "header": SINCE}
        if not request.htmx:
            return render(request, template, context)
        # The page is there, and comes back for the count.
        return HttpResponse(status=204) if found.count is None else render(request, COUNT, context)

    def _mistaken(self, request: SignedInRequest, sentences: list[str]) -> HttpResponse:
        return mistaken(request, sentences, route=self.name, title=self.title)


def patience(request: SignedInRequest, at: datetime, *, part: float = 1) -> Patience | None:
    """How long a page waits before it shows itself without figures (see `settings.FIGURES_PATIENCE`)."""
    if settings.FIGURES_PATIENCE is None:
        return None
    seconds = settings.FIGURES_PATIENCE * part
    try:
        since = datetime.fromisoformat(request.headers.get(SINCE, ""))
        is_recent = at - LONGEST_WAIT <= since <= at
    except (ValueError, TypeError):
        return Patience(seconds)
    return Patience(seconds, since if is_recent else None)
