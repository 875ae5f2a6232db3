"""The set-up pages of scoring: rules as sentences, a draft with its preview on history, versions, and the review."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST, require_safe

from alignment.lib.csv import Cell
from alignment.lib.form_pages import form_view
from alignment.ops.draft_pages import DraftPages, as_seen
from alignment.ops.exports import exported, wants_file
from alignment.ops.models import Job
from alignment.ops.versions import StaleDraftError
from alignment.people.models import Side, Team
from alignment.people.permissions import can, policy
from alignment.people.requests import SignedInRequest
from leads.models import Lead, ScoringVersion, Territory
from leads.models.score import Release
from leads.scoring import feedback, previewing, publishing, review_sheet
from leads.scoring.form import RulesForm
from leads.scoring.previewing import MOST_DAYS, USUAL_DAYS, Share
from leads.scoring.rules import RuleError, checked, default_body, read

REVIEW_DAYS = 180
OF_PREVIEW = ("Figure", "Draft", "Today's rules")
# What a preview tells of each side, in the order of its page.
OF_SIDES = {
    "MQLs a week": "a_week", "Leads that crossed": "crossed", "Precision": "precision", "Recall": "recall",
    "Won": "winning", "Recall of won": "recall_won", "Above the threshold now": "standing",
}  # fmt: skip


class PreviewForm(forms.Form):
    """How far back the draft is tried, and on whose leads."""

    days = forms.IntegerField(label="Days of history", min_value=7, max_value=MOST_DAYS, initial=USUAL_DAYS)
    team = forms.ModelChoiceField(
        Team.objects.none(), label="For a pilot of", required=False, empty_label="Nobody: for all leads"
    )
    territories = forms.ModelMultipleChoiceField(
        Territory.objects.none(), required=False,
        help_text="Of a pilot: its new leads that nobody holds yet come from here.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = Team.objects.filter(  # type: ignore[attr-defined]
            side=Side.SALES, retired_at=None
        ).order_by("name")
        self.fields["territories"].queryset = Territory.objects.filter(retired_at=None)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("territories") and "team" in data and not data["team"]:
            self.add_error("team", "Choose the team of the pilot that gets these territories.")
        return data


class PublishForm(PreviewForm):
    """For whom the draft is to count, and what becomes of leads that stand above the threshold already."""

    days = None  # type: ignore[assignment]
    release = forms.ChoiceField(
        label="Leads that stand above the threshold already", choices=Release.choices, widget=forms.RadioSelect,
        initial=Release.BY_TOUCH,
    )  # fmt: skip
    per_day = forms.IntegerField(label="How many a day", min_value=1, max_value=100_000, required=False)
    note = forms.CharField(label="What changed, and why", max_length=500, required=False)

    field_order = ["team", "territories", "release", "per_day", "note"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("release") == Release.DAILY and "per_day" in data and not data["per_day"]:
            self.add_error("per_day", "Say how many leads a day.")
        return data


@policy("scoring.view")
@require_safe
def scoring(request: SignedInRequest) -> HttpResponse:
    """What counts today, the draft, the pilots, and every version."""
    rows = list(ScoringVersion.objects.filter(scope="").select_related("author", "published_by", "team"))
    published = [row for row in rows if row.state == "published"]
    pilots = [row for row in published if row.team_id]
    territories = Territory.objects.in_bulk({pk for row in pilots for pk in row.territories})
    context = {
        "current": next((row for row in published if not row.team_id), None),
        "pilots": [(row, sorted(territories[pk].name for pk in row.territories)) for row in pilots],
        "draft": next((row for row in rows if row.is_draft), None),
        "versions": [row for row in rows if not row.is_draft],
        "may_manage": can(request.user, "scoring.manage"),
    }
    return render(request, "leads/scoring.html", context)


@policy("scoring.view")
@require_safe
def version(request: SignedInRequest, pk: int) -> HttpResponse:
    """The rules of one version."""
    found = get_object_or_404(ScoringVersion.objects.select_related("published_by", "team", "author"), pk=pk, scope="")
    context = {"version": found, "may_manage": can(request.user, "scoring.manage"), "body": _worded(found)}
    return render(request, "leads/scoring_version.html", context)


def _worded(found: ScoringVersion) -> Mapping[str, Any]:
    """The body with its sentences; those of a draft are made now, as far as it can be read."""
    body: dict[str, Any] = found.body
    if "says" in body:
        return body
    try:
        return checked(body)
    except RuleError:
        return body


# The draft ------------------------------------------------------------------------------------------------------

pages = DraftPages(ScoringVersion, "Scoring", home="setup_scoring", prefix="setup_scoring", empty=default_body())
begin = policy("scoring.manage")(require_POST(pages.begin))
discard = policy("scoring.manage")(require_POST(pages.discard))
restore = policy("scoring.manage")(require_POST(pages.restore))


@policy("scoring.manage")
@form_view
@pages.with_draft
def draft(request: SignedInRequest, draft: ScoringVersion) -> HttpResponse:
    """The rules of the draft, to be changed. A stale save shows what was typed beside what stands now."""
    form, status = RulesForm(draft.body, request.POST if request.method == "POST" else None), 200
    if request.method == "POST" and not form.is_being_edited:
        if not form.is_valid():
            status = 422
        elif pages.saved(request, draft, form.body, "The draft is saved. Nothing changes until it is published."):
            return pages.to_draft(draft)
        else:
            status = 409
    return _draft_page(request, draft, form, PreviewForm(), status)


def _draft_page(
    request: SignedInRequest, draft: ScoringVersion, form: RulesForm, preview_form: PreviewForm, status: int
) -> HttpResponse:
    context = {
        "form": form, "preview_form": preview_form, "previews": _previews(draft),
        "edited_at": reverse("setup_scoring_draft"),
    }  # fmt: skip
    return pages.page(request, draft, "leads/scoring_draft.html", context, status=status)


def _previews(draft: ScoringVersion) -> list[Job]:
    """The newest previews of the draft."""
    return list(Job.objects.filter(kind=previewing.KIND, params__version=draft.pk).order_by("-pk")[:3])


@policy("scoring.manage")
@require_POST
@pages.with_draft
def start_preview(request: SignedInRequest, draft: ScoringVersion) -> HttpResponse:
    """Try the draft on history; the page of it shows how far it is."""
    form = PreviewForm(request.POST)
    if not form.is_valid():
        return _draft_page(request, draft, RulesForm(draft.body), form, 422)
    data = form.cleaned_data
    try:
        job = previewing.begin(
            draft=draft, days=data["days"], by=request.user, team_id=data["team"].pk if data["team"] else None,
            territories=[territory.pk for territory in data["territories"]],
        )  # fmt: skip
    except RuleError as refusal:
        messages.error(request, str(refusal.message))
        return pages.to_draft(draft)
    return redirect("setup_scoring_preview", job.pk)


@policy("scoring.view")
@require_safe
def preview(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """How far a preview is, then what it found; with `format=csv` its figures as a file."""
    job = get_object_or_404(Job.objects.select_related("created_by"), pk=pk, kind=previewing.KIND)
    figures = _told(job) if job.state == "done" else None
    if figures and wants_file(request):
        return exported(request, f"scoring-preview-{pk}", OF_PREVIEW, _lines(figures), of="scoring_preview", pk=pk)
    context = {
        "job": job,
        "figures": figures,
        "may_manage": can(request.user, "scoring.manage"),
        "is_current": ScoringVersion.objects.filter(
            pk=job.params["version"], state="draft", revision=job.params["revision"]
        ).exists(),
    }
    target = "leads/_scoring_preview.html" if request.htmx.target == "preview-state" else "leads/scoring_preview.html"
    return render(request, target, context)


def _told(job: Job) -> dict[str, Any]:
    figures = job.result
    weeks = sorted({*figures["draft"]["weeks"], *figures["now"]["weeks"]})
    draft_weeks, now_weeks = figures["draft"]["weeks"], figures["now"]["weeks"]
    rows = [(date.fromisoformat(week), draft_weeks.get(week, 0), now_weeks.get(week, 0)) for week in weeks]
    most = max((max(draft, now) for _, draft, now in rows), default=0) or 1
    ids = {row[0] for listed in figures["lists"].values() for row in listed}
    leads = Lead.objects.in_bulk(ids)
    lists = {
        name: [{"lead": leads[row[0]], "points": row[1], "rest": row[2:]} for row in listed if row[0] in leads]
        for name, listed in figures["lists"].items()
    }
    for name in ("gained", "lost"):
        for row in lists[name]:
            at, accepted, refused, won = row["rest"]
            row |= {"at": parse_datetime(at), "accepted": accepted, "refused": refused, "won": won}
    days = job.params["days"]
    sides = {name: _side(figures[name], days) for name in ("draft", "now")}
    return {
        **sides, "gained": figures["gained"], "lost": figures["lost"], "lists": lists, "days": days,
        "weeks": [(week, draft, now, draft / most, now / most) for week, draft, now in rows],
        "team": Team.objects.filter(pk=job.params["team"]).first() if job.params["team"] else None,
    }  # fmt: skip


def _lines(figures: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    """The figures of a preview, and its weeks, under `OF_PREVIEW`; of a share its part and its whole."""
    draft, now = figures["draft"], figures["now"]
    for name, key in OF_SIDES.items():
        if isinstance(draft[key], Share):
            yield (name, draft[key].part, now[key].part)
            yield (f"{name}, of", draft[key].whole, now[key].whole)
        else:
            yield (name, draft[key], now[key])
    yield ("Would newly cross", figures["gained"], None)
    yield ("Would no longer cross", figures["lost"], None)
    for week, of_draft, of_now, *_ in figures["weeks"]:
        yield (f"MQLs in the week of {week.isoformat()}", of_draft, of_now)


def _side(side: Mapping[str, Any], days: int) -> dict[str, Any]:
    caught = side["caught"]
    return {
        "crossed": side["crossed"],
        "a_week": side["crossed"] * 7 / days,
        "standing": side["standing"],
        "precision": Share(side["accepted"], side["accepted"] + side["refused"]),
        "winning": Share(side["won"], side["crossed"]),
        "recall": Share(caught["accepted_caught"], caught["accepted"]),
        "recall_won": Share(caught["won_caught"], caught["won"]),
    }


@policy("scoring.manage")
@form_view
@pages.with_draft
def publish(request: SignedInRequest, draft: ScoringVersion) -> HttpResponse:
    """Let the draft count: for whom, and what becomes of the leads that stand above already."""
    form, status = PublishForm(request.POST or None, initial={"note": draft.note}), 422 if request.POST else 200
    if form.is_valid():
        try:
            data = _publishing(form.cleaned_data)
            job = publishing.publish(draft=as_seen(request, draft), by=request.user, **data)
        except StaleDraftError as refusal:
            form.add_error(None, str(refusal))
            status = 409
        except ValidationError as refusal:
            form.add_error(None, refusal.messages[0])
        else:
            messages.success(request, f"{draft} counts from now on. All leads are being scored by it.")
            return redirect("job", job.pk)
    last = next((job for job in _previews(draft) if job.state == "done"), None)
    context = {
        "form": form, "last": last, "figures": _told(last) if last else None,
        "is_current": bool(last and last.params["revision"] == draft.revision),
    }  # fmt: skip
    return pages.page(request, draft, "leads/scoring_publish.html", context, status=status)


def _publishing(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: data[name] for name in ("release", "per_day", "note", "team")},
        "territories": [territory.pk for territory in data["territories"]],
    }


@policy("scoring.manage")
@require_POST
def end_pilot(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let the version of the rest count for the pilot's leads again."""
    pilot = get_object_or_404(ScoringVersion, pk=pk, scope="", team__isnull=False)
    job = publishing.end_pilot(pilot=pilot, by=request.user)
    if job:
        messages.success(request, "The pilot has ended. Its leads are being scored like all others.")
    return redirect("setup_scoring")


@policy("scoring.view")
@require_safe
def review(request: SignedInRequest) -> HttpResponseBase:
    """What sales made of the leads, by score and by rule; beside a pilot's its figures and the rest's.

    With `format=csv` the figures as a file.
    """
    asked = request.GET.get("days", "")
    days = (
        int(asked)
        if asked.isascii() and asked.isdecimal() and len(asked) < 5 and 7 <= int(asked) <= 730
        else REVIEW_DAYS
    )
    end = timezone.now()
    chosen = request.GET.get("version", "")
    found = None
    if chosen.isascii() and chosen.isdecimal() and len(chosen) < 9:
        found = ScoringVersion.objects.filter(pk=chosen, scope="", published_at__isnull=False).first()
    start = end - timedelta(days=days)
    told, pilots = feedback.review(start, end, version=found), feedback.pilots(start, end)
    if wants_file(request):
        lines = review_sheet.lines(told, pilots, days=days)
        return exported(request, "scoring-review", review_sheet.HEADER, lines, of="scoring_review")
    context = {
        "review": told,
        "rules": read(told.version.body) if told else None,
        "days": days,
        "choices": (30, 90, 180, 365),
        "pilots": pilots,
    }
    return render(request, "leads/scoring_review.html", context)
