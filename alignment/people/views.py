"""The set-up pages of people, teams and company."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from alignment.lib.form_pages import form_view
from alignment.people import accounts
from alignment.people.forms import CompanyForm, EditPersonForm, NewPersonForm, PasswordForm, TeamForm
from alignment.people.models import Company, Team, User
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest


@policy("people.manage")
@require_GET
def people(request: SignedInRequest) -> HttpResponse:
    everyone = User.objects.select_related("team").order_by("-is_active", "name", "pk")
    return render(request, "people/people.html", {"people": everyone})


@policy("people.manage")
@form_view
@sensitive_post_parameters("password")
def person_new(request: SignedInRequest) -> HttpResponse:
    form = NewPersonForm(request.POST or None)
    if form.is_valid():
        person = accounts.add_person(**form.cleaned_data, by=request.user)
        messages.success(request, f"{person} is in.")
        return redirect("setup_person", person.pk)
    return render(request, "people/person_new.html", {"form": form})


@policy("people.manage")
@form_view
def person(request: SignedInRequest, pk: int) -> HttpResponse:
    form = EditPersonForm(request.POST or None, instance=get_object_or_404(User, pk=pk))
    if form.is_valid() and written(
        form, accounts.change_person, user_id=pk, changes=form.cleaned_data, by=request.user
    ):
        messages.success(request, "Saved.")
        return redirect("setup_person", pk)
    return _person_page(request, pk, form=form)


@policy("people.manage")
@require_POST
def person_active(request: SignedInRequest, pk: int) -> HttpResponse:
    person = get_object_or_404(User, pk=pk)
    change = accounts.deactivate_person if person.is_active else accounts.reactivate_person
    told(request, change, user_id=pk, by=request.user)
    return redirect("setup_person", pk)


@policy("people.manage")
@require_POST
@sensitive_post_parameters("password")
def person_password(request: SignedInRequest, pk: int) -> HttpResponse:
    form = PasswordForm(request.POST, person=get_object_or_404(User, pk=pk))
    if not form.is_valid():
        return _person_page(request, pk, password_form=form)
    accounts.set_password(user_id=pk, password=form.cleaned_data["password"], by=request.user)
    messages.success(request, "The new password counts from now on; older sessions have ended.")
    return redirect("setup_person", pk)


@policy("people.manage")
@require_POST
@never_cache
def person_link(request: SignedInRequest, pk: int) -> HttpResponse:
    person = get_object_or_404(User, pk=pk, is_active=True, email__isnull=False)
    return _person_page(request, pk, link=accounts.password_link(person=person))


def _person_page(request: SignedInRequest, pk: int, **context: Any) -> HttpResponse:
    person = get_object_or_404(User.objects.select_related("team"), pk=pk)
    defaults = {"person": person, "form": EditPersonForm(instance=person), "password_form": PasswordForm(person=person)}
    return render(request, "people/person.html", defaults | context)


@policy("people.manage")
@require_GET
def teams(request: SignedInRequest) -> HttpResponse:
    rows = Team.objects.select_related("manager").annotate(people=Count("members", filter=Q(members__is_active=True)))
    return render(request, "people/teams.html", {"teams": rows.order_by("retired_at", "side", "name")})


@policy("people.manage")
@form_view
def team_new(request: SignedInRequest) -> HttpResponse:
    form = TeamForm(request.POST or None)
    if form.is_valid():
        team = accounts.add_team(**form.cleaned_data)
        messages.success(request, f"{team} is there.")
        return redirect("setup_teams")
    return render(request, "people/team.html", {"form": form})


@policy("people.manage")
@form_view
def team(request: SignedInRequest, pk: int) -> HttpResponse:
    team = get_object_or_404(Team, pk=pk)
    form = TeamForm(request.POST or None, instance=team)
    if form.is_valid():
        accounts.change_team(team_id=pk, changes=form.cleaned_data, by=request.user)
        messages.success(request, "Saved.")
        return redirect("setup_teams")
    return render(request, "people/team.html", {"form": form, "team": team})


@policy("people.manage")
@require_POST
def team_retire(request: SignedInRequest, pk: int) -> HttpResponse:
    team = get_object_or_404(Team, pk=pk)
    change = accounts.reopen_team if team.retired_at else accounts.retire_team
    told(request, change, team_id=pk, by=request.user)
    return redirect("setup_team", pk)


@policy("company.manage")
@form_view
def company(request: SignedInRequest) -> HttpResponse:
    form = CompanyForm(request.POST or None, instance=Company.get())
    if form.is_valid():
        accounts.change_company(changes=form.cleaned_data, by=request.user)
        messages.success(request, "Saved.")
        return redirect("setup_company")
    return render(request, "people/company.html", {"form": form})


def written(form: BaseForm, verb: Any, **arguments: Any) -> bool:
    """Runs a write verb; its refusal becomes the form's error."""
    try:
        verb(**arguments)
    except ValidationError as refusal:
        form.add_error(None, refusal)
        return False
    return True


def told(request: SignedInRequest, verb: Any, **arguments: Any) -> None:
    """Runs a write verb that has no form; the page says what came of it."""
    try:
        verb(**arguments)
    except ValidationError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, "Saved.")
