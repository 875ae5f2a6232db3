"""Adding and editing leads, handing them over, logging what was done, and mending their history."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.utils.timezone import now
from django.views.decorators.http import require_POST
from django_htmx.http import reswap, retarget

from alignment.lib.emails import email_key_or_blank
from alignment.lib.form_pages import form_page, form_view
from alignment.people.permissions import policy, require
from alignment.people.requests import SignedInRequest
from leads import activities, adding, editing, following, forms, holders, lifecycle
from leads.activities import Activity
from leads.hands import owners_for
from leads.hygiene import duplicates
from leads.models import Lead, LeadTransition
from leads.sentences import why_refused
from leads.views import answers
from leads.views.moving import page_cause

MOST_SUSPECTS = 4


# Who a lead is ------------------------------------------------------------------------------------------------


@policy("lead.create")
@form_view
def new(request: SignedInRequest) -> HttpResponse:
    """Add a lead. A known address asks first whether this is that lead; so does whatever else speaks for it."""
    initial = {"owner": request.user.pk}
    form = forms.NewLeadForm(request.POST or None, initial=initial, owners=owners_for(request.user))
    if not form.is_valid():
        return form_page(request, "leads/new.html", {"form": form})
    known = _known(form.cleaned_data["email"])
    if known and request.POST.get("join") != str(known.pk):
        return render(request, "leads/new.html", {"form": form, "known": known}, status=409)
    suspects = [] if known or "anyway" in request.POST else duplicates.of_draft(form.draft)[:MOST_SUSPECTS]
    if suspects:
        return render(request, "leads/new.html", {"form": form, "suspects": suspects}, status=409)
    received = adding.add(draft=form.draft, cause=page_cause(request))
    said = "Added to <b>{}</b>." if known else "<b>{}</b> is in."
    lead = Lead.objects.get(pk=received.lead_ids[0])
    messages.success(request, format_html(said, lead.display_name))
    return redirect("lead", lead.pk)


def _known(email: str) -> Lead | None:
    key = email_key_or_blank(email)
    return Lead.objects.standing().filter(email_key=key).select_related("owner", "stage").first() if key else None


@policy("lead.edit")
@form_view
def edit(request: SignedInRequest, pk: int) -> HttpResponse:
    lead = get_object_or_404(Lead.objects.standing().select_related("owner"), pk=pk)
    require(request.user, "lead.edit", lead)
    form = forms.EditLeadForm(request.POST or None, lead=lead)
    if form.is_valid():
        try:
            editing.edit(lead_id=pk, changes=form.values, cause=page_cause(request))
        except editing.EmailTakenError as error:
            form.add_error("email", str(error))
        else:
            messages.success(request, "Saved.")
            return redirect("lead", pk)
    return form_page(request, "leads/edit.html", {"lead": lead, "form": form})


# Who has it, and what was done --------------------------------------------------------------------------------


@policy("lead.assign")
@form_view
def assign(request: SignedInRequest, pk: int) -> HttpResponse:
    lead = get_object_or_404(Lead.objects.standing().select_related("owner"), pk=pk)
    form = forms.AssignForm(request.POST or None, initial={"owner": lead.owner_id})
    if not form.is_valid():
        context = {"lead": lead, "form": form, "back": answers.way_back(request, lead)}
        return form_page(request, "leads/assign.html", context)
    owner = form.cleaned_data["owner"]
    holders.hold(
        assignments=[holders.Assignment(pk, owner.pk if owner else None)],
        cause=page_cause(request),
        why=form.cleaned_data["why"],
    )
    text = format_html("<b>{}</b> is held by {} now.", lead.display_name, owner or "nobody")
    return answers.done(request, lead, text)


@policy("lead.touch")
@require_POST
def touch(request: SignedInRequest, pk: int) -> HttpResponse:
    """Log what came of an attempt to reach the lead."""
    lead = get_object_or_404(Lead.objects.standing(), pk=pk)
    form = forms.ActivityForm(request.POST)
    if not form.is_valid():
        return _activity_asked(request, lead, form)
    activity = Activity(form.cleaned_data["activity"])
    activities.log(lead_id=pk, activity=activity, note=form.cleaned_data["note"], cause=page_cause(request))
    following.done_if_due(lead_ids=[pk], cause=page_cause(request))
    if not lead.may_be_contacted:
        messages.warning(request, f"{lead.display_name} must not be contacted: it is logged, and should not go on.")
    return answers.done(request, lead, format_html("Logged for <b>{}</b>: {}.", lead.display_name, activity.label))


def _activity_asked(request: SignedInRequest, lead: Lead, form: forms.ActivityForm) -> HttpResponse:
    context = {"lead": lead, "activity_form": form}
    if not request.htmx:
        return render(request, "leads/activity.html", context, status=422)
    return reswap(retarget(render(request, "leads/_activity.html", context, status=422), "#activity"), "outerHTML")


# History ------------------------------------------------------------------------------------------------------


def _move(pk: int, move: int) -> LeadTransition:
    moves = LeadTransition.objects.select_related("lead", "actor", "from_stage", "to_stage")
    return get_object_or_404(moves, pk=move, lead_id=pk)


@policy("lead.undo")
@require_POST
def undo(request: SignedInRequest, pk: int, move: int) -> HttpResponse:
    """Take back the newest move, within 24 hours."""
    row = _move(pk, move)
    require(request.user, "lead.undo", row)
    moved = lifecycle.undo(lead_id=pk, transition_id=move, cause=page_cause(request))
    if moved.refused:
        return answers.refused(request, row.lead, moved.refused[0].message)
    return answers.done(request, row.lead, format_html("<b>{}</b> is back where it was.", row.lead.display_name))


@policy("lead.correct")
@form_view
def correct(request: SignedInRequest, pk: int, move: int) -> HttpResponse:
    row = _move(pk, move)
    form = forms.CorrectForm(request.POST or None, move=row)
    if form.is_valid():
        moved = lifecycle.correct(
            lead_id=pk,
            transition_id=move,
            at=form.cleaned_data["at"],
            note=form.cleaned_data["note"],
            cause=page_cause(request),
        )
        if not moved.refused:
            return answers.done(request, row.lead, "Corrected.")
        form.add_error(None, why_refused(moved.refused[0], viewer=request.user, now=now()))
    context = {"lead": row.lead, "move": row, "form": form}
    return form_page(request, "leads/correct.html", context)
