"""What a dashboard does with a request: the page, its figures alone for htmx, files, and the rows behind a number."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
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
from dashboards.options import Options

Told = TypeVar("Told", bound=Measured)
Page = TypeVar("Page")
Open = Callable[[User, Mapping[str, str], Filters, datetime], Drill[Any, Any]]


@dataclass(frozen=True, slots=True)
class Dashboard(Generic[Told, Page]):
    """A page of figures. `name` is its URL and what the record of exports calls it; `fragment` is its figures alone."""

    name: str
    title: str
    fragment: str
    current: Callable[[Filters, datetime], Told]
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
        measured = self.current(filters, at)
        is_chosen = request.htmx.trigger == FilterForm.id
        if request.htmx and not is_chosen and (same := unchanged(request, measured)):
            return same
        page = self.page(measured, options, request.user)
        if wants_file(request):
            return exported(request, *self.file(page, request.GET.get("table", "")), of=self.name)
        if not request.htmx:
            form = FilterForm(request.user, options, filters, self.name)
            return render(request, f"dashboards/{self.name}.html", {"page": page, "form": form})
        response = keepable(render(request, self.fragment, {"page": page}), request, measured)
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
        return render(request, template, {"list": found})

    def _mistaken(self, request: SignedInRequest, sentences: list[str]) -> HttpResponse:
        return mistaken(request, sentences, route=self.name, title=self.title)
