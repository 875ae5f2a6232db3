"""Turns in a pool: fair, weighted, and explained. Checked against bookkeeping that knows no turns."""

from collections import Counter
from dataclasses import replace
from datetime import date
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from leads.routing.choosing import Bench, Candidate, Member, Verdict, choose

EXAMPLES = 300


def bench(*members: Member, **facts: object) -> Bench:
    return Bench(members, **facts)  # type: ignore[arg-type]


def give(pool: Bench, count: int, language: str = "") -> tuple[Counter[int | None], Bench]:
    choices, after = choose(pool, [language] * count)
    return Counter(choice.user_id for choice in choices), after


batches = st.lists(st.integers(0, 40), max_size=8)


@settings(max_examples=EXAMPLES)
@given(st.integers(1, 9), batches)
def test_equals_are_never_more_than_one_lead_apart(people, sizes):
    pool = bench(*(Member(number) for number in range(1, people + 1)))
    counts = Counter(dict.fromkeys(range(1, people + 1), 0))
    for size in sizes:
        given_out, pool = give(pool, size)
        counts.update(given_out)
        assert max(counts.values()) - min(counts.values()) <= 1
    assert sum(counts.values()) == sum(sizes)


@settings(max_examples=EXAMPLES)
@given(st.lists(st.sampled_from([25, 50, 75, 100, 150, 200, 300]), min_size=1, max_size=7), batches)
def test_shares_are_kept_at_every_moment(weights, sizes):
    """Nobody is ahead of another, by leads for each per cent of their share, by more than one lead of the slower."""
    pool = bench(*(Member(number, weight=weight) for number, weight in enumerate(weights, start=1)))
    counts = Counter(dict.fromkeys(range(1, len(weights) + 1), 0))
    for size in sizes:
        given_out, pool = give(pool, size)
        counts.update(given_out)
        loads = {number: Fraction(counts[number], weight) for number, weight in enumerate(weights, start=1)}
        assert max(loads.values()) - min(loads.values()) <= Fraction(1, min(weights))


@st.composite
def members(draw: st.DrawFn, user_id: int) -> Member:
    return Member(
        user_id,
        turn=draw(st.integers(0, 10**7)),
        weight=draw(st.sampled_from([0, 50, 100, 100])),
        is_active=draw(st.sampled_from([True, True, True, False])),
        away_until=draw(st.sampled_from([None, None, date(2026, 6, 1)])),
        is_open=draw(st.sampled_from([True, True, False])),
        languages=frozenset(draw(st.sets(st.sampled_from(["de", "en", "fr"])))),
        today=draw(st.integers(0, 3)),
        daily_cap=draw(st.sampled_from([None, 0, 2, 4])),
        open=draw(st.integers(0, 3)),
        open_cap=draw(st.sampled_from([None, 1, 5])),
    )


@st.composite
def pools(draw: st.DrawFn) -> Bench:
    count = draw(st.integers(0, 6))
    everybody = tuple(draw(members(number)) for number in range(1, count + 1))
    return Bench(everybody, turn=draw(st.integers(0, 10**7)), goes_on=draw(st.booleans()))


def can_take(member: Member, language: str, got: int, hours_count: bool) -> bool:
    """The rules once more, as people say them."""
    return (
        member.is_active
        and member.weight > 0
        and member.away_until is None
        and (member.is_open or not hours_count)
        and (member.daily_cap is None or member.today + got < member.daily_cap)
        and (member.open_cap is None or member.open + got < member.open_cap)
        and (not language or language in member.languages)
    )


@settings(max_examples=EXAMPLES)
@given(pools(), st.lists(st.sampled_from(["", "", "de", "it"]), max_size=25))
def test_a_lead_goes_to_somebody_who_can_take_it_if_there_is_one(pool, languages):
    known = {each.user_id: each for each in pool.members}
    at_work = any(can_take(replace(each, daily_cap=None, open_cap=None), "", 0, True) for each in pool.members)
    hours_count = at_work or not pool.goes_on
    choices, _ = choose(pool, languages)
    got: Counter[int] = Counter()
    for choice, language in zip(choices, languages, strict=True):
        able = {pk for pk, each in known.items() if can_take(each, language, got[pk], hours_count)}
        assert choice.user_id in able if able else choice.user_id is None
        assert {each.user_id for each in choice.candidates} == known.keys()
        chosen = [each.user_id for each in choice.candidates if each.verdict == Verdict.CHOSEN]
        assert chosen == ([choice.user_id] if choice.user_id else [])
        assert {each.user_id for each in choice.candidates if each.verdict == Verdict.LATER} == able - set(chosen)
        if choice.user_id:
            got[choice.user_id] += 1


@settings(max_examples=EXAMPLES)
@given(pools(), st.integers(0, 20), st.integers(0, 20))
def test_two_batches_are_one(pool, first, second):
    whole, after = choose(pool, [""] * (first + second))
    part, between = choose(pool, [""] * first)
    rest, end = choose(between, [""] * second)
    if not pool.goes_on:
        assert [each.user_id for each in whole] == [each.user_id for each in (*part, *rest)]
        assert end == after


def test_who_comes_back_does_not_get_what_they_missed():
    pool = bench(Member(1), Member(2, away_until=date(2026, 6, 1)))
    _, pool = give(pool, 100)
    back = replace(pool, members=tuple(replace(each, away_until=None) for each in pool.members))
    counts, _ = give(back, 10)
    assert counts == {1: 5, 2: 5}


def test_each_candidate_is_told_why():
    pool = bench(
        Member(1, languages=frozenset({"de"})),
        Member(2),
        Member(3, languages=frozenset({"de"}), turn=5),
        Member(4, is_active=False),
        Member(5, weight=0),
        Member(6, away_until=date(2026, 6, 1)),
        Member(7, is_open=False),
        Member(8, today=4, daily_cap=4),
        Member(9, open=9, open_cap=9),
    )
    [choice], _ = choose(pool, ["de"])
    assert choice.user_id == 1
    assert set(choice.candidates) == {
        Candidate(1, Verdict.CHOSEN),
        Candidate(2, Verdict.LANGUAGE, "de"),
        Candidate(3, Verdict.LATER),
        Candidate(4, Verdict.INACTIVE),
        Candidate(5, Verdict.PAUSED),
        Candidate(6, Verdict.AWAY, "2026-06-01"),
        Candidate(7, Verdict.OFF),
        Candidate(8, Verdict.DAILY_CAP, 4),
        Candidate(9, Verdict.OPEN_CAP, 9),
    }


def test_at_night_the_next_gets_it_only_where_the_pool_says_so():
    asleep = (Member(1, is_open=False), Member(2, is_open=False))
    assert give(bench(*asleep), 4)[0] == {None: 4}
    assert give(bench(*asleep, goes_on=True), 4)[0] == {1: 2, 2: 2}
    assert give(bench(*asleep, Member(3), goes_on=True), 4)[0] == {3: 4}
