"""Who of a pool gets a lead: weighted turns among those who can take it. Pure.

Each member has a turn; a lead goes to the least, and moves it on by a stride that is the longer the smaller their
share. Among people with equal shares who are always there, nobody is ever more than one lead ahead of another. Whoever
was away goes on where the others stand: what they missed is not made up for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

STRIDE = 72_072_000
"""The stride of a share of one per cent: shares divide it, most of them without a rest."""


class Verdict(StrEnum):
    """What became of a candidate."""

    CHOSEN = "chosen"
    LATER = "later"
    INACTIVE = "inactive"
    PAUSED = "paused"
    AWAY = "away"
    OFF = "off"
    DAILY_CAP = "daily_cap"
    OPEN_CAP = "open_cap"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a pool, at the moment of the choice. `weight` is their share in per cent; `today` and `open` are the
    leads that were routed to them today and that they hold open, against their caps (None: none).
    """

    user_id: int
    turn: int = 0
    weight: int = 100
    is_active: bool = True
    away_until: date | None = None
    is_open: bool = True
    languages: frozenset[str] = frozenset()
    today: int = 0
    daily_cap: int | None = None
    open: int = 0
    open_cap: int | None = None
    given: int = 0


@dataclass(frozen=True, slots=True)
class Bench:
    """A pool at that moment. `turn` is as `leads.models.Pool` says; with `goes_on` its leads go to the next member
    while nobody of it is at work.
    """

    members: tuple[Member, ...]
    turn: int = 0
    goes_on: bool = False


class Candidate(NamedTuple):
    """A member and why they got the lead or not. `detail` is a cap, or the last day of an absence (ISO)."""

    user_id: int
    verdict: Verdict
    detail: int | str | None = None


class Later(NamedTuple):
    """Members whose turns come after that of who got the lead, the next one first: most of a pool, in one entry."""

    user_ids: tuple[int, ...]
    verdict: Verdict = Verdict.LATER
    detail: None = None


class Choice(NamedTuple):
    """Who gets the lead (None: nobody can), and what became of everybody, in the order of their turns."""

    user_id: int | None
    entries: tuple[Candidate | Later, ...]

    @property
    def candidates(self) -> list[Candidate]:
        """The entries with one for each member."""
        return [
            Candidate(user_id, each.verdict, each.detail)
            for each in self.entries
            for user_id in (each.user_ids if isinstance(each, Later) else (each.user_id,))
        ]


def choose(bench: Bench, languages: Sequence[str]) -> tuple[list[Choice], Bench]:
    """A choice for each lead, in order, by the language that its rep must speak (blank: any); and the pool after it."""
    table = _Table(bench)
    return [table.give(language) for language in languages], table.bench()


class _Table:
    """The members while leads are given out one by one."""

    def __init__(self, bench: Bench) -> None:
        self.goes_on = bench.goes_on and not any(_is_at_work(each) for each in bench.members)
        self.members = {each.user_id: each for each in bench.members}
        self.before = bench
        self.turn = bench.turn
        self.refusals = {each.user_id: self._refusal(each) for each in bench.members}
        # Whoever stood aside goes on from where the others are.
        for each in bench.members:
            if self.refusals[each.user_id] is None:
                self.members[each.user_id] = replace(each, turn=max(each.turn, self.turn))

    def _refusal(self, member: Member) -> Candidate | None:
        return _refusal(member, ignores_hours=self.goes_on)

    def give(self, language: str) -> Choice:
        here = self._here()
        able = [each for each in here if language in each.languages] if language else here
        chosen = able[0] if able else None
        entries = (*_seen(here, chosen, language), *filter(None, self.refusals.values()))
        if chosen is None:
            return Choice(None, entries)
        after = replace(
            chosen, turn=chosen.turn + STRIDE // chosen.weight, given=chosen.given + 1, today=chosen.today + 1,
            open=chosen.open + 1,
        )  # fmt: skip
        self.members[chosen.user_id] = after
        self.refusals[chosen.user_id] = self._refusal(after)
        return Choice(chosen.user_id, entries)

    def _here(self) -> list[Member]:
        """Who can take a lead now, the next one first."""
        here = [each for user_id, each in self.members.items() if self.refusals[user_id] is None]
        here.sort(key=attrgetter("turn", "user_id"))
        if here:
            self.turn = max(self.turn, here[0].turn)
        return here

    def bench(self) -> Bench:
        self._here()
        return replace(self.before, members=tuple(self.members.values()), turn=self.turn)


def _seen(here: Sequence[Member], chosen: Member | None, language: str) -> Iterator[Candidate | Later]:
    if chosen and not language:  # of most leads, and then it is plain
        yield Candidate(chosen.user_id, Verdict.CHOSEN)
        if len(here) > 1:
            yield Later(tuple([each.user_id for each in here[1:]]))
        return
    for verdict, run in groupby(here, lambda each: _verdict(each, chosen, language)):
        if verdict == Verdict.LATER:
            yield Later(tuple([each.user_id for each in run]))
        else:
            detail = language if verdict == Verdict.LANGUAGE else None
            yield from (Candidate(each.user_id, verdict, detail) for each in run)


def _verdict(member: Member, chosen: Member | None, language: str) -> Verdict:
    if member is chosen:
        return Verdict.CHOSEN
    return Verdict.LATER if language in member.languages else Verdict.LANGUAGE


def _is_at_work(member: Member) -> bool:
    return member.is_active and member.weight > 0 and member.away_until is None and member.is_open


def _refusal(member: Member, *, ignores_hours: bool = False) -> Candidate | None:
    """Why a member cannot take any lead now; None if they can."""
    if not member.is_active:
        return Candidate(member.user_id, Verdict.INACTIVE)
    if not member.weight:
        return Candidate(member.user_id, Verdict.PAUSED)
    if member.away_until is not None:
        return Candidate(member.user_id, Verdict.AWAY, member.away_until.isoformat())
    if not member.is_open and not ignores_hours:
        return Candidate(member.user_id, Verdict.OFF)
    if member.daily_cap is not None and member.today >= member.daily_cap:
        return Candidate(member.user_id, Verdict.DAILY_CAP, member.daily_cap)
    if member.open_cap is not None and member.open >= member.open_cap:
        return Candidate(member.user_id, Verdict.OPEN_CAP, member.open_cap)
    return None
