"""Feedback about a lead: giving it, and mending one's own words while nobody can have acted on them."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django_htmx.http import reswap, retarget

from alignment.lib.form_pages import form_page, form_view
from alignment.people.permissions import policy, require
from alignment.people.requests import SignedInRequest
from leads import feedback
from leads.forms import FeedbackForm
from leads.models import Feedback, Lead
from leads.views import answers


@policy("lead.feedback")
@form_view
def give(request: SignedInRequest, pk: int) -> HttpResponse:
    lead = get_object_or_404(Lead.objects.standing(), pk=pk)
    form = FeedbackForm(request.POST or None)
    if form.is_valid():
        feedback.give(lead_id=pk, text=form.cleaned_data["text"], by=request.user)
        return answers.done(request, lead, format_html("Sent: your feedback on <b>{}</b>.", lead.display_name))
    status = 422 if request.method == "POST" else 200
    context = {"lead": lead, "feedback_form": form}
    if request.htmx:
        response = render(request, "leads/_feedback.html", context, status=status)
        return reswap(retarget(response, "#feedback"), "outerHTML")
    return render(request, "leads/feedback.html", context, status=status)


@policy("lead.feedback_edit")
@form_view
def reword(request: SignedInRequest, pk: int, feedback_id: int) -> HttpResponse:
    given = get_object_or_404(Feedback.objects.select_related("lead"), pk=feedback_id, lead=pk)
    require(request.user, "lead.feedback_edit", given)
    form = FeedbackForm(request.POST or None, initial={"text": given.text})
    if form.is_valid():
        try:
            feedback.reword(feedback_id=feedback_id, text=form.cleaned_data["text"], by=request.user)
        except feedback.TooLateError as error:
            return answers.refused(request, given.lead, str(error))
        messages.success(request, "Saved.")
        return redirect("lead", pk)
    context = {"lead": given.lead, "form": form}
    return form_page(request, "leads/feedback_edit.html", context)
