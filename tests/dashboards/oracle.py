"""What the figures should be, told a second time: from plain records, one by one, without a database or its code."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MGL, MQL, SQL, SQO, WON = 1, 2, 3, 4, 5
NAMES = {MGL: "MGL", MQL: "MQL", SQL: "SQL", SQO: "SQO", WON: "WON"}


@dataclass(frozen=True)
class Owed:
    """A promise to one pass, as its clock stores it. Touches are owed beside the answer."""

    kind: str
    started_at: datetime
    due_at: datetime
    stopped_at: datetime | None = None
    is_cancelled: bool = False
    is_excused: bool = False
    is_paused: bool = False

    def is_late(self, at: datetime) -> bool:
        return (self.stopped_at or at) > self.due_at

    def state(self, at: datetime) -> str:
        """Kept, broken or excused; else what is owed: overdue, paused, at risk or open."""
        if self.is_cancelled:
            return "cancelled"
        if self.stopped_at or self.due_at < at:
            if self.is_late(at):
                return "excused" if self.is_excused else "broken"
            return "kept"
        if self.is_paused:
            return "paused"
        left = self.due_at - at
        quarter = (self.due_at - self.started_at) / 4
        return "at risk" if left <= timedelta(hours=8) and left <= quarter else "open"


@dataclass
class Life:
    """One pass of one lead, as a journey row stores it. `dates` are those of the milestones."""

    reached: int
    outcome: str = ""
    dates: dict[int, datetime | None] = field(default_factory=dict)
    accepted_at: datetime | None = None
    worked_at: datetime | None = None
    closed_at: datetime | None = None
    is_primary: bool = True
    pass_no: int = 1
    source: str | None = None
    deal: str | None = None
    reason_is_miss: bool = False
    reason_is_agreed: bool = True
    due_at: datetime | None = None
    stopped_at: datetime | None = None
    is_cancelled: bool = False
    owed: list[Owed] = field(default_factory=list)
    pk: int = 0

    @property
    def entered_at(self) -> datetime | None:
        for milestone in NAMES:
            if self.dates.get(milestone):
                return self.dates[milestone]
        return None

    @property
    def joined_another_deal(self) -> bool:
        """It got as far as a deal that somebody else carries."""
        return self.reached >= SQO and not self.is_primary

    def got_to(self, milestone: int) -> bool:
        if milestone >= SQO and self.joined_another_deal:
            return False
        return self.reached >= milestone

    @property
    def stopped_in(self) -> tuple[int, str]:
        if self.joined_another_deal:
            return SQL, "attached"
        return self.reached, self.outcome or "open"

    @property
    def ended_at(self) -> datetime | None:
        return self.dates.get(SQO) if self.joined_another_deal else self.closed_at


@dataclass(frozen=True)
class Question:
    """What is asked: a period of instants (None: all time), and whom it is about."""

    start: datetime | None = None
    end: datetime | None = None
    is_cohort: bool = True
    anchor: int | None = None
    passes: str = "all"
    source: str | None = None
    only_new: bool = True

    def holds(self, moment: datetime | None) -> bool:
        if self.start is None:
            return True
        return moment is not None and self.start <= moment < self.end

    def is_about(self, life: Life) -> bool:
        if self.passes != "all" and (life.pass_no == 1) != (self.passes == "first"):
            return False
        return self.source is None or (life.source or "-") == self.source


class Answers:
    """The figures of some lives."""

    def __init__(self, lives: Iterable[Life], question: Question, at: datetime) -> None:
        self.question, self.at = question, at
        self.about = [life for life in lives if question.is_about(life)]
        self.lives = [
            life
            for life in self.about
            if life.outcome != "merged" and not (question.only_new and life.deal not in (None, "new"))
        ]

    # The funnel

    def cohort(self) -> list[Life]:
        anchor = self.question.anchor
        if anchor is None:
            return [life for life in self.lives if self.question.holds(life.entered_at)]
        found = [life for life in self.lives if life.reached >= anchor]
        return [life for life in found if self.question.holds(life.dates.get(anchor))]

    def entry_of(self, life: Life) -> datetime | None:
        return life.dates.get(self.question.anchor) if self.question.anchor else life.entered_at

    def reached(self, milestone: int) -> list[Life]:
        if self.question.is_cohort:
            return [life for life in self.cohort() if life.got_to(milestone)]
        return [
            life for life in self.lives if life.got_to(milestone) and self.question.holds(life.dates.get(milestone))
        ]

    def stopped(self, milestone: int, state: str) -> list[Life]:
        found = [life for life in self.lives if life.stopped_in == (milestone, state)]
        if self.question.is_cohort:
            members = {id(life) for life in self.cohort()}
            return [life for life in found if id(life) in members]
        when: Callable[[Life], datetime | None] = (
            (lambda life: life.dates.get(milestone)) if state == "open" else (lambda life: life.ended_at)
        )
        return [life for life in found if self.question.holds(when(life))]

    def won_within(self, days: int) -> list[Life]:
        span = timedelta(days=days)
        return [
            life
            for life in self.cohort()
            if life.got_to(WON) and life.dates.get(WON) and self.entry_of(life)
            and life.dates[WON] <= self.entry_of(life) + span
        ]  # fmt: skip

    # Stays

    def completed(self, milestone: int) -> list[float]:
        """Seconds of the stays at `milestone` whose both ends are known and in order."""
        found = []
        for life in self.cohort() if self.question.is_cohort else self.lives:
            if not life.got_to(milestone):
                continue
            begin = life.dates.get(milestone)
            end = life.dates.get(milestone + 1) if life.reached > milestone else life.closed_at
            if begin and end and end >= begin and (self.question.is_cohort or self.question.holds(end)):
                found.append((end - begin).total_seconds())
        return found

    def still_open(self, milestone: int) -> list[Life]:
        return self.stopped(milestone, "open")

    def ages(self, milestone: int) -> list[float]:
        begins = [life.dates.get(milestone) for life in self.still_open(milestone)]
        return [(self.at - begin).total_seconds() for begin in begins if begin]

    # Promises, each by its own date

    def delivered(self) -> list[Life]:
        first = [life for life in self.lives if life.got_to(MQL) and life.pass_no == 1]
        return [life for life in first if self.question.holds(life.dates.get(MQL))]

    def accepted(self) -> list[Life]:
        found = [life for life in self.lives if life.accepted_at or life.reached >= SQL]
        return [life for life in found if self.question.holds(life.accepted_at)]

    def untouched(self) -> list[Life]:
        return [life for life in self.accepted() if life.accepted_at and not life.worked_at]

    def rejected(self) -> list[Life]:
        refused = [
            life for life in self.lives if life.outcome == "rejected" and life.reached == MQL and not life.accepted_at
        ]
        return [life for life in refused if self.question.holds(life.closed_at)]

    def judged(self) -> list[Life]:
        due = [
            life for life in self.about if life.due_at and not life.is_cancelled and self.question.holds(life.due_at)
        ]
        return [life for life in due if life.stopped_at or life.due_at < self.at]

    def met(self) -> list[Life]:
        return [life for life in self.judged() if (life.stopped_at or self.at) <= life.due_at]

    def states(self, kind: str, *, of_period: bool) -> list[str]:
        """How each promise of this kind stands, of the touches that are owed; by due time where the period counts."""
        found = [one for life in self.about for one in life.owed if one.kind == kind]
        return [one.state(self.at) for one in found if not of_period or self.question.holds(one.due_at)]

    def unanswered(self, kind: str) -> int:
        """How many of this kind are overdue and not given yet."""
        found = [one for life in self.about for one in life.owed if one.kind == kind and not one.is_cancelled]
        return sum(one.stopped_at is None and one.due_at < self.at for one in found)

    def overdue(self) -> list[Life]:
        waiting = [life for life in self.about if life.due_at and not life.is_cancelled and not life.stopped_at]
        return [life for life in waiting if life.due_at < self.at]


def percentile(values: list[float], share: float) -> float | None:
    """The first value that at least this share of them does not exceed."""
    for value in sorted(values):
        if sum(other <= value for other in values) >= share * len(values) - 1e-9:
            return value
    return None
