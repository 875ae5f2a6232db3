"""What the lifecycle should do, told a second time: from the whole story, slowly, without any code of `leads`.

A `Story` keeps the events of one lead and works out everything anew from all of them, whenever it is asked.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

MGL, MQL, SQL, SQO, WON = 1, 2, 3, 4, 5
OUTCOMES = {
    "reject": "rejected", "recycle": "recycled", "win": "won", "lose": "lost", "attach": "attached",
}  # fmt: skip
DATES = {MGL: "mgl_at", MQL: "mql_at", SQL: "sql_at", SQO: "sqo_at", WON: "won_at"}


@dataclass(frozen=True)
class Place:
    """A stage: its key, its milestone, its place in the row of all stages, and what it asks for."""

    id: int
    milestone: int
    position: int
    confirmations: frozenset = frozenset()
    needs_deal: bool = False


@dataclass(frozen=True)
class World:
    """What the company agreed on: where acceptance, qualification and winning lead; the reasons, and the deals."""

    places: dict
    accepted: Place
    qualified: Place
    won: Place
    reasons: dict  # key → the kind of move it explains
    deals: dict  # key → whether it has an amount


@dataclass(frozen=True)
class Ask:
    """One thing that somebody asks for one lead. `at` is stated, `is_undated` says that nobody knows it."""

    kind: str
    stage: int | None = None
    at: datetime | None = None
    is_undated: bool = False
    reason: int | None = None
    note: str = ""
    row: int | None = None  # seq of the row that an undo or a correction names
    deal: int | None = None
    qualified_by: str = ""
    confirmations: frozenset = frozenset()
    override: bool = False
    track: int | None = None
    revisit_on: object = None


@dataclass(frozen=True)
class Event:
    """A row of the story."""

    seq: int
    chapter: int
    kind: str
    place: Place | None
    came_from: int | None
    at: datetime | None
    reason: int | None
    names: int | None  # the seq that an undo or a correction is about
    ask: Ask


@dataclass(frozen=True)
class No:
    """A refusal: its code, and the seq of the row that was first."""

    code: str
    first: int | None = None


def soonest(dates):
    """The earliest known date; None when none is known."""
    return min((date for date in dates if date is not None), default=None)


# A chapter (one pass) is the list of its events that count -----------------------------------------------------


def span(events):
    """The events since the chapter was opened or opened again."""
    starts = [index for index, event in enumerate(events) if event.kind == "reopen"]
    return events[starts[-1] + 1 :] if starts else events


def closing(events):
    """The event that ended the chapter; None while it is open."""
    return next((event for event in span(events) if event.kind in OUTCOMES), None)


def travelled(events):
    """The events that brought the chapter to a further stage than it was at, while it was open."""
    steps = []
    for index, event in enumerate(events):
        is_step = event.kind in ("advance", "accept", "requalify") and closing(events[:index]) is None
        is_replaced = event.kind == "map" and closing(events[:index]) is None
        is_replaced = is_replaced and event.place.milestone == steps[-1].place.milestone
        if is_replaced or (is_step and (not steps or event.place.position > steps[-1].place.position)):
            steps.append(event)
    return steps


def whereabouts(events):
    """The stage that a chapter is in."""
    end = closing(events)
    if end and end.kind == "win":
        return [event for event in span(events) if event.kind == "win"][-1].place
    return travelled(events)[-1].place


def milestone_date(events, milestone):
    """The earliest date at which the chapter was at the stage by which it came to a milestone, or an earlier one."""
    rows = [e for e in events if e.kind in ("advance", "accept", "requalify") and e.place.milestone == milestone]
    dates = [event.at for event in rows if event.place.position <= rows[0].place.position]
    if milestone == MGL and events[0].kind == "requalify":
        dates.append(events[0].at)
    return soonest(dates)


def deal_of(events):
    """The deal that a chapter is about: the newest that was named, unless it was attached to and is no longer."""
    for index in reversed(range(len(events))):
        if events[index].kind == "reopen" and closing(events[:index]).kind == "attach":
            return deal_of(events[: events.index(closing(events[:index]))])
        if events[index].ask.deal:
            return events[index].ask.deal
    return None


def summary(events):
    """A chapter as a journey row should tell it."""
    end = closing(events)
    stage = whereabouts(events)
    dates = {name: milestone_date(events, milestone) for milestone, name in DATES.items()}
    accepted = soonest(event.at for event in events if event.kind == "accept")
    closed = soonest(event.at for event in span(events) if end and event.kind == end.kind)
    # An end says where to as well, if it is none of nurture's: nowhere.
    placed = next((e for e in reversed(span(events)) if e.kind == "nurture" or e is end), None)
    qualified = [e.ask.qualified_by for e in events if e.place and e.place.milestone == MQL and e.ask.qualified_by]
    return dates | {
        "stage": stage.id,
        "reached": stage.milestone,
        "outcome": OUTCOMES[end.kind] if end else "",
        "reason": end.reason if end else None,
        "accepted_at": accepted or dates["sql_at"],
        "won_at": closed if end and end.kind == "win" else None,
        "closed_at": closed,
        "qualified_by": qualified[-1] if qualified else "",
        "track": placed.ask.track if placed else None,
        "revisit_on": placed.ask.revisit_on if placed else None,
        "opportunity": deal_of(events),
    }


# A story is the list of a lead's events, and what may be added to it -------------------------------------------


@dataclass
class Story:
    """The events of one lead."""

    world: World
    events: list = field(default_factory=list)
    recorded: dict = field(default_factory=dict)  # seq → when

    def standing(self):
        """The rows that are neither an undo nor undone."""
        undone = {event.names for event in self.events if event.kind == "undo"}
        return [event for event in self.events if event.kind != "undo" and event.seq not in undone]

    def counted(self):
        """The rows that count, corrected."""
        corrections = {event.names: event for event in self.standing() if event.kind == "correct"}
        rows = [event for event in self.standing() if event.kind != "correct"]
        return [
            replace(row, place=new.place, at=new.at, reason=new.reason) if (new := corrections.get(row.seq)) else row
            for row in rows
        ]

    def chapters(self):
        """The passes, each a list of the events that count."""
        found = []
        for event in self.counted():
            if event.kind == "requalify" or not found:
                found.append([])
            found[-1].append(event)
        return found

    def summaries(self):
        return [summary(events) for events in self.chapters()]

    def ask(self, ask, now, cause_at=None, is_judged=False):
        """Add what is asked for. Returns None, or the refusal and leaves the story as it is."""
        at = None if ask.is_undated else ask.at or cause_at or now
        refusal = self._objection(ask, at, now) or (self._criteria(ask) if is_judged else None)
        if refusal is None:
            self._add(ask, at, now)
        return refusal

    # Objections ------------------------------------------------------------------------------------------------

    def _objection(self, ask, at, now):
        if ask.kind == "undo":
            return self._undo_objection(ask, now)
        if ask.kind == "correct":
            return self._correction_objection(ask)
        if (ask.override and not ask.note.strip()) or not self._fits(ask.reason, ask.kind):
            return No("reason")
        if not self.events:
            fine = ask.kind in ("advance", "accept") and self._place(ask) and self._place(ask).milestone != WON
            return None if fine else No("not_allowed")
        if ask.kind in ("reject", "lose") and ask.reason is None:
            return No("reason")
        chapter = self.chapters()[-1]
        begun = milestone_date(chapter, MGL) if chapter[0].kind == "requalify" else None
        if ask.at and begun and ask.at < begun:
            return No("already", self._first(chapter))
        return {
            "advance": self._reach_objection, "accept": self._reach_objection,
            "requalify": self._requalify_objection, "reopen": self._reopen_objection, "map": self._map_objection,
            "nurture": self._nurture_objection,
        }.get(ask.kind, self._close_objection)(ask, at, chapter)  # fmt: skip

    def _reach_objection(self, ask, at, chapter):
        place, now_at = self._place(ask), whereabouts(chapter)
        if place is None or place.milestone == WON:
            return No("not_allowed")
        if closing(chapter) is None and place.position > now_at.position:
            return None
        if place.position > now_at.position:
            return No("conflict", self._first(chapter))
        here = summary(chapter)
        known = here["accepted_at"] if ask.kind == "accept" else here[DATES[place.milestone]]
        rows = [e for e in chapter if e.kind in ("advance", "accept", "requalify")]
        rows = [e for e in rows if e.place.milestone == place.milestone]
        is_further = ask.kind == "advance" and rows and place.position > rows[0].place.position
        is_news = ask.at is not None and (known is None or at < known) and not is_further
        return None if is_news else No("already", self._first(chapter))

    def _close_objection(self, ask, at, chapter):
        end, reached = closing(chapter), whereabouts(chapter).milestone
        if end is not None:
            known = summary(chapter)["closed_at"]
            is_news = end.kind == ask.kind and ask.at is not None and (known is None or at < known)
            return None if is_news else No("already" if end.kind == ask.kind else "conflict", self._first(chapter))
        too_far = ask.kind in ("reject", "recycle") and reached > SQL
        too_early = ask.kind == "lose" and reached < SQL
        return No("not_allowed") if too_far or too_early else None

    def _requalify_objection(self, ask, at, chapter):
        end = closing(chapter)
        if end is None:
            first = next(event for event in chapter if event.seq == self._first(chapter))
            return No("already" if first.kind == "requalify" else "conflict", first.seq)
        return No("conflict", end.seq) if end.kind == "attach" else None

    def _map_objection(self, ask, at, chapter):
        place, here = self._place(ask), whereabouts(chapter)
        if closing(chapter) is not None:
            return No("conflict", self._first(chapter))
        if place is None or place.milestone != here.milestone:
            return No("not_allowed")
        return No("already", self._first(chapter)) if place == here else None

    def _nurture_objection(self, ask, at, chapter):
        end = closing(chapter)
        if end is None and whereabouts(chapter).milestone > MGL:
            return No("not_allowed", self._first(chapter))
        if end is not None and end.kind != "recycle":
            return No("conflict", end.seq)
        here = summary(chapter)
        is_there = (ask.track, ask.revisit_on) == (here["track"], here["revisit_on"])
        return No("already", self._first(chapter)) if is_there else None

    def _reopen_objection(self, ask, at, chapter):
        if closing(chapter) is not None:
            return None
        first = next(event for event in chapter if event.seq == self._first(chapter))
        return No("already" if first.kind == "reopen" else "conflict", first.seq)

    def _undo_objection(self, ask, now):
        rows = self.standing()
        if len(rows) < 2:
            return No("not_allowed")
        newest = rows[-1]
        if ask.row is not None and ask.row != newest.seq:
            return No("conflict", newest.seq)
        if self.recorded[newest.seq] == now:
            return No("not_allowed")  # asked for in the same breath
        return No("too_late", newest.seq) if now - self.recorded[newest.seq] > timedelta(hours=24) else None

    def _correction_objection(self, ask):
        if not ask.note.strip():
            return No("reason")
        row = next((event for event in self.counted() if event.seq == ask.row), None)
        if row is None:
            return No("not_allowed")
        if ask.reason and self.world.reasons[ask.reason] != row.kind:
            return No("reason")
        place = self.world.places.get(ask.stage) or row.place
        moves_stage = place != row.place
        return No("not_allowed") if moves_stage and (row.kind != "advance" or place.milestone == WON) else None

    def _criteria(self, ask):
        place = None if ask.override or ask.kind in ("correct", "map") else self._place(ask)
        knows = self.events and ask.kind != "requalify" and place
        if place is None or (knows and place.position <= whereabouts(self.chapters()[-1]).position):
            return None
        deal = ask.deal or (self.summaries()[-1]["opportunity"] if self.events else None)
        lacks_deal = place.needs_deal and not self.world.deals.get(deal)
        return No("criteria") if lacks_deal or place.confirmations - ask.confirmations else None

    def _fits(self, reason, kind):
        return reason is None or kind not in ("reject", "recycle", "win", "lose") or self.world.reasons[reason] == kind

    def _first(self, chapter):
        """The seq of the row that brought the lead to where it stands."""
        end = closing(chapter)
        starts = [event for event in chapter if event.kind == "reopen"]
        return (end or max([*starts[-1:], travelled(chapter)[-1]], key=lambda event: event.seq)).seq

    # Adding ----------------------------------------------------------------------------------------------------

    def _place(self, ask):
        return {
            "advance": self.world.places.get(ask.stage), "map": self.world.places.get(ask.stage),
            "accept": self.world.accepted,
            "requalify": self.world.qualified, "win": self.world.won,
        }.get(ask.kind)  # fmt: skip

    def _add(self, ask, at, now):
        chapters = self.chapters()
        here = whereabouts(chapters[-1]) if chapters else None
        names, place, reason = None, self._place(ask) or here, ask.reason
        if ask.kind == "undo":
            names, place, reason = self.standing()[-1].seq, None, None
        if ask.kind == "correct":
            row = next(event for event in self.counted() if event.seq == ask.row)
            names, place, reason = row.seq, self.world.places.get(ask.stage) or row.place, ask.reason or row.reason
        if ask.kind == "reopen":
            place = travelled(chapters[-1])[-1].place
        seq = len(self.events) + 1
        chapter = max(1, len(chapters)) + (ask.kind == "requalify")
        came_from = here.id if here else None
        self.events.append(Event(seq, chapter, ask.kind, place, came_from, at, reason, names, ask))
        self.recorded[seq] = now
