"""The moves of one lead: for each who may, what it asks, and the verb that takes it."""

from typing import Any, ClassVar

from django.utils.timezone import now
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response

from alignment.api.idempotency import once
from alignment.api.problems import Problem, invalid_field
from alignment.api.requests import TokenRequest
from alignment.api.shapes import Body, read
from alignment.api.views import ApiView, missing_scope
from alignment.people.models import Scope, User
from alignment.people.permissions import policy, require
from leads import answering, lifecycle, qualifying
from leads.answering import answered_by_another
from leads.api.asked import (
    AdvanceBody,
    AttachBody,
    HandOverBody,
    LoseBody,
    NoteBody,
    QualifyBody,
    RecycleBody,
    RejectBody,
    RequalifyBody,
    WinBody,
)
from leads.api.leads import api_cause, one, standing_lead
from leads.api.shapes import MovedSerializer, TransitionSerializer
from leads.causes import Cause
from leads.decisions import Code, Refusal
from leads.drafts import DealDraft
from leads.milestones import Milestone
from leads.models import Lead, LeadTransition
from leads.passes import Move as Row
from leads.sentences import FIRST, who_did, why_refused
from leads.stages.stages import Stages

RELATED = ("from_stage", "to_stage", "reason", "actor", "track", "note")


class MoveView(ApiView):
    """A move of one lead. Everything that it may do to one lead, the page's buttons may too."""

    tag = "Moves"
    body: ClassVar[type[Body]] = NoteBody
    answers: ClassVar[bool] = False

    @once
    def post(self, request: TokenRequest, pk: int) -> Response:
        lead = standing_lead(pk)
        if self.answers and (first := answered_by_another(lead, request.user, self.policy.default)):
            raise was_first(who_did(first, viewer=request.user, now=now()), first)
        require(request.user, self.policy.default, lead)
        data = read(self.body, request)
        if data.get("override"):
            require_override(request, lead)
        try:
            moved = self.take(lead, data, api_cause(request))
        except qualifying.NotQualifiedError as error:
            raise refused(error.refusal, request.user) from error
        return taken(moved, request.user)

    def take(self, lead: Lead, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        """Call the verb with what was asked."""
        raise NotImplementedError


def require_override(request: TokenRequest, lead: Lead) -> None:
    """Raises what it takes where user or token may not pass entry criteria."""
    require(request.user, "lead.override", lead)
    if not request.auth.allows(Scope.ADMIN):
        raise missing_scope(Scope.ADMIN)


def taken(moved: lifecycle.Moved, viewer: User) -> Response:
    """The move that was written and the lead after it. Raises Problem for one that was refused."""
    if moved.refused:
        raise refused(moved.refused[0], viewer)
    [step] = moved.taken
    row = LeadTransition.objects.select_related(*RELATED).get(pk=moved.transition_id(step))
    return Response({"transition": TransitionSerializer(row).data, "lead": one(step.lead_id)})


def refused(refusal: Refusal, viewer: User) -> Problem:
    """Why a step was not taken: 422 for what it lacks, else 409, with the move that stands in the way."""
    sentence = why_refused(refusal, viewer=viewer, now=now())
    if refusal.code == Code.UNKNOWN_LEAD:
        return Problem(404, "not_found", "There is nothing here", sentence)
    if refusal.code in (Code.CRITERIA, Code.REASON):
        return Problem(422, refusal.code, "The lead does not show what this move asks for", sentence)
    if refusal.code in FIRST and refusal.standing:
        return was_first(sentence, refusal.standing, refusal.code)
    return Problem(409, refusal.code, "The lead does not stand where this is possible", sentence)


def was_first(sentence: str, row: Row | LeadTransition, code: str = Code.CONFLICT) -> Problem:
    """409: the move that brought the lead to where it stands."""
    first = {"transition": row.id, "kind": row.kind, "actor": row.actor_id, "recorded_at": row.recorded_at}
    return Problem(409, code, "Somebody was first", sentence, first=first)


def described(name: str, body: type[Body], **more: Any) -> Any:
    """Says in the schema what a move asks and answers."""
    posted = extend_schema(operation_id=f"leads_{name}", request=body, responses=MovedSerializer, **more)
    return extend_schema_view(post=posted)


# The hand-off and its answer ----------------------------------------------------------------------------------


@policy("lead.qualify", by_token=True)
@described("hand_over", HandOverBody, description="Marketing hands the lead to sales (MQL): the promise starts.")
class HandOver(MoveView):
    body = HandOverBody

    def take(self, lead: Lead, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        mql = Stages.load().first(Milestone.MQL)
        return lifecycle.advance(lead_ids=[lead.pk], to=mql, cause=cause, **data)


@policy("lead.dispose", by_token=True)
@described("accept", NoteBody, description="Sales accepts. A lead that nobody holds becomes the user's.")
class Accept(MoveView):
    tag, answers = "Disposition", True

    def take(self, lead: Lead, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        return answering.accept(lead_ids=[lead.pk], cause=cause, note=data["note"])


@policy("lead.dispose", by_token=True)
@described("reject", RejectBody, description="Sales rejects, with a reason that both teams agreed on.")
class Reject(MoveView):
    tag, body, answers = "Disposition", RejectBody, True

    def take(self, lead: Lead, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        return lifecycle.reject(lead_ids=[lead.pk], reason_id=data["reason"].pk, cause=cause, note=data["note"])


@policy("lead.dispose", by_token=True)
@described("recycle", RecycleBody, description="Back to nurture, onto a track, until a day to look again.")
class Recycle(MoveView):
    tag, body, answers = "Disposition", RecycleBody, True

    def take(self, lead: Lead, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        return lifecycle.recycle(
            lead_ids=[lead.pk],
            cause=cause,
            reason_id=data["reason"].pk if data["reason"] else None,
            track_id=data["track"].pk if data["track"] else None,
            revisit_on=data["revisit_on"],
            note=data["note"],
        )


# The work of sales --------------------------------------------------------------------------------------------


@policy("lead.advance", by_token=True)
@described("qualify", QualifyBody, description="The accepted lead becomes an opportunity (SQO): opens its deal.")
class Qualify(MoveView):
    body = QualifyBody

    def take(self, lead: Lead, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        how = {name: data.pop(name) for name in ("confirmations", "override", "note")}
        if data["name"] == "":
            data["name"] = lead.company_name or lead.display_name
        deal = DealDraft(**data, owner_id=lead.owner_id)
        return qualifying.qualify(lead_id=lead.pk, deal=deal, cause=cause, **how)


@policy("lead.advance", by_token=True)
@described("advance", AdvanceBody, description="On to a stage that has no move of its own, such as a proposal.")
class Advance(MoveView):
    body = AdvanceBody

    def take(self, lead: Lead, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        stages, stage = Stages.load(), data.pop("stage")
        if stage.position <= stages.acceptance().position:
            raise invalid_field("/stage", f"{stage} has a move of its own: hand-over or accept.")
        if stage == stages.first(Milestone.SQO):
            raise invalid_field("/stage", f"{stage} has a move of its own: qualify, which opens the deal.")
        return lifecycle.advance(lead_ids=[lead.pk], to=stage, cause=cause, **data)


@policy("lead.advance", by_token=True)
@described("win", WinBody, description="The deal is won: the lead is a customer.")
class Win(MoveView):
    body = WinBody

    def take(self, lead: Lead, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        reason = data["reason"].pk if data["reason"] else None
        return lifecycle.win(lead_ids=[lead.pk], reason_id=reason, cause=cause, note=data["note"])


@policy("lead.advance", by_token=True)
@described("lose", LoseBody, description="The deal is lost, with a reason.")
class Lose(MoveView):
    body = LoseBody

    def take(self, lead: Lead, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        return lifecycle.lose(lead_ids=[lead.pk], reason_id=data["reason"].pk, cause=cause, note=data["note"])


@policy("lead.advance", by_token=True)
@described("attach", AttachBody, description="The lead joins an open deal of its account.")
class Attach(MoveView):
    body = AttachBody

    def take(self, lead: Lead, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        deal = data["opportunity"]
        return lifecycle.attach(lead_ids=[lead.pk], opportunity_id=deal, cause=cause, note=data["note"])


# Coming back --------------------------------------------------------------------------------------------------


@policy("lead.requalify", by_token=True)
@described("requalify", RequalifyBody, description="The next pass of a closed lead begins, as MQL.")
class Requalify(MoveView):
    body = RequalifyBody

    def take(self, lead: Lead, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        return lifecycle.requalify(lead_ids=[lead.pk], cause=cause, **data)


@policy("lead.advance", by_token=True)
@described("reopen", NoteBody, description="The same pass goes on as if it had not been closed.")
class Reopen(MoveView):
    def take(self, lead: Lead, data: dict[str, Any], cause: Cause) -> lifecycle.Moved:
        return lifecycle.reopen(lead_ids=[lead.pk], cause=cause, note=data["note"])
