"""The first start, and what people do with their own account."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.views import PasswordResetConfirmView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from alignment.lib.form_pages import form_view
from alignment.people import accounts
from alignment.people.forms import AccountForm, WelcomeForm
from alignment.people.models import Theme, User
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest

BACKEND = "alignment.people.backends.EmailBackend"


@policy("public")
@form_view
@sensitive_post_parameters("password", "password_again")
def welcome(request: HttpRequest) -> HttpResponse:
    if User.objects.with_login().exists():
        return redirect("home")
    form = WelcomeForm(request.POST or None)
    if form.is_valid():
        return _open_install(request, form.cleaned_data)
    return render(request, "people/welcome.html", {"form": form})


def _open_install(request: HttpRequest, given: dict[str, Any]) -> HttpResponse:
    try:
        admin = accounts.open_install(**given)
    except ValidationError as refusal:
        messages.error(request, refusal.message)
        return redirect("account_login")
    login(request, admin, backend=BACKEND)
    return redirect("home")


@policy("account.self")
@form_view
def me(request: SignedInRequest) -> HttpResponse:
    form = AccountForm(request.POST or None, instance=User.objects.get(pk=request.user.pk))
    if form.is_valid():
        accounts.change_person(user_id=request.user.pk, changes=form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("account_me")
    return render(request, "people/me.html", {"form": form})


@policy("account.self")
@require_POST
def theme(request: SignedInRequest) -> HttpResponse:
    """The colours from the account menu, which changes them at once where scripts run."""
    chosen = request.POST.get("theme")
    if chosen not in Theme.values:
        return HttpResponseBadRequest("There is no such theme.")
    accounts.change_person(user_id=request.user.pk, changes={"theme": chosen})
    return HttpResponse(status=204) if request.htmx else redirect("account_me")


@policy("account.sign_in")
class SetPassword(PasswordResetConfirmView):
    """Where a link from RevOps leads: choose a password, and be signed in."""

    template_name = "people/set_password.html"
    success_url = reverse_lazy("home")
    post_reset_login = True
    post_reset_login_backend = BACKEND

    def get_user(self, uidb64: str) -> User | None:
        user = super().get_user(uidb64)
        return user if user and user.is_active else None
