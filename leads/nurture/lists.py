"""Reading nurture: what each track holds, what is due, who came back, and the leads of a track."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from alignment.lib.csv import Cell
from leads.milestones import Outcome
from leads.models import Journey, NurtureTrack, Touchpoint
from leads.models.touchpoint import Direction
from leads.querysets import JourneyQuerySet

JUDGED = timedelta(days=365)
LEAST = 10
"""Fewer recycled leads than that say nothing about a track."""
PAGE = 50
MOST = 5_000
CHUNK = 2_000
NO_TRACK = "none"
HEADER = (
    "Id", "Name", "E-mail", "Company", "Job title", "Track", "Look again on", "Recycled", "Reason", "Engaged since",
    "Last engagement", "Consent", "Do not contact",
)  # fmt: skip
OF_TRACKS = ("Track", "Waiting", "Below the threshold", "Due", "Recycled, one year", "Came back", "Won since")


@dataclass(frozen=True, slots=True)
class TrackRow:
    """A track (None: without one): how many leads wait on it, how many of them are below the threshold and how many
    are due; of those recycled to it within a year, how many came back, and how many of these won.
    """

    track: NurtureTrack | None
    now: int
    unqualified: int
    due: int
    recycled: int
    back: int
    won: int

    @property
    def key(self) -> str:
        return self.track.key if self.track else NO_TRACK

    @property
    def share(self) -> float | None:
        """The share that came back, 0 to 1; None where too few were recycled to say."""
        return self.back / self.recycled if self.recycled >= LEAST else None


def rows(*, at: datetime, today: date) -> list[TrackRow]:
    """All tracks, retired and empty ones last; four queries."""
    held = {
        track: counts
        for track, *counts in Journey.objects.in_nurture()
        .values_list("track")
        .annotate(
            now=Count("lead"), unqualified=Count("lead", filter=Q(outcome="")),
            due=Count("lead", filter=Q(revisit_on__lte=today)),
        )
        .order_by()
    }  # fmt: skip
    next_pass = Journey.objects.filter(lead=OuterRef("lead"), pass_no=OuterRef("pass_no") + 1, pass_no__gt=1)
    judged = Journey.objects.filter(outcome=Outcome.RECYCLED, closed_at__gte=at - JUDGED)
    recycled = dict(judged.values_list("track").annotate(n=Count("lead")).order_by())
    came = {
        track: (back, won)
        for track, back, won in judged.filter(Exists(next_pass)).values_list("track")
        .annotate(back=Count("lead"), won=Count("lead", filter=Exists(next_pass.filter(outcome=Outcome.WON))))
        .order_by()
    }  # fmt: skip
    tracks: Sequence[NurtureTrack | None] = [
        *NurtureTrack.objects.order_by(F("retired_at").asc(nulls_first=True), "name")
    ]
    found = [_row(track, held, recycled, came) for track in (*tracks, None)]
    return [row for row in found if row.track or row.now]


def lines(found: Iterable[TrackRow]) -> Iterator[tuple[Cell, ...]]:
    """Tracks as rows under `OF_TRACKS`; counts alone, so that a share can be drawn of any sum."""
    for row in found:
        name = row.track.name if row.track else "Without a track"
        yield (name, row.now, row.unqualified, row.due, row.recycled, row.back, row.won)


def _row(
    track: NurtureTrack | None,
    held: Mapping[int | None, list[int]],
    recycled: Mapping[int | None, int],
    came: Mapping[int | None, tuple[int, int]],
) -> TrackRow:
    pk = track.pk if track else None
    now, unqualified, due = held.get(pk, [0, 0, 0])
    back, won = came.get(pk, (0, 0))
    return TrackRow(track, now, unqualified, due, recycled.get(pk, 0), back, won)


class TrackList:
    """The leads of a track as an address asks for them, the soonest to look at again first."""

    def __init__(self, track: NurtureTrack | None, asked: Mapping[str, str], *, today: date) -> None:
        self.track, self.today = track, today
        self.is_due = asked.get("due") == "1"
        self.is_engaged = asked.get("engaged") == "1"
        self.after = _parse(asked.get("after", ""))

    @property
    def found(self) -> JourneyQuerySet:
        """The passes, in no order."""
        passes = Journey.objects.in_nurture().filter(track=self.track)
        if self.is_due:
            passes = passes.filter(revisit_on__lte=self.today)
        return passes.filter(Exists(_engaged())) if self.is_engaged else passes

    @cached_property
    def count(self) -> int:
        return self.found.count()

    @property
    def page(self) -> list[Journey]:
        return self._rows[:PAGE]

    @property
    def next(self) -> str:
        """Where the next page goes on; blank on the last one."""
        last = self._rows[PAGE - 1] if len(self._rows) > PAGE else None
        return f"{last.revisit_on or ''}~{last.pk}" if last else ""

    @cached_property
    def _rows(self) -> list[Journey]:
        passes = self.found
        if self.after:
            day, pk = self.after
            later = Q(revisit_on__gt=day) | Q(revisit_on=day, pk__gt=pk) | Q(revisit_on=None)
            passes = passes.filter(later if day else Q(revisit_on=None, pk__gt=pk))
        return list(_told(passes)[: PAGE + 1])

    def lead_ids(self) -> list[int]:
        """All leads that were found, at most `MOST`."""
        return list(self.found.order_by("lead").values_list("lead_id", flat=True)[:MOST])

    def lines(self) -> Iterator[tuple[Cell, ...]]:
        """All that was found, under `HEADER`."""
        one: Any
        for one in _told(self.found).iterator(CHUNK):
            lead = one.lead
            yield (
                lead.pk, lead.name, lead.email, lead.company_name, lead.title, one.track and one.track.name,
                one.revisit_on, one.closed_at, one.reason and one.reason.label, one.engaged_n, one.engaged_at,
                lead.get_consent_display(), "yes" if lead.do_not_contact else "",
            )  # fmt: skip


def _engaged() -> QuerySet[Touchpoint]:
    """What the buyer did since the lead went to nurture."""
    since = Coalesce(OuterRef("closed_at"), OuterRef("entered_at"))
    touches = Touchpoint.objects.filter(lead=OuterRef("lead"), is_engaged=True, at__gt=since)
    return touches.exclude(direction=Direction.OUTBOUND)


def _told(passes: JourneyQuerySet) -> QuerySet[Journey]:
    newest = _engaged().order_by("-at")
    counted = _engaged().order_by().values("lead").annotate(n=Count("pk")).values("n")
    told = passes.annotate(
        engaged_n=Coalesce(Subquery(counted), 0),
        engaged_at=Subquery(newest.values("at")[:1]),
        engaged_title=Subquery(newest.values("title")[:1]),
    )
    told = told.select_related("lead", "reason", "track", "owner", "campaign")
    return told.order_by(F("revisit_on").asc(nulls_last=True), "pk")


def _parse(text: str) -> tuple[date | None, int] | None:
    day, mark, pk = text.partition("~")
    try:
        return (date.fromisoformat(day) if day else None, int(pk)) if mark else None
    except ValueError:
        return None
