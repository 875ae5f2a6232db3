"""The pages of working calendars, and of who is away."""

from datetime import timedelta
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from alignment.lib.form_pages import form_view
from alignment.lib.public_holidays import named_in
from alignment.people import absences as away
from alignment.people import calendars as working
from alignment.people.calendar_forms import AbsenceForm, CalendarDateForm, CalendarForm
from alignment.people.models import Absence, Company, User, Weekday, WorkingCalendar
from alignment.people.permissions import can, policy, require
from alignment.people.requests import SignedInRequest
from alignment.people.views import told, written

# Absences are listed for so long after they ended.
REMEMBERED = timedelta(days=30)
HOLIDAYS_SHOWN = 12


@policy("calendar.manage")
@require_GET
def calendars(request: SignedInRequest) -> HttpResponse:
    rows = WorkingCalendar.objects.prefetch_related("hours").annotate(
        count=Count("people", filter=Q(people__is_active=True))
    )
    of_company = Company.get().calendar_id
    listed = rows.order_by(F("retired_at").asc(nulls_first=True), "name")
    context = {
        "calendars": [(row, _week_in_words(row)) for row in listed],
        "of_company": of_company,
        "without": User.objects.active().filter(calendar=None).count(),
    }
    return render(request, "people/calendars.html", context)


def _week_in_words(row: WorkingCalendar) -> list[str]:
    """Its week, days alike together: “Mon–Thu 09:00–17:00”, “Fri 09:00–13:00”."""
    hours = {day: ", ".join(map(str, each)) for day, each in working.week_of(row).items()}
    told = []
    for text, days in groupby(Weekday, key=lambda day: hours.get(day.value, "")):
        if text:
            first, *_, last = [str(day.label)[:3] for day in days for _ in range(2)]
            told.append(f"{first if first == last else f'{first}–{last}'} {text}")
    return told


@policy("calendar.manage")
@form_view
def calendar_new(request: SignedInRequest) -> HttpResponse:
    form = CalendarForm(request.POST or None)
    if not request.POST:
        form.fields["time_zone"].initial = Company.get().time_zone
    if form.is_valid():
        made = working.add(**form.facts, week=form.week, by=request.user)
        messages.success(request, f"{made} is there.")
        return redirect("setup_calendar", made.pk)
    return render(request, "people/calendar.html", {"form": form})


@policy("calendar.manage")
@form_view
def calendar(request: SignedInRequest, pk: int) -> HttpResponse:
    form = CalendarForm(request.POST or None, calendar=_calendar(pk))
    if form.is_valid() and written(
        form, working.change, calendar_id=pk, facts=form.facts, week=form.week, by=request.user
    ):
        messages.success(request, "Saved.")
        return redirect("setup_calendar", pk)
    return _calendar_page(request, pk, form=form)


@policy("calendar.manage")
@require_POST
def calendar_date(request: SignedInRequest, pk: int) -> HttpResponse:
    form = CalendarDateForm(request.POST)
    get_object_or_404(WorkingCalendar, pk=pk)
    if form.is_valid():
        working.set_date(calendar_id=pk, **form.cleaned_data, by=request.user)
        messages.success(request, "Saved.")
        return redirect("setup_calendar", pk)
    return _calendar_page(request, pk, date_form=form)


@policy("calendar.manage")
@require_POST
def calendar_date_remove(request: SignedInRequest, pk: int, date: int) -> HttpResponse:
    get_object_or_404(WorkingCalendar, pk=pk)
    working.forget_date(calendar_id=pk, date_id=date, by=request.user)
    messages.success(request, "The date is like any other again.")
    return redirect("setup_calendar", pk)


@policy("calendar.manage")
@require_POST
def calendar_retire(request: SignedInRequest, pk: int) -> HttpResponse:
    calendar = get_object_or_404(WorkingCalendar, pk=pk)
    verb = working.take_up if calendar.retired_at else working.retire
    told(request, verb, calendar_id=pk, by=request.user)
    return redirect("setup_calendar", pk)


def _calendar(pk: int) -> WorkingCalendar:
    return get_object_or_404(WorkingCalendar.objects.prefetch_related("hours", "dates"), pk=pk)


def _calendar_page(request: SignedInRequest, pk: int, **context: Any) -> HttpResponse:
    calendar = _calendar(pk)
    today = timezone.now().astimezone(calendar.zone).date()
    holidays = (
        named_in(calendar.country, calendar.subdivision, (today.year, today.year + 1)) if calendar.country else []
    )
    own = sorted(calendar.dates.all(), key=lambda each: each.falls_on)
    overruled = {each.falls_on for each in own}
    defaults = {
        "calendar": calendar,
        "form": CalendarForm(calendar=calendar),
        "date_form": CalendarDateForm(),
        "own": own,
        "holidays": [each for each in holidays if each[0] >= today and each[0] not in overruled][:HOLIDAYS_SHOWN],
        "is_open": working.as_calendar(calendar).is_open(timezone.now()),
    }
    return render(request, "people/calendar.html", defaults | context)


# Absences -----------------------------------------------------------------------------------------------------


@policy("absence.view", POST="absence.plan")
@form_view
def absences(request: SignedInRequest) -> HttpResponse:
    """Who is away now and soon; one plans for oneself, managers and RevOps for everybody."""
    form = AbsenceForm(request.POST or None, people=_plannable(request.user), initial={"person": request.user.pk})
    if form.is_valid() and _planned(request, form):
        messages.success(request, "Saved.")
        return redirect("absences")
    since = timezone.now().date() - REMEMBERED
    rows = (
        Absence.objects.filter(cancelled_at=None, last_on__gte=since)
        .select_related("user__team")
        .order_by("first_on", "pk")
    )
    listed = [_listed(request.user, row) for row in rows]
    return render(request, "people/absences.html", {"form": form, "absences": listed})


def _planned(request: SignedInRequest, form: AbsenceForm) -> bool:
    given = form.cleaned_data
    person = given["person"]
    require(request.user, "absence.plan", Absence(user=person))
    return written(
        form, away.plan, user_id=person.pk, first_on=given["first_on"], last_on=given["last_on"], note=given["note"],
        by=request.user,
    )  # fmt: skip


def _plannable(user: User) -> QuerySet[User]:
    """Whom this user may plan absences of."""
    people = User.objects.active().order_by("name")
    somebody_else = Absence(user=User(pk=0))
    return people if can(user, "absence.plan", somebody_else) else people.filter(pk=user.pk)


def _listed(user: User, absence: Absence) -> dict[str, Any]:
    today = timezone.now().astimezone(user.zone).date()
    may_plan = can(user, "absence.plan", absence)
    return {
        "absence": absence,
        "is_now": absence.first_on <= today <= absence.last_on,
        "note": absence.note if may_plan else "",
        "may_cancel": may_plan and absence.last_on >= today,
    }


@policy("absence.plan")
@require_POST
def absence_cancel(request: SignedInRequest, pk: int) -> HttpResponse:
    absence = get_object_or_404(Absence, pk=pk)
    require(request.user, "absence.plan", absence)
    away.cancel(absence_id=pk, by=request.user)
    messages.success(request, f"{absence.user} is not away then.")
    return redirect("absences")
