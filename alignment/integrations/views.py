"""The pages of imports: upload, columns, preview, progress and result, undo."""

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from alignment.integrations import imports as verbs
from alignment.integrations import previewing, undoing, uploads
from alignment.integrations.columns import ColumnsPage
from alignment.integrations.importers.mapping import MappingError
from alignment.integrations.importers.tables import MAX_COLUMNS, NotATableError
from alignment.integrations.models import How, Import, ImportedLead, ImportProblem, ProblemKind, SavedMapping
from alignment.lib.csv import Cell
from alignment.lib.form_pages import form_view
from alignment.ops.exports import exported, wants_file
from alignment.people.permissions import can, policy, require
from alignment.people.requests import SignedInRequest
from leads.hygiene.duplicates import to_decide
from leads.models import LeadKeys

fragments = vary_on_headers("HX-Request", "HX-Target")

PAGE_ROWS = 50


def _batch(pk: int) -> Import:
    return get_object_or_404(Import.objects.select_related("job", "undo_job", "created_by"), pk=pk)


# A file comes in ----------------------------------------------------------------------------------------------


@policy("import.run")
@form_view
@fragments
def imports(request: SignedInRequest) -> HttpResponse:
    """The list of imports, and the place where a file is dropped."""
    error = ""
    if request.method == "POST":
        try:
            batch = verbs.take_in(upload=_upload(request), actor=request.user)
        except (NotATableError, verbs.RefusedError) as refusal:
            error = str(refusal)
        else:
            return redirect("import_columns", batch.pk)
    before = request.GET.get("before", "")
    found = Import.objects.select_related("job", "undo_job", "created_by").order_by("-pk")
    if before.isdecimal():
        found = found.filter(pk__lt=int(before))
    page = list(found[: PAGE_ROWS + 1])
    context = {
        "imports": page[:PAGE_ROWS],
        "next": page[PAGE_ROWS - 1].pk if len(page) > PAGE_ROWS else None,
        "error": error,
        "most_mb": settings.UPLOAD_MOST_BYTES // 1_000_000,
        "most_columns": MAX_COLUMNS,
    }
    template = "integrations/_list.html" if request.htmx.target == "import-list" else "integrations/imports.html"
    return render(request, template, context, status=422 if error else 200)


def _upload(request: SignedInRequest) -> TemporaryUploadedFile:
    """The file that was sent. Raises RefusedError where there is none."""
    upload = request.FILES.get("file")
    if uploads.is_too_large(request):
        most = settings.UPLOAD_MOST_BYTES // 1_000_000
        raise verbs.RefusedError(
            f"The file is larger than {most} MB. Split it, or leave columns out that nobody needs."
        )
    if not isinstance(upload, TemporaryUploadedFile):
        raise verbs.RefusedError("Choose a file first.")
    if not upload.size:
        raise verbs.RefusedError("The file is empty.")
    return upload


# What its columns mean ----------------------------------------------------------------------------------------


@policy("import.run")
@form_view
def columns(request: SignedInRequest, pk: int) -> HttpResponse:
    """What each column is. `start` names a saved mapping to begin with, or `proposal`."""
    batch = _waiting(pk)
    if isinstance(batch, HttpResponse):
        return batch
    saved = list(verbs.saved_mappings(batch))
    posted = request.POST.dict() if request.method == "POST" else None
    page = ColumnsPage(batch, posted=posted, start=_start(request, batch, saved))
    if posted is not None and posted.get("look") != "again":
        mapping = page.mapping()
        if mapping is not None:
            try:
                verbs.explain(batch_id=pk, mapping=mapping)
                return redirect("import_preview", pk)
            except (MappingError, verbs.RefusedError) as refusal:
                page.refuse(str(refusal))
    context = {
        "batch": batch,
        "page": page,
        "saved": saved,
        "start": _asked(request, batch, saved),
        "same": verbs.same_file(batch),
    }
    return render(request, "integrations/columns.html", context, status=422 if page.errors else 200)


def _asked(request: SignedInRequest, batch: Import, saved: list[SavedMapping]) -> str:
    """What the page begins with: the key of a saved mapping, `proposal`, or blank for what was chosen before."""
    asked = request.POST.get("start", request.GET.get("start"))
    if asked is None and batch.mapping is None:
        return str(saved[0].pk) if saved else "proposal"
    return asked or ""


def _start(request: SignedInRequest, batch: Import, saved: list[SavedMapping]) -> dict[str, Any] | None:
    """The mapping of what was asked; None for what was chosen before, else the proposal."""
    asked = _asked(request, batch, saved)
    if asked == "proposal":
        return ColumnsPage(batch).proposal.mapping
    return next((each.mapping for each in saved if str(each.pk) == asked), None)


def _waiting(pk: int) -> Import | HttpResponse:
    """An import that can still be explained, else the way to where it is now."""
    batch = _batch(pk)
    if batch.job_id or batch.discarded_at or not batch.has_file or not batch.path.exists():
        return redirect("import", pk)
    return batch


@policy("import.run")
@require_safe
def preview(request: SignedInRequest, pk: int) -> HttpResponse:
    """What would happen, tried on the first rows."""
    batch = _waiting(pk)
    if isinstance(batch, HttpResponse):
        return batch
    if batch.mapping is None:
        return redirect("import_columns", pk)
    shown = previewing.preview(batch, actor_id=request.user.pk)
    context = {"batch": batch, "preview": shown, "same": verbs.same_file(batch)}
    return render(request, "integrations/preview.html", context)


@policy("import.run")
@require_POST
def run(request: SignedInRequest, pk: int) -> HttpResponse:
    return _done(request, pk, lambda: verbs.run(batch_id=pk, actor=request.user))


@policy("import.run")
@require_POST
def discard(request: SignedInRequest, pk: int) -> HttpResponse:
    return _done(request, pk, lambda: verbs.discard(batch_id=pk), to="imports")


def _done(request: SignedInRequest, pk: int, verb: Callable[[], Any], to: str = "") -> HttpResponse:
    """Runs a verb; its refusal is shown on the import's page."""
    _batch(pk)
    try:
        verb()
    except verbs.RefusedError as refusal:
        messages.error(request, str(refusal))
        return redirect("import", pk)
    return redirect(to) if to else redirect("import", pk)


# How it goes, and what came of it -----------------------------------------------------------------------------


@policy("import.run")
@require_safe
@fragments
def show(request: SignedInRequest, pk: int) -> HttpResponse:
    """Progress while it runs, then the result; the next step of one that was not run."""
    batch = _batch(pk)
    if batch.job is None and not batch.discarded_at and batch.has_file:
        return redirect("import_preview" if batch.mapping else "import_columns", pk)
    template = "integrations/_state.html" if request.htmx.target == "import-state" else "integrations/import.html"
    may_undo = can(request.user, "import.undo", batch) and not undoing.why_not(batch)
    return render(request, template, {"batch": batch, "may_undo": may_undo, **_result(batch)})


def _result(batch: Import) -> dict[str, Any]:
    if batch.job is None:
        return {}
    counted = ImportedLead.objects.filter(batch=batch).values_list("how").annotate(Count("pk"))
    kinds = ImportProblem.objects.filter(job=batch.job).values_list("kind").annotate(Count("pk"))
    problems = dict(kinds)
    return {
        "leads": dict(counted),
        **_known_twice(batch),
        "problems": [(kind, problems[kind.value]) for kind in ProblemKind if problems.get(kind.value)],
        "rejected": problems.get(ProblemKind.REJECTED.value, 0),
        "first": ImportProblem.objects.filter(job=batch.job, kind=ProblemKind.REJECTED).order_by("line", "pk")[:8],
    }


@policy("import.run")
@require_POST
def cancel(request: SignedInRequest, pk: int) -> HttpResponse:
    return _done(request, pk, lambda: verbs.cancel(batch_id=pk, by=request.user))


@policy("import.run")
@require_POST
def resume(request: SignedInRequest, pk: int) -> HttpResponse:
    return _done(request, pk, lambda: verbs.resume(batch_id=pk, by=request.user))


@policy("import.run")
@require_safe
def rows(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """What there is to say about single rows, of one `kind`; with `format=csv` the rejected rows as a file."""
    batch = _batch(pk)
    if batch.job is None:
        raise Http404
    if wants_file(request):
        header = ["row", "reason", *batch.header]
        return exported(request, f"rejected-{pk}", header, _rejected(batch), of="import", pk=pk)
    kind = request.GET.get("kind", ProblemKind.REJECTED)
    found = ImportProblem.objects.filter(job=batch.job, kind=kind).select_related("lead").order_by("line", "pk")
    after = request.GET.get("after", "")
    if after.isdecimal():
        found = found.filter(line__gt=int(after))
    context = {"batch": batch, "kind": kind, "kinds": _result(batch)["problems"], **_paged(found)}
    return render(request, "integrations/rows.html", context)


def _paged(found: QuerySet[ImportProblem]) -> dict[str, Any]:
    page = list(found[: PAGE_ROWS + 1])
    return {"rows": page[:PAGE_ROWS], "next": page[PAGE_ROWS - 1].line if len(page) > PAGE_ROWS else None}


def _rejected(batch: Import) -> Iterator[list[Cell]]:
    problems = ImportProblem.objects.filter(job=batch.job, kind=ProblemKind.REJECTED).order_by("line", "pk")
    for problem in problems.iterator(chunk_size=1_000):
        yield [problem.line, problem.message, *(problem.cells.get(name, "") for name in batch.header)]


@policy("import.run")
@require_safe
def leads(request: SignedInRequest, pk: int) -> HttpResponse:
    """The leads that an import created, updated or left alone (`how`), or that its undo kept (`how=kept`)."""
    batch = _batch(pk)
    how = request.GET.get("how", How.CREATED.value)
    found = ImportedLead.objects.filter(batch=batch)
    found = found.exclude(kept="") if how == "kept" else found.filter(how=how)
    after = request.GET.get("after", "")
    if after.isdecimal():
        found = found.filter(lead__gt=int(after))
    page = list(found.select_related("lead__stage", "lead__owner").order_by("lead")[: PAGE_ROWS + 1])
    context = {
        "batch": batch,
        "how": how,
        "hows": How,
        "rows": page[:PAGE_ROWS],
        "next": page[PAGE_ROWS - 1].lead_id if len(page) > PAGE_ROWS else None,
    }
    return render(request, "integrations/leads.html", context)


def _known_twice(batch: Import) -> dict[str, Any]:
    """How many pairs around the new leads of an import are to be decided, and whether some were not looked at yet."""
    created = ImportedLead.objects.filter(batch=batch, how=How.CREATED, undone_at=None).values("lead")
    pairs = to_decide().order_by().filter(Q(first__in=created) | Q(second__in=created))
    counts = dict(pairs.values_list("is_exact").annotate(Count("pk")))
    unseen = LeadKeys.objects.filter(is_stale=True, lead__in=created).exists()
    return {"exact": counts.get(True, 0), "likely": counts.get(False, 0), "unseen": unseen}


@policy("import.run")
@require_safe
def mapping(request: SignedInRequest, pk: int) -> HttpResponse:
    """The mapping as a file, for the command."""
    batch = _batch(pk)
    if batch.mapping is None:
        raise Http404
    response = JsonResponse(batch.mapping, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = f'attachment; filename="mapping-{pk}.json"'
    return response


# Undo ---------------------------------------------------------------------------------------------------------


@policy("import.undo")
@form_view
def undo(request: SignedInRequest, pk: int) -> HttpResponse:
    """What taking the import back means, and doing it."""
    batch = _batch(pk)
    require(request.user, "import.undo", batch)
    refusal = undoing.why_not(batch)
    if request.method == "POST" and not refusal:
        return _done(request, pk, lambda: undoing.undo(batch_id=pk, actor=request.user))
    context = {"batch": batch, "refusal": refusal, "touches": batch.touches.count(), **_result(batch)}
    return render(request, "integrations/undo.html", context, status=409 if request.method == "POST" else 200)
