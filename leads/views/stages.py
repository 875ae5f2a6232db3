"""The pages of stages: everybody reads what they mean, RevOps changes them, the heads sign."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from alignment.lib.form_pages import form_view
from alignment.ops import versions
from alignment.ops.draft_pages import as_seen
from alignment.people.models import Company
from alignment.people.permissions import policy, require
from alignment.people.requests import SignedInRequest
from leads.conditions.editor import Editor
from leads.conditions.fields import ABOUT_SCORED_LEAD
from leads.models import Stage, StageVersion
from leads.stages import forms as stage_forms
from leads.stages import setup as stage_setup
from leads.stages.mapping import standing_in
from leads.stages.pages import StagePage, changes, lines
from leads.stages.preview import preview


@policy("stages.view")
@require_safe
def setup_stages(request: SignedInRequest) -> HttpResponse:
    used, retired = lines()
    return render(request, "stages/stages.html", {"used": used, "retired": retired})


@policy("stages.view")
@require_safe
def setup_stage(request: SignedInRequest, key: str) -> HttpResponse:
    """What the stage is, who signed it, and what it was before."""
    return render(request, "stages/stage.html", {"page": StagePage(request.user, _stage(key))})


def _stage(key: str) -> Stage:
    return get_object_or_404(Stage.objects.select_related("mapped_to"), key=key)


def _in_use(key: str) -> Stage:
    stage = _stage(key)
    if stage.retired_at:
        raise Http404
    return stage


@policy("stages.manage")
@form_view
def setup_stage_new(request: SignedInRequest) -> HttpResponse:
    form = stage_forms.NewStageForm(request.POST or None, initial={"after": request.GET.get("after")})
    if form.is_valid():
        data = form.cleaned_data
        try:
            stage = stage_setup.add(
                name=data["name"], owning_side=data["owning_side"], after_id=data["after"].pk, by=request.user
            )
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, f"{stage} is there. Say what it means and asks for.")
            return redirect("setup_stage_edit", stage.key)
    return render(request, "stages/new.html", {"form": form}, status=_status(form.is_bound))


@policy("stages.manage")
@form_view
def setup_stage_edit(request: SignedInRequest, key: str) -> HttpResponse:
    """The draft: saved without effect, until it is published."""
    stage = _in_use(key)
    made_from = stage_setup.newest(stage)
    body = made_from.body
    editor = Editor(
        ABOUT_SCORED_LEAD, prefix="conditions", data=request.POST, stored=body["criteria"].get("conditions"),
        may_be_empty=True,
    )  # fmt: skip
    form = stage_forms.StageForm(request.POST or None, stage=stage, body=body)
    context = {"stage": stage, "form": form, "editor": editor, "draft": made_from}
    if not form.is_bound or editor.is_being_edited:
        return render(request, "stages/edit.html", context)
    condition = editor.value
    if not form.is_valid() or condition is None:
        return render(request, "stages/edit.html", context, status=422)
    try:
        seen, said = as_seen(request, made_from), form.body(condition.as_json())
        stage_setup.save(made_from=seen, body=said, by=request.user)
    except ValidationError as refusal:
        form.add_error(None, refusal)
        return render(request, "stages/edit.html", context, status=422)
    except versions.StaleDraftError:
        standing = stage_setup.newest(stage)
        form.add_error(None, f"{_meanwhile(standing)} Save again to have it your way.")
        return render(request, "stages/edit.html", context | {"draft": standing}, status=409)
    return redirect("setup_stage_publish", key)


def _meanwhile(version: StageVersion) -> str:
    """Who was first, and with what."""
    if version.is_draft:
        return f"{version.author or 'Somebody'} has changed this draft meanwhile."
    return f"{version.published_by or 'Somebody'} has published version {version.number} meanwhile."


@policy("stages.manage")
@form_view
def setup_stage_publish(request: SignedInRequest, key: str) -> HttpResponse:
    """What the draft would mean, and the step that lets it count."""
    stage = _in_use(key)
    draft = StageVersion.draft(key)
    if draft is None:
        return redirect("setup_stage", key)
    form, status = stage_forms.PublishForm(request.POST or None), 422 if request.POST else 200
    if form.is_valid():
        try:
            stage_setup.publish(draft=as_seen(request, draft), by=request.user, note=form.cleaned_data["note"])
        except ValidationError as refusal:
            form.add_error(None, refusal)
        except versions.StaleDraftError as refusal:
            form.add_error(None, str(refusal))
            status = 409
        else:
            messages.success(request, "It counts from now on. Both heads were asked to sign.")
            return redirect("setup_stage", key)
    counting = StageVersion.published(key)
    context = {
        "stage": stage, "form": form, "draft": draft, "preview": preview(stage, draft.body["criteria"]),
        "changes": changes(draft.body, counting.body) if counting else [],
    }  # fmt: skip
    return render(request, "stages/publish.html", context, status=status)


@policy("stages.manage")
@require_POST
def setup_stage_discard(request: SignedInRequest, key: str) -> HttpResponse:
    draft = StageVersion.draft(_stage(key).key)
    if draft and not versions.discard(as_seen(request, draft)):
        messages.error(request, "Meanwhile the draft was changed. Look at it again.")
        return redirect("setup_stage_publish", key)
    messages.success(request, "The draft is gone; what counts stays as it is.")
    return redirect("setup_stage", key)


@policy("stages.manage")
@require_POST
def setup_stage_restore(request: SignedInRequest, key: str, number: int) -> HttpResponse:
    """A draft with what an earlier version said, unless one stands."""
    stage = _in_use(key)
    version = get_object_or_404(StageVersion.objects.exclude(state="draft"), scope=stage.key, number=number)
    try:
        versions.restore(version, by=request.user)
    except versions.DraftStandsError as refusal:
        messages.error(request, str(refusal))
    return redirect("setup_stage_publish", key)


@policy("stages.sign")
@require_POST
def setup_stage_sign(request: SignedInRequest, key: str, number: int) -> HttpResponse:
    """A head stands behind the version that counts."""
    require(request.user, "stages.sign", Company.get())
    version = get_object_or_404(StageVersion, scope=key, number=number)
    try:
        sides = stage_setup.sign(version_id=version.pk, by=request.user)
    except ValidationError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"Signed for {' and '.join(side.label.lower() for side in sides)}.")
    return redirect("setup_stage", key)


@policy("stages.manage")
@require_POST
def setup_stage_move(request: SignedInRequest, key: str) -> HttpResponse:
    stage = _in_use(key)
    try:
        stage_setup.move(stage_id=stage.pk, later="later" in request.POST, by=request.user)
    except ValidationError as refusal:
        messages.error(request, refusal.message)
    return redirect("setup_stages")


@policy("stages.manage")
@form_view
def setup_stage_retire(request: SignedInRequest, key: str) -> HttpResponse:
    """Hand the stage's leads to another one; never deleted."""
    stage = _in_use(key)
    form = stage_forms.RetireStageForm(request.POST or None, stage=stage)
    if form.is_valid():
        data = form.cleaned_data
        try:
            mapped = stage_setup.retire(stage_id=stage.pk, to_id=data["to"].pk, why=data["why"], by=request.user)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            moved = f"{mapped.leads:,} lead{'' if mapped.leads == 1 else 's'}"
            messages.success(request, f"{stage} is retired; {moved} moved to {data['to']}.")
            return redirect(mapped.job.get_absolute_url() if mapped.job else "setup_stages")
    context = {"stage": stage, "form": form, "standing": standing_in(stage).count()}
    return render(request, "stages/retire.html", context, status=_status(form.is_bound))


def _status(is_bound: bool) -> int:
    return 422 if is_bound else 200
