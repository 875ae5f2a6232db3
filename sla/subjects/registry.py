"""What can be promised: each kind of subject, registered once by whoever knows its rows.

A subject is one thing that somebody owes: an answer to one pass of a lead, the next update of one deal. Clocks name it
by kind, key and number, and this register says how each kind is read and spoken of. It knows no models, so that the
models can ask it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from django.utils.functional import Promise

from alignment.people.models import Side

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from alignment.people.models import Team, User
    from leads.models import Stage
    from leads.stages.stages import Stages
    from sla.settlement import Owed
    from sla.wording import Words


class SubjectKey(NamedTuple):
    """What a clock is about: the kind, the key of the row, and which time it is owed (of a lead: the pass)."""

    kind: str
    subject_id: int
    number: int


class Whose(NamedTuple):
    """Whose subject it is, for conditions and calendars: its lead, if there is one, and who holds it. `holder_id` None
    means whoever holds the lead.
    """

    lead_id: int | None
    holder_id: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a subject stands now, for those who are told: its name and page, in whose hands it is (None: no one's), and
    of which team, of which side. `table` and `key` name the row that notices are about. `hand_over` is the page where
    somebody else gets it; blank where that cannot be. Pages may be lazy: a sweep tells of few of many.
    """

    title: str
    url: str | Promise
    holder: "User | None"
    team: "Team | None"
    table: str
    key: int
    side: Side = Side.SALES
    hand_over: str | Promise = ""


class Holding(NamedTuple):
    """In whose hands a subject was, from when to when (None: still)."""

    holder: "User"
    team: "Team | None"
    since_at: datetime
    until: datetime | None


class Reader(Protocol):
    """Reads the rows of one table that subjects are. Each method is a few queries, however many the keys are."""

    def owed(self, kind: str, keys: Collection[int]) -> "Mapping[SubjectKey, Owed]":
        """What is owed to, or was given for, these: all that has a clock, and what should get one."""

    def whose(self, keys: Collection[int]) -> Mapping[int, Whose]:
        """Whose they are."""

    def standings(self, keys: Collection[int]) -> Mapping[int, Standing]:
        """Where they stand now."""

    def holdings(self, keys: Collection[int]) -> Mapping[int, Sequence[Holding]]:
        """In whose hands they were, in order of time."""

    def awaited(self) -> Mapping[int, int]:
        """Those for which something is owed now and no clock runs, each with the number of its next clock."""

    def owed_by(self, side: Side) -> "QuerySet[Any, Any]":
        """Those that this side owes, as rows; asked only of a kind that both sides owe."""

    def since(self, kind: str, start: datetime, end: datetime, most: int) -> "Mapping[SubjectKey, Owed]":
        """What began to be owed in [start, end), the newest first, `most` at most: for the preview of a draft."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind: what it is called (`label`), what it times (`noun`: “lead”), which sides owe it, and who reads it.

    A kind without a `reader` is about passes of leads, which `sla.subjects.passes` reads all at once. `list_page` names
    the page where many of them stand, for what is told of many at once; blank: the queue. `begins` says when its clocks
    start, as a clause (“a lead becomes an MQL”), and `starts_at` finds the stage by which a lead gets there; None where
    no stage says so.
    """

    kind: str
    label: str
    noun: str
    sides: tuple[Side, ...]
    words: "Words"
    reader: Reader | None = None
    list_page: str = ""
    begins: str = ""
    starts_at: "Callable[[Stages], Stage] | None" = None

    def __str__(self) -> str:
        return self.label

    @property
    def is_of_both(self) -> bool:
        """Whether both sides owe it: which one, its reader tells (`Reader.owed_by`)."""
        return len(self.sides) > 1

    @property
    def is_pass(self) -> bool:
        """Whether it is about passes of leads."""
        return self.reader is None


_subjects: dict[str, Subject] = {}


def register(subject: Subject) -> Subject:
    """Make a kind of subject known. Raises LookupError where another one has its name."""
    if _subjects.setdefault(subject.kind, subject) != subject:
        raise LookupError(f"There are two subjects called {subject.kind}.")
    return subject


def subject(kind: str) -> Subject:
    """Raises KeyError for a kind that nobody registered."""
    return _subjects[kind]


def subjects() -> list[Subject]:
    """All kinds, in the order in which they were registered."""
    return list(_subjects.values())


def reader_of(kind: str) -> Reader:
    """Raises LookupError for the kinds about passes, which are read together."""
    found = _subjects[kind].reader
    if found is None:
        raise LookupError(f"{kind} is about passes of leads.")
    return found


def choices() -> list[tuple[str, str]]:
    """All kinds with their labels, for forms and the API."""
    return [(each.kind, each.label) for each in _subjects.values()]
