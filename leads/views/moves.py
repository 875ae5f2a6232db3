"""The moves of a lead: for each its address, who may, when it is offered, what it asks and the verb that takes it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET

from alignment.people.models import Company, User
from alignment.people.permissions import can, policy, why_not
from alignment.people.requests import SignedInRequest
from leads import answering, disposition_forms, forms, lifecycle, qualifying
from leads.causes import Cause
from leads.drafts import DealDraft
from leads.merging import twins
from leads.milestones import Milestone, Outcome, QualifiedBy
from leads.models import Lead, Stage
from leads.nurture import recycling
from leads.stages.stages import Stages
from leads.views import answers
from leads.views.moving import MoveView, Option, page_cause

CLOSED_BY_SALES = (Outcome.REJECTED, Outcome.RECYCLED, Outcome.LOST, Outcome.WON)


# The hand-off and its answer ----------------------------------------------------------------------------------


@policy("lead.qualify")
class HandOver(MoveView):
    """Marketing hands the lead to sales: the promise starts."""

    route, label, icon, past = "lead_hand_over", "Hand to sales", "handshake", "Handed to sales:"
    form_class = forms.OverridableForm

    @classmethod
    def fits(cls, lead: Lead, stages: Stages) -> bool:
        return lead.is_open and lead.milestone < Milestone.MQL

    def take(self, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        return lifecycle.advance(
            lead_ids=[self.lead.pk],
            to=Stages.load().first(Milestone.MQL),
            cause=cause,
            qualified_by=QualifiedBy.MANUAL,
            override=data["override"],
            note=data["note"],
        )


@policy("lead.dispose")
class Accept(MoveView):
    route, label, icon, past, key, answers = "lead_accept", "Accept", "check", "Accepted", "a", True

    @classmethod
    def fits(cls, lead: Lead, stages: Stages) -> bool:
        return lead.is_open and lead.stage.position < stages.acceptance().position

    def take(self, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        return answering.accept(lead_ids=[self.lead.pk], cause=cause, note=data["note"])


@policy("lead.dispose")
class Reject(MoveView):
    route, label, icon, past, key, answers = "lead_reject", "Reject", "x", "Rejected", "r", True
    form_class = disposition_forms.RejectForm

    @classmethod
    def fits(cls, lead: Lead, stages: Stages) -> bool:
        return lead.is_open and Milestone.MQL <= lead.milestone <= Milestone.SQL

    def take(self, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        if data["instead"]:
            return recycling.instead(lead_ids=[self.lead.pk], cause=cause, **_where_to(data))
        return lifecycle.reject(lead_ids=[self.lead.pk], reason_id=data["reason"].pk, cause=cause, note=data["note"])

    def post(self, request: SignedInRequest, pk: int) -> HttpResponse:
        """A duplicate whose other lead is named is merged with it."""
        form = self.form(request.user, request.POST)
        if form.is_valid() and form.cleaned_data["same_as"]:
            return self._merged(request, form, form.cleaned_data["same_as"])
        return super().post(request, pk)

    def _merged(self, request: SignedInRequest, form: forms.MoveForm, other: Lead) -> HttpResponse:
        merged = twins.merge(lead=self.lead, other=other, cause=page_cause(request), note=form.cleaned_data["note"])
        if merged.refused:
            form.add_error("same_as", merged.refused[0].message)
            return self._asked(request, form, status=422)
        [(kept_id, key)] = merged.keys.items()
        kept = Lead.objects.get(pk=kept_id)
        waits = " It still waits for an answer." if kept == self.lead else ""
        text = format_html(
            "<b>{}</b> and lead {} are one lead now.{}",
            kept.display_name,
            ({self.lead.pk, other.pk} - {kept.pk}).pop(),
            waits,
        )
        return answers.done(request, self.lead, text, undo=reverse("merge_undo", args=[key]))

    def told(self, data: dict[str, Any]) -> str:
        if data["instead"]:
            return _recycled(self.lead, data)
        return format_html("Rejected <b>{}</b>: {}.", self.lead.display_name, data["reason"].label.lower())


@policy("lead.dispose")
class Recycle(MoveView):
    """Back to nurture."""

    route, label, icon, past, key, answers = "lead_recycle", "Recycle", "rotate-ccw", "Recycled", "n", True
    form_class = disposition_forms.RecycleForm

    @classmethod
    def fits(cls, lead: Lead, stages: Stages) -> bool:
        return Reject.fits(lead, stages)

    def take(self, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        return lifecycle.recycle(
            lead_ids=[self.lead.pk],
            cause=cause,
            reason_id=data["reason"].pk if data["reason"] else None,
            **_where_to(data),
        )

    def told(self, data: dict[str, Any]) -> str:
        return _recycled(self.lead, data)


def _where_to(data: dict[str, Any]) -> dict[str, Any]:
    """Track, day and note of a form, as the verbs take them."""
    track = data["track"].pk if data["track"] else None
    return {"track_id": track, "revisit_on": data["revisit_on"], "note": data["note"]}


def _recycled(lead: Lead, data: dict[str, Any]) -> str:
    track = data["track"].name if data["track"] else "nurture"
    again = f", to look at again on {data['revisit_on']:%-d %B %Y}" if data["revisit_on"] else ""
    return format_html("Recycled <b>{}</b> to {}{}.", lead.display_name, track, again)


# The work of sales --------------------------------------------------------------------------------------------


@policy("lead.advance")
class Qualify(MoveView):
    """The lead becomes an opportunity."""

    route, label, icon, past = "lead_qualify", "Qualify", "badge-check", "Qualified"
    form_class = forms.QualifyForm

    @classmethod
    def fits(cls, lead: Lead, stages: Stages) -> bool:
        return lead.is_open and stages.acceptance().position <= lead.stage.position and lead.milestone < Milestone.SQO

    def form(self, user: User, data: Any = None, initial: Any = None) -> forms.MoveForm:
        return forms.QualifyForm(
            data,
            lead=self.lead,
            initial=initial,
            company=Company.get(),
            stage=Stages.load().first(Milestone.SQO),
            may_override=can(user, "lead.override", self.lead),
        )

    def take(self, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        deal = DealDraft(
            name=data["name"],
            currency=data["currency"],
            amount=data["amount"],
            rate=data["rate"],
            expected_close_on=data["expected_close_on"],
            owner_id=self.lead.owner_id,
        )
        return qualifying.qualify(
            lead_id=self.lead.pk,
            deal=deal,
            confirmations=data.get("confirmations", []),
            cause=cause,
            override=data["override"],
            note=data["note"],
        )


@policy("lead.advance")
class Advance(MoveView):
    """On to a stage that has no move of its own, for example Proposal; the address names it, so that nobody
    advances twice from an old page."""

    route, label, icon, past = "lead_advance", "Move on", "arrow-right", "Moved on:"
    form_class = forms.OverridableForm

    @classmethod
    def option(cls, lead: Lead, stages: Stages) -> Option | None:
        target = stages.after(lead.stage) if lead.is_open else None
        if target is None or target.milestone == Milestone.WON:
            return None
        has_own_move = target.position <= stages.acceptance().position or target == stages.first(Milestone.SQO)
        return None if has_own_move else cls.offer(lead, f"Move to {target}", to=target.pk)

    @property
    def target(self) -> Stage:
        """The stage that the address names; without one, the next."""
        to = self.request.GET.get("to", "")
        if to.isdecimal():
            return get_object_or_404(Stage.objects.in_use(), pk=to)
        return Stages.load().after(self.lead.stage) or self.lead.stage

    @property
    def address(self) -> str:
        return f"{super().address}?to={self.target.pk}"

    def form(self, user: User, data: Any = None, initial: Any = None) -> forms.MoveForm:
        may_override = can(user, "lead.override", self.lead)
        return forms.OverridableForm(
            data, lead=self.lead, initial=initial, may_override=may_override, stage=self.target
        )

    def take(self, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        return lifecycle.advance(
            lead_ids=[self.lead.pk],
            to=self.target,
            cause=cause,
            confirmations=data.get("confirmations", []),
            override=data["override"],
            note=data["note"],
        )

    def told(self, data: dict[str, Any]) -> str:
        return format_html("<b>{}</b> is in {} now.", self.lead.display_name, self.target)


@policy("lead.advance")
class Win(MoveView):
    route, label, icon, past = "lead_win", "Won", "trophy", "Won:"
    form_class = forms.WinForm

    @classmethod
    def fits(cls, lead: Lead, stages: Stages) -> bool:
        return lead.is_open and lead.milestone == Milestone.SQO

    def take(self, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        reason = data["reason"].pk if data["reason"] else None
        return lifecycle.win(lead_ids=[self.lead.pk], reason_id=reason, cause=cause, note=data["note"])


@policy("lead.advance")
class Lose(MoveView):
    route, label, icon, past = "lead_lose", "Lost", "circle-x", "Lost:"
    form_class = forms.LoseForm

    @classmethod
    def fits(cls, lead: Lead, stages: Stages) -> bool:
        return Win.fits(lead, stages)

    def take(self, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        return lifecycle.lose(lead_ids=[self.lead.pk], reason_id=data["reason"].pk, cause=cause, note=data["note"])


@policy("lead.advance")
class Attach(MoveView):
    """The lead joins an open deal of its account."""

    route, label, icon, past = "lead_attach", "Join a deal", "link", "Joined to its deal:"
    form_class = forms.AttachForm

    @classmethod
    def fits(cls, lead: Lead, stages: Stages) -> bool:
        before_deal = lead.is_open and lead.account_id is not None and lead.milestone < Milestone.SQO
        return before_deal and forms.joinable_deals(lead).exists()

    def take(self, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        deal = data["opportunity"].pk
        return lifecycle.attach(lead_ids=[self.lead.pk], opportunity_id=deal, cause=cause, note=data["note"])


# Coming back --------------------------------------------------------------------------------------------------


@policy("lead.requalify")
class Requalify(MoveView):
    """The next pass begins."""

    route, label, icon, past = "lead_requalify", "Bring back as MQL", "refresh-cw", "Back with sales:"

    @classmethod
    def fits(cls, lead: Lead, stages: Stages) -> bool:
        return lead.outcome in CLOSED_BY_SALES

    def take(self, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        return lifecycle.requalify(lead_ids=[self.lead.pk], cause=cause, note=data["note"])


@policy("lead.advance")
class Reopen(MoveView):
    """The same pass goes on as if it had not been closed."""

    route, label, icon, past = "lead_reopen", "Reopen", "undo-2", "Reopened"

    @classmethod
    def fits(cls, lead: Lead, stages: Stages) -> bool:
        return lead.outcome in (*CLOSED_BY_SALES, Outcome.ATTACHED)

    def take(self, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        return lifecycle.reopen(lead_ids=[self.lead.pk], cause=cause, note=data["note"])


# All of them --------------------------------------------------------------------------------------------------

MOVES: tuple[type[MoveView], ...] = (
    HandOver, Accept, Qualify, Advance, Win, Requalify, Reject, Recycle, Lose, Reopen, Attach,
)  # fmt: skip
"""In the order in which a page offers them: the usual next step comes first."""


def panel(lead: Lead, user: User, stages: Stages, back: str) -> dict[str, Any]:
    """What `leads/_decide.html` shows of this lead to `user` (`lead.stage` and `lead.owner` are loaded)."""
    allowed = (move for move in MOVES if not lead.merged_into_id and can(user, move.policy.default, lead))
    options = [option for move in allowed if (option := move.option(lead, stages))]
    return {"lead": lead, "options": options, "hint": _hint(lead, user, options, stages), "back": back}


def _hint(lead: Lead, user: User, options: list[Option], stages: Stages) -> str:
    if any(option.key == Accept.key for option in options):
        takes = " and is yours" if lead.owner is None else ""
        return f"Accepting answers it: the lead moves to {stages.acceptance()}{takes}."
    if options or not lead.is_open:
        return ""
    return why_not(user, "lead.dispose" if lead.milestone <= Milestone.MQL else "lead.advance", lead)


@policy("lead.view")
@require_GET
def decide(request: SignedInRequest, pk: int) -> HttpResponse:
    """The moves to choose from, after somebody thought better of one of them."""
    lead = get_object_or_404(Lead.objects.filter(withdrawn_at=None).select_related("stage", "owner"), pk=pk)
    back = answers.way_back(request, lead)
    if not request.htmx:
        return redirect(back)
    return render(request, "leads/_decide.html", panel(lead, request.user, Stages.load(), back))
