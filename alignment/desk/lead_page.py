"""One lead as its page and the queue's preview show it: where it stands, what is owed, and everything around."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from alignment.desk import timeline, usual
from alignment.desk.panels import follow_up
from alignment.desk.panels.order import PANELS
from alignment.desk.panels.panel import Shown, beside, shown
from alignment.desk.queue import QUALIFIED
from alignment.desk.queue_groups import SOON
from alignment.desk.templatetags.accord import day, short_time, stay
from alignment.desk.timeline import Counts, Event, Page, Place, Source
from alignment.desk.usual import Usual
from alignment.desk.wording import Line, line
from alignment.people.models import Side, User
from alignment.people.permissions import can
from leads.decisions import UNDO_WITHIN
from leads.feedback import REWORD_WITHIN
from leads.milestones import Milestone, Outcome, QualifiedBy
from leads.models import Journey, Lead, LeadTransition
from leads.models.journey import MILESTONE_DATES
from leads.routing import explaining
from leads.scoring.parts import ScoreCard, card_of
from leads.stages.stages import Stages
from leads.views.moves import panel
from sla.querysets import with_clock

TOUCHES_IN_PREVIEW = 3


@dataclass(frozen=True, slots=True)
class Step:
    """A milestone on the track: `state` is done, skipped (nobody knows when), now or next. `usual` is how long leads
    stay there; None where it does not matter, or too few did.
    """

    code: str
    side: Side
    state: str
    text: str
    usual: Usual | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Sales' answer to the hand-off: how long it took, and how late it was (None: in time)."""

    took: timedelta
    late: timedelta | None


class LeadPage:
    """What is known of one lead for one visitor. Each part is read when a template asks for it, and once."""

    def __init__(self, user: User, pk: int, *, at: datetime, back: str, asked: Mapping[str, str]) -> None:
        self.user, self.at, self.back, self.asked = user, at, back, asked
        self.pk = pk

    @cached_property
    def lead(self) -> Any:
        """The lead with the dates of its clock. Raises Lead.DoesNotExist."""
        related = (
            "stage", "owner__team", "team", "source", "campaign__owner", "segment", "territory", "account",
            "merged_into", "follow_up", "score__version",
        )  # fmt: skip
        merged = ArraySubquery(Lead.objects.filter(merged_into=OuterRef("pk")).values("pk"))
        leads = Lead.objects.select_related(*related).annotate(
            merged_ids=merged, routing=explaining.newest(), usual=usual.kept()
        )
        return with_clock(leads).get(pk=self.pk)

    @property
    def lead_ids(self) -> list[int]:
        """The lead and those that were merged into it: together they tell its history."""
        return [self.pk, *self.lead.merged_ids]

    @cached_property
    def stages(self) -> Stages:
        return Stages.load()

    @cached_property
    def journeys(self) -> list[Journey]:
        """All passes, newest first."""
        related = ("stage", "reason", "track", "opportunity__owner", "campaign", "source")
        return list(Journey.objects.filter(lead=self.pk).select_related(*related).order_by("-pass_no"))

    @property
    def journey(self) -> Journey:
        """The newest pass."""
        return self.journeys[0]

    @property
    def routed(self) -> str:
        """Why it went to whom, in a sentence; blank for a lead that was not routed."""
        return explaining.said(**self.lead.routing[0]) if self.lead.routing else ""

    # Where it stands

    @property
    def side(self) -> Side:
        """Whose lead it is today: marketing's until the hand-off is answered."""
        return Side(self.lead.stage.owning_side)

    @cached_property
    def steps(self) -> list[Step]:
        """The five milestones of the newest pass."""
        dates = [getattr(self.journey, name) for name in MILESTONE_DATES]
        return [self._step(milestone, dates) for milestone in Milestone]

    def _step(self, milestone: Milestone, dates: list[datetime | None]) -> Step:
        reached, at = Milestone(self.journey.reached), dates[milestone - 1]
        side = Side.MARKETING if milestone < Milestone.SQL else Side.SALES
        name = "Won" if milestone == Milestone.WON else milestone.name
        usual = None if self.journey.outcome else self._usual.get(milestone)
        if milestone > reached:
            return Step(name, side, "next", "", usual)
        if milestone == reached:
            return Step(name, side, "now", self._now(at), usual)
        if at is None:
            return Step(name, side, "skipped", "Not dated")
        left_at = next((date for date in dates[milestone:] if date), self.journey.closed_at)
        return Step(name, side, "done", f"{short_time(at)}{_stayed(at, left_at)}")

    @cached_property
    def _usual(self) -> Mapping[Milestone, Usual]:
        return usual.read(self.lead.usual)

    def _now(self, since: datetime | None) -> str:
        journey = self.journey
        if not journey.outcome:
            return f"Now{_stayed(since, self.at)}"
        if journey.outcome == Outcome.WON:
            return short_time(journey.won_at) if journey.won_at else "Not dated"
        closed = f", {short_time(journey.closed_at)}" if journey.closed_at else ""
        return f"{Outcome(journey.outcome).label}{closed}"

    @property
    def gate(self) -> str:
        """The state of the hand-off: over, soon, later, answered, or blank where no promise runs."""
        due_at = self.lead.due_at
        if due_at is None:
            return ""
        if self.lead.answered_at:
            return "answered"
        return "over" if due_at < self.at else "soon" if due_at < self.at + SOON else "later"

    @property
    def answer(self) -> Answer | None:
        """None while no answer was given, or none was owed."""
        lead = self.lead
        if not lead.answered_at:
            return None
        late = lead.answered_at - lead.due_at
        return Answer(lead.answered_at - lead.promised_at, late if late > timedelta(0) else None)

    @property
    def qualified(self) -> str:
        """How it became an MQL."""
        return QUALIFIED.get(QualifiedBy(self.journey.qualified_by), "") if self.journey.qualified_by else ""

    @cached_property
    def score(self) -> ScoreCard | None:
        """How ready it is now, and why; None for a lead that was not scored yet."""
        score = getattr(self.lead, "score", None)
        return card_of(score, self.at) if score else None

    # What stands beside its timeline

    @cached_property
    def beside(self) -> Mapping[str, Any]:
        """What the panels ask about the lead, all of it by one query."""
        return beside(PANELS, self)

    @cached_property
    def panels(self) -> list[Shown]:
        """The panels that have something to show, from top to bottom."""
        return shown(PANELS, self)

    # What can be done

    @cached_property
    def next(self) -> Mapping[str, Any] | None:
        """What is next with the lead, for the preview; None where this visitor does not plan it."""
        return follow_up.read(self)

    @cached_property
    def panel(self) -> dict[str, Any]:
        """The moves on offer."""
        return panel(self.lead, self.user, self.stages, self.back)

    @cached_property
    def undoable(self) -> LeadTransition | None:
        """The move that this visitor may take back now."""
        move = timeline.undoable(self.pk)
        if move is None or self.at - min(move.at or move.recorded_at, move.recorded_at) > UNDO_WITHIN:
            return None
        return move if can(self.user, "lead.undo", move) else None

    # What happened

    @property
    def only(self) -> Source | None:
        """The filter of the timeline."""
        kind = self.asked.get("kind", "")
        return Source(kind) if kind in set(Source) else None

    @cached_property
    def events(self) -> Page:
        """The page of events that the address asks for."""
        older_than, down_to = (Place.parse(self.asked.get(name, "")) for name in ("before", "until"))
        return timeline.read(self.lead_ids, only=self.only, older_than=older_than, down_to=down_to)

    @property
    def lines(self) -> list[tuple[str, Event, Line]]:
        """The events in words, each with the day as a heading where another day begins."""
        begun = Place.parse(self.asked.get("before", ""))
        shown = day(begun.at) if begun else ""
        lines = []
        for event in self.events.events:
            heading = day(event.at)
            lines.append(("" if heading == shown else heading, event, line(event)))
            shown = heading
        return lines

    @property
    def rewordable_since(self) -> datetime:
        """Feedback that is newer can still be changed by who gave it."""
        return self.at - REWORD_WITHIN

    @cached_property
    def counts(self) -> Counts:
        return timeline.count(self.lead_ids)

    @cached_property
    def touches(self) -> list[tuple[Event, Line]]:
        """The newest touches, for the preview."""
        newest = timeline.read(self.lead_ids, only=Source.TOUCH).events[:TOUCHES_IN_PREVIEW]
        return [(event, line(event)) for event in newest]


def _stayed(since: datetime | None, until: datetime | None) -> str:
    """“, 6.2 d”; nothing where a date is not known, and for less than an hour."""
    return f", {stay(until - since)}" if since and until and until - since >= timedelta(hours=1) else ""
