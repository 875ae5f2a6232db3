"""Nurture: the tracks, the leads of one, what marketing does with them, and how tracks are set up."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from alignment.lib.form_pages import accepted, form_page, form_view
from alignment.ops.exports import exported, wants_file
from alignment.ops.models import Destination, Transport
from alignment.people.permissions import policy
from alignment.people.requests import SignedInRequest
from leads import lifecycle
from leads.forms import DateInput
from leads.models import NurtureTrack
from leads.nurture import handing_over, lists, nurturing
from leads.views.moving import page_cause


def _channels() -> QuerySet[Destination]:
    """The programs that take signed posts (Set up → Channels)."""
    return Destination.objects.standing().filter(transport=Transport.WEBHOOK)


class WorkForm(forms.Form):
    """What to do with the leads that were ticked (`lead`), or with all that are listed (`all`)."""

    do = forms.ChoiceField(
        choices=[("postpone", "Look again on"), ("move", "Move to"), ("back", "Hand to sales"), ("send", "Send to")]
    )
    revisit_on = forms.DateField(required=False, widget=DateInput)
    track = forms.ModelChoiceField(
        NurtureTrack.objects.filter(retired_at=None), required=False, empty_label="Another track"
    )

    channel = forms.ModelChoiceField(_channels(), required=False, empty_label=None)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("do") == "send" and not data.get("channel"):
            self.add_error("channel", "Choose the program that they go to.")
        if data.get("do") == "postpone" and (not data.get("revisit_on") or data["revisit_on"] <= timezone.localdate()):
            self.add_error("revisit_on", "Choose a day that is still to come.")
        if data.get("do") == "move" and not data.get("track"):
            self.add_error("track", "Choose the track that they go to.")
        return data


class TrackForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = NurtureTrack
        fields = ("name", "description", "revisit_after_days", "takes_unqualified", "takes_after_days")
        labels = {
            "description": "What leads get on it",
            "revisit_after_days": "Look again after (days)",
            "takes_unqualified": "Takes leads below the threshold",
            "takes_after_days": "When they are no MQL after (days)",
        }
        help_texts = {
            "revisit_after_days": "Where nobody chooses a day.",
            "takes_unqualified": "They go onto it by themselves, and stay in the funnel as MGL. One track alone can.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("revisit_after_days", "takes_after_days"):
            self.fields[name].min_value = 1  # type: ignore[attr-defined]
            self.fields[name].validators.append(_at_least_one)

    def _post_clean(self) -> None:
        """The verb checks and writes; the row is only where the form begins."""


def _at_least_one(days: int) -> None:
    if not 1 <= days <= 3650:
        raise ValidationError("Give a number of days from 1 to 3650.")


class RetireForm(forms.Form):
    into = forms.ModelChoiceField(NurtureTrack.objects.none(), label="Its leads go to", required=False)

    def __init__(self, *args: Any, track: NurtureTrack, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = NurtureTrack.objects.filter(retired_at=None).exclude(pk=track.pk)
        self.fields["into"].queryset = others  # type: ignore[attr-defined]


@policy("nurture.view")
@require_safe
def tracks(request: SignedInRequest) -> HttpResponseBase:
    """All tracks with what they hold, what is due and who came back; with `format=csv` the same as a file."""
    rows = lists.rows(at=timezone.now(), today=timezone.localdate())
    if wants_file(request):
        return exported(request, "nurture", lists.OF_TRACKS, lists.lines(rows), of="nurture_track")
    totals = {name: sum(getattr(row, name) for row in rows) for name in ("now", "unqualified", "due")}
    return render(request, "nurture/tracks.html", {"rows": rows, "totals": totals, "least": lists.LEAST})


@policy("nurture.view", POST="nurture.work")
@form_view
def track(request: SignedInRequest, key: str) -> HttpResponseBase:
    """The leads of a track; `due` and `engaged` filter them, `format=csv` is the file for the marketing system."""
    shown = None if key == lists.NO_TRACK else get_object_or_404(NurtureTrack, key=key)
    found = lists.TrackList(shown, request.GET.dict(), today=timezone.localdate())
    if wants_file(request):
        return exported(request, f"nurture-{key}", lists.HEADER, found.lines(), of="nurture_track")
    form = WorkForm(request.POST or None, initial={"revisit_on": timezone.localdate() + timedelta(days=90)})
    ticked = [int(pk) for pk in request.POST.getlist("lead") if pk.isdecimal() and len(pk) < 19]
    if form.is_bound and _worked(request, form, found, ticked):
        return redirect(request.get_full_path())
    context = {"track": shown, "key": key, "list": found, "form": form, "most": lists.MOST, "ticked": ticked}
    return form_page(request, "nurture/track.html", context)


def _worked(request: SignedInRequest, form: WorkForm, found: lists.TrackList, ticked: list[int]) -> bool:
    """Whether something was done; else the form says what is missing."""
    if not form.is_valid():
        return False
    lead_ids = found.lead_ids() if request.POST.get("all") else ticked
    if not lead_ids:
        form.add_error(None, "Tick the leads that you mean.")
        return False
    data, cause = form.cleaned_data, page_cause(request)
    match data["do"]:
        case "postpone":
            moved = nurturing.postpone(lead_ids=lead_ids, revisit_on=data["revisit_on"], cause=cause)
            said = f"to look at again on {data['revisit_on']:%-d %B %Y}"
        case "send":
            handed = handing_over.hand_over(
                track=found.track, lead_ids=lead_ids, channel=data["channel"], by=request.user
            )
            left_out = f" {handed.left_out:,} were left out: they must not be contacted." if handed.left_out else ""
            messages.success(
                request,
                f"{handed.leads:,} lead{'s go' if handed.leads != 1 else ' goes'} to {data['channel']}.{left_out}",
            )
            return True
        case "move":
            moved = nurturing.change_track(lead_ids=lead_ids, track_id=data["track"].pk, cause=cause)
            said = f"on {data['track']} now"
        case _:
            moved = nurturing.bring_back(lead_ids=lead_ids, cause=cause)
            said = "with sales now"
    messages.success(request, _told(moved, said))
    return True


def _told(moved: lifecycle.Moved, said: str) -> str:
    taken, refused = len(moved.taken), len(moved.refused)
    leads = f"{taken:,} lead{'s are' if taken != 1 else ' is'} {said}."
    return leads + (f" {refused:,} stayed: {moved.refused[0].message}" if refused else "")


# Set up -------------------------------------------------------------------------------------------------------


@policy("nurture.manage")
@form_view
def track_new(request: SignedInRequest) -> HttpResponse:
    form = TrackForm(request.POST or None)
    if accepted(form, lambda: nurturing.add_track(facts=form.cleaned_data, by=request.user)):
        messages.success(request, f"{form.cleaned_data['name']} is there.")
        return redirect("nurture")
    return form_page(request, "nurture/edit.html", {"form": form})


@policy("nurture.manage")
@form_view
def track_edit(request: SignedInRequest, key: str) -> HttpResponse:
    shown = get_object_or_404(NurtureTrack, key=key)
    form = TrackForm(request.POST or None, instance=shown)
    if accepted(
        form, lambda: nurturing.change_track_facts(track_id=shown.pk, facts=form.cleaned_data, by=request.user)
    ):
        messages.success(request, "Saved.")
        return redirect("nurture_track", key)
    return form_page(
        request, "nurture/edit.html", {"form": form, "track": shown, "retire_form": RetireForm(track=shown)}
    )


@policy("nurture.manage")
@require_POST
def track_retire(request: SignedInRequest, key: str) -> HttpResponse:
    """Retire a track, or take a retired one up again."""
    shown = get_object_or_404(NurtureTrack, key=key)
    if shown.retired_at:
        nurturing.take_up_track(track_id=shown.pk, by=request.user)
        messages.success(request, f"{shown} takes leads again.")
        return redirect("nurture_track", key)
    form = RetireForm(request.POST, track=shown)
    if form.is_valid():
        into = form.cleaned_data["into"]
        try:
            moved = nurturing.retire_track(track_id=shown.pk, into_id=into.pk if into else None, by=request.user)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, f"{shown} is retired." + (f" {moved:,} leads are on {into}." if moved else ""))
            return redirect("nurture")
    context = {"form": TrackForm(instance=shown), "track": shown, "retire_form": form}
    return render(request, "nurture/edit.html", context, status=422)
