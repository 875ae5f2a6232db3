"""The kinds of long work: who does a slice of each, and what people are told of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from alignment.ops.models import Job


@dataclass(frozen=True, slots=True)
class Progress:
    """What a slice came to. `cursor` is where the next one starts; `done` and `total` count from the job's start.

    `total` is None while it is not known. `cursor` and `result` are stored as JSON.
    """

    cursor: Any
    done: int
    total: int | None = None
    result: dict[str, Any] = field(default_factory=dict)
    finished: bool = False


Runner = Callable[[Job], Progress]


@dataclass(frozen=True, slots=True)
class Link:
    """Where people go on from a job: to what it made, or to what it was about."""

    label: str
    url: str
    is_download: bool = False


def figures_of(job: Job) -> list[tuple[str, int]]:
    """The whole numbers of a job's result with their names as words."""
    numbers = [(name, value) for name, value in job.result.items() if type(value) is int]
    return [(name.replace("_", " ").capitalize(), value) for name, value in numbers]


def _no_links(job: Job) -> Sequence[Link]:
    return ()


@dataclass(frozen=True, slots=True)
class About:
    """What people are told of the jobs of one kind.

    `title` is a noun phrase (“Import of leads.csv”); `noun` is the unit of `done` and `total`. `figures` are the
    counts of the result and `links` lead on from it. A kind with a page of its own, where its progress is shown as
    well, names it in `own_page`. Kinds that must not end half done are not stoppable.
    """

    title: Callable[[Job], str]
    noun: str = "rows"
    figures: Callable[[Job], Sequence[tuple[str, int]]] = figures_of
    links: Callable[[Job], Sequence[Link]] = _no_links
    own_page: Callable[[Job], str] | None = None
    is_stoppable: bool = True

    def url(self, job: Job) -> str:
        """The page that shows how it goes."""
        return self.own_page(job) if self.own_page else job.get_absolute_url()

    def summary(self, job: Job) -> str:
        """The figures as a sentence; blank where there are none."""
        told = ", ".join(f"{count:,} {name[:1].lower()}{name[1:]}" for name, count in self.figures(job))
        return f"{told}." if told else ""


@dataclass(frozen=True, slots=True)
class Kind:
    """Who does a slice, what is told of it, and what a failure means."""

    run: Runner
    about: About
    on_failure: Callable[[Job], None] | None
    beside: Callable[[Job], Any] | None
    ahead: Callable[[Job], None] | None


_kinds: dict[str, Kind] = {}


def register(
    kind: str,
    *,
    about: About | None = None,
    on_failure: Callable[[Job], None] | None = None,
    beside: Callable[[Job], Any] | None = None,
    ahead: Callable[[Job], None] | None = None,
) -> Callable[[Runner], Runner]:
    """Marks the function that does one slice of a job of `kind`, from `job.cursor` (None: the first).

    It runs in a transaction, for some seconds at most, and changes nothing that a rollback does not take back.
    `on_failure` is called with a job that has failed, in the transaction that says so.

    `beside` makes it possible to do two slices at a time: it says where the slice after the one at `job.cursor` begins,
    or None where that must wait until this one is stored, because it needs what this one writes. It is called while
    this one runs, in another thread. Both come to the same as one after the other, and the runner calls `in_turn`
    before it says how far the job has come. `ahead` is called before a slice that may run beside another begins, in the
    order of the slices: it commits what both would wait for, and what stays should the slice be taken back.
    """

    def mark(runner: Runner) -> Runner:
        known = _kinds.setdefault(kind, Kind(runner, about or _nameless(kind), on_failure, beside, ahead))
        if known.run is not runner:
            raise LookupError(f"There are two runners for jobs of the kind {kind}.")
        return runner

    return mark


def kind_of(name: str) -> Kind | None:
    """The kind; None where this version of Accord does not know it."""
    return _kinds.get(name)


def about(job: Job) -> About:
    """What to tell of a job, also of one whose kind is not known any more."""
    kind = kind_of(job.kind)
    return kind.about if kind else _nameless(job.kind)


def _nameless(kind: str) -> About:
    words = kind.replace(".", ": ").replace("_", " ").capitalize()
    return About(title=lambda job: words)
