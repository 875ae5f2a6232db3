"""How a move is offered, asked for and taken on a page; `leads.views.moves` holds the moves themselves."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.timezone import now
from django.views import View
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import reswap, retarget

from alignment.people.models import User
from alignment.people.permissions import Policy, can, require
from alignment.people.requests import SignedInRequest
from leads import forms, lifecycle, qualifying
from leads.answering import answered_by_another
from leads.causes import Cause
from leads.decisions import Code, Refusal
from leads.milestones import CauseSource
from leads.models import Lead
from leads.sentences import who_did, why_refused
from leads.stages.stages import Stages
from leads.views import answers

DECIDE = "decide"
"""The id of the element in which a page offers the moves of a lead, or asks for what one of them needs."""


def page_cause(request: SignedInRequest) -> Cause:
    """The cause of what a visitor writes on a page."""
    return Cause(CauseSource.PAGE, actor_id=request.user.pk)


@dataclass(frozen=True, slots=True)
class Option:
    """A move that a page offers. `asks`: it needs a form first. `answers`: it takes the lead off the queue."""

    url: str
    label: str
    icon: str
    key: str
    asks: bool
    answers: bool


@method_decorator(vary_on_headers("HX-Request", "HX-Target"), name="dispatch")
class MoveView(View):
    """A move of one lead: who may take it, what it asks, when it is offered, and the verb that takes it."""

    http_method_names = ["get", "head", "post"]
    do_not_call_in_templates = True

    policy: ClassVar[Policy]
    route: ClassVar[str]
    label: ClassVar[str]
    icon: ClassVar[str]
    past: ClassVar[str]
    key: ClassVar[str] = ""
    answers: ClassVar[bool] = False
    form_class: ClassVar[type[forms.MoveForm]] = forms.MoveForm

    lead: Lead

    def dispatch(self, request: SignedInRequest, pk: int) -> HttpResponse:  # type: ignore[override]
        self.lead = get_object_or_404(Lead.objects.filter(withdrawn_at=None).select_related("stage", "owner"), pk=pk)
        if request.method == "POST" and (first := self._who_was_first(request.user)):
            return answers.refused(request, self.lead, first)
        require(request.user, self.policy.default, self.lead)
        return super().dispatch(request, pk)  # type: ignore[return-value]

    def get(self, request: SignedInRequest, pk: int) -> HttpResponse:
        return self._asked(request, self.form(request.user, initial=request.GET.dict()))

    def post(self, request: SignedInRequest, pk: int) -> HttpResponse:
        form = self.form(request.user, request.POST)
        if not form.is_valid():
            return self._asked(request, form, status=422)
        try:
            moved = self.take(form.cleaned_data, page_cause(request))
        except qualifying.NotQualifiedError as error:
            return self._refused(request, form, error.refusal)
        if moved.refused:
            return self._refused(request, form, moved.refused[0])
        undo = reverse("lead_undo", args=[self.lead.pk, moved.transition_id(moved.taken[0])])
        back = urlencode({"next": answers.way_back(request, self.lead)})
        return answers.done(request, self.lead, self.told(form.cleaned_data), undo=f"{undo}?{back}")

    # What each move says of itself

    @classmethod
    def option(cls, lead: Lead, stages: Stages) -> Option | None:
        """The move as it is offered for this lead; None while it makes no sense."""
        return cls.offer(lead) if cls.fits(lead, stages) else None

    @classmethod
    def fits(cls, lead: Lead, stages: Stages) -> bool:
        """Whether the move makes sense where the lead stands (`lead.stage` is loaded)."""
        raise NotImplementedError

    @classmethod
    def offer(cls, lead: Lead, label: str = "", **query: int) -> Option:
        url = reverse(cls.route, args=[lead.pk]) + (f"?{urlencode(query)}" if query else "")
        return Option(url, label or cls.label, cls.icon, cls.key, cls.asks(), cls.answers)

    @classmethod
    def asks(cls) -> bool:
        """Whether it needs more than a note."""
        return cls.form_class not in (forms.MoveForm, forms.OverridableForm)

    @property
    def address(self) -> str:
        """Where its form is sent."""
        return reverse(self.route, args=[self.lead.pk])

    def form(self, user: User, data: Any = None, initial: Any = None) -> forms.MoveForm:
        """The form of this move, for `user`."""
        options: dict[str, Any] = {"lead": self.lead, "initial": initial}
        if issubclass(self.form_class, forms.OverridableForm):
            options["may_override"] = can(user, "lead.override", self.lead)
        return self.form_class(data, **options)

    def take(self, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        """Call the verb with what the form holds."""
        raise NotImplementedError

    def told(self, data: dict[str, Any]) -> str:
        """What the note says afterwards."""
        return format_html("{} <b>{}</b>.", self.past, self.lead.display_name)

    # Answers

    def _who_was_first(self, user: User) -> str:
        newest = answered_by_another(self.lead, user, self.policy.default) if self.answers else None
        return who_did(newest, viewer=user, now=now()) if newest else ""

    def _asked(self, request: SignedInRequest, form: forms.MoveForm, status: int = 200) -> HttpResponse:
        context = {"lead": self.lead, "asked": self, "form": form, "back": answers.way_back(request, self.lead)}
        if not request.htmx:
            return render(request, "leads/move.html", context, status=status)
        if status == 422 and request.htmx.target != DECIDE:
            return answers.lacking(request, " ".join(str(each) for said in form.errors.values() for each in said))
        response = render(request, "leads/_decide.html", context, status=status)
        return reswap(retarget(response, f"#{DECIDE}"), "outerHTML")

    def _refused(self, request: SignedInRequest, form: forms.MoveForm, refusal: Refusal) -> HttpResponse:
        if refusal.code in (Code.CRITERIA, Code.REASON):
            form.add_error(None, refusal.message)
            return self._asked(request, form, status=422)
        return answers.refused(request, self.lead, why_refused(refusal, viewer=request.user, now=now()))
