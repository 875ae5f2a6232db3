"""The pages of saved views: save, rename, share, begin with, replace, delete; and the choice of columns."""

from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe

from alignment.desk import lead_columns
from alignment.desk.lead_list import LeadList
from alignment.desk.models import DefaultView, SavedView
from alignment.desk.saved import verbs
from alignment.desk.saved.forms import SavedViewForm, initial
from alignment.lib.form_pages import form_page, form_view
from alignment.people.permissions import policy, require
from alignment.people.requests import SignedInRequest


def shown_query(asked: Mapping[str, str]) -> str:
    """The filters and columns of an address, as a view keeps them."""
    return urlencode([pair for pair in LeadList(asked, at=now()).query if pair[0] != "view"])


@policy("view.save")
@form_view
def new(request: SignedInRequest) -> HttpResponse:
    """Save what the address asks for."""
    query = shown_query(request.GET.dict())
    form = SavedViewForm(request.POST or None, owner=request.user)
    if form.is_valid():
        try:
            view = verbs.save(query=query, by=request.user, **form.cleaned_data)
        except verbs.NameTakenError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"“{view}” is saved.")
            return redirect(view)
    context = {"form": form, "back": f"{reverse('leads')}?{query}", "list": LeadList(request.GET.dict(), at=now())}
    return form_page(request, "desk/view_new.html", context)


@policy("view.edit")
@form_view
def edit(request: SignedInRequest, pk: int) -> HttpResponse:
    """Its name, who sees it, and whether one's list begins with it."""
    view = _view(request, pk)
    require(request.user, "view.edit", view)
    begins = DefaultView.objects.filter(user=request.user, view=view).exists()
    form = SavedViewForm(request.POST or None, owner=view.owner, initial=initial(view, is_default=begins))
    if form.is_valid():
        try:
            verbs.change(view=view, by=request.user, **form.cleaned_data)
        except verbs.NameTakenError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, "Saved.")
            return redirect(view)
    # What was typed stays in the form, and the heading says what is stored.
    context = {"view": _view(request, pk), "form": form}
    return form_page(request, "desk/view_edit.html", context)


@policy("view.edit")
@require_POST
def replace(request: SignedInRequest, pk: int) -> HttpResponse:
    """Keep the filters of the address under this name."""
    view = _view(request, pk)
    require(request.user, "view.edit", view)
    verbs.replace(view=view, query=shown_query(request.GET.dict()))
    messages.success(request, f"“{view}” shows this from now on.")
    return redirect(view)


@policy("view.edit")
@require_POST
def delete(request: SignedInRequest, pk: int) -> HttpResponse:
    view = _view(request, pk)
    require(request.user, "view.edit", view)
    verbs.delete(view=view)
    messages.success(request, f"“{view}” is deleted.")
    return redirect(f"{reverse('leads')}?view=all")


@policy("view.save")
@require_POST
def begin(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let one's own list begin with a view, also with somebody else's, or not any more."""
    view = _view(request, pk)
    begins = DefaultView.objects.filter(user=request.user, view=view).exists()
    verbs.set_default(user=request.user, view=None if begins else view, unless=view)
    messages.success(
        request, "Your list begins with all leads again." if begins else f"Your list begins with “{view}”."
    )
    return redirect(view)


@policy("lead.view")
@require_safe
def columns(request: SignedInRequest) -> HttpResponse:
    """Which columns the list shows, and in which order; each press is an address."""
    shown = lead_columns.parse(request.GET.get("columns", ""))
    rest = [pair for pair in LeadList(request.GET.dict(), at=now()).query if pair[0] != "columns"]
    chosen = lead_columns.keys(shown)
    back = urlencode([*rest, *([("columns", chosen)] if chosen else [])])
    context = {
        "choices": lead_columns.choices(shown),
        "is_usual": not chosen,
        "rest": urlencode(rest),
        "back": f"{reverse('leads')}?{back}" if back else f"{reverse('leads')}?view=all",
    }
    return render(request, "desk/columns.html", context)


def _view(request: SignedInRequest, pk: int) -> SavedView:
    return get_object_or_404(SavedView.objects.seen_by(request.user).select_related("owner"), pk=pk)
