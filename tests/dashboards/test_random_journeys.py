"""Every figure of the funnel equals what a plain retelling of the same journeys says, whatever is asked."""

from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from alignment.people.models import Company
from dashboards.filters import Anchor, Basis, Calendar, Filters
from dashboards.metrics import attainment, cohorts, funnel, promises, speed
from dashboards.metrics.attainment import Owed
from dashboards.metrics.cells import AGES
from dashboards.options import Facet, Options
from leads.milestones import Milestone
from sla.querysets import Attainment
from tests.dashboards.oracle import NAMES, Answers, Question, percentile
from tests.dashboards.stories import AT, TOUCHES, ZONE, lives, store

pytestmark = pytest.mark.django_db

STATES = ("rejected", "recycled", "lost", "attached", "open")

asked = st.fixed_dictionaries(
    {},
    optional={
        "dates": st.sampled_from(
            [
                (date(2018, 10, 1), date(2018, 10, 31)),
                (date(2018, 11, 4), date(2018, 11, 4)),
                (date(2018, 9, 10), date(2019, 1, 20)),
                (date(2017, 1, 1), date(2019, 12, 31)),
            ]
        ),
        "basis": st.sampled_from(["cohort", "period"]),
        "anchor": st.sampled_from(["mql", "sql", "won"]),
        "passes": st.sampled_from(["first", "returning"]),
        "source": st.sampled_from(["event", "-"]),
        "deals": st.just("all"),
    },
)


@contextmanager
def stored(told):
    """These lives in the database, until the end."""
    with transaction.atomic():
        Company.objects.update(time_zone=ZONE)
        store(told)
        yield
        transaction.set_rollback(True)


def understood(request) -> tuple[Filters, Question]:
    """The same request for the code and for the oracle."""
    given = {name: value for name, value in request.items() if name != "dates"} | {"period": "all"}
    if "dates" in request:
        first, last = request["dates"]
        given |= {"period": "dates", "from": first.isoformat(), "to": last.isoformat()}
    calendar = Calendar.of(Company.get())
    filters = Filters.parse(given, options=Options.load(), calendar=calendar, at=AT)
    start, end = filters.instants or (None, None)
    question = Question(
        start=start,
        end=end,
        is_cohort=filters.basis == Basis.COHORT,
        anchor=filters.anchor.milestone if filters.anchor != Anchor.FIRST else None,
        passes=str(filters.passes),
        source=request.get("source"),
        only_new="deals" not in request,
    )
    return filters, question


@settings(max_examples=50)
@given(st.lists(lives(), max_size=14), asked)
def test_the_funnel(told, request):
    with stored(told):
        filters, question = understood(request)
        found, answers = funnel.measure(filters), Answers(told, question, AT)

        assert found.n == len(answers.cohort())
        assert found.undated == sum(answers.entry_of(life) is None for life in answers.cohort())
        for milestone in NAMES:
            assert found.counts.reached(Milestone(milestone)) == len(answers.reached(milestone))
            for state in STATES:
                assert found.counts.stopped(state, Milestone(milestone)) == len(answers.stopped(milestone, state))
        check_groups(found, told, question)
        check_cohorts(found, answers)


def check_groups(found, told, question):
    keys = {None: "-"} | {choice.pk: choice.key for choice in Options.load().by_facet["source"].values()}
    for group in found.groups:
        if question.source in (None, keys[group.pk]):
            own = Answers(told, Question(**{**vars(question), "source": keys[group.pk]}), AT)
            assert group.n == len(own.cohort())
            assert [group.counts.reached(each) for each in Milestone] == [len(own.reached(each)) for each in Milestone]
    assert sum(group.n for group in found.groups) == found.n


def check_cohorts(found, answers):
    rows = cohorts.cohorts(found, AT)
    assert sum(row.n for row in rows) == found.n - found.undated
    for place, days in enumerate(AGES):
        old_enough = [row.won[place] for row in rows if row.won[place] is not None]
        zone = found.filters.calendar.zone
        ends = [row.period.instants(zone)[1] for row in rows if row.won[place] is not None]
        newest = max(ends, default=None)
        expected = [life for life in answers.won_within(days) if newest and answers.entry_of(life) < newest]
        assert sum(old_enough) == len(expected)
        assert all((end + timedelta(days=days)) <= AT for end in ends)


@settings(max_examples=50)
@given(st.lists(lives(), max_size=14), asked)
def test_the_parts_of_a_step_sum_to_the_whole(told, request):
    with stored(told):
        filters, _ = understood(request | {"basis": "cohort"})
        for step in funnel.measure(filters).steps:
            assert step.went_on + step.drop_off + step.attached + step.still_open == step.entered
            assert step.rate == (step.went_on / step.entered if step.entered else None)


@settings(max_examples=50)
@given(st.lists(lives(), max_size=14), asked)
def test_stays(told, request):
    with stored(told):
        filters, question = understood(request)
        found, answers = speed.stays(filters, AT), Answers(told, question, AT)

        for milestone, stay in found.items():
            lengths, ages = answers.completed(milestone), answers.ages(milestone)
            assert (stay.n, stay.still_open) == (len(lengths), len(answers.still_open(milestone)))
            assert seconds(stay.median) == pytest.approx(percentile(lengths, 0.5))
            assert seconds(stay.p90) == pytest.approx(percentile(lengths, 0.9))
            assert seconds(stay.age) == pytest.approx(percentile(ages, 0.5))
            longest = percentile(lengths, 0.9)
            assert stay.stuck == sum(longest is not None and age > longest + 1e-3 for age in ages)
            assert speed.stuck(filters, milestone, AT).count() == stay.stuck


def seconds(length):
    return None if length is None else length.total_seconds()


@settings(max_examples=50)
@given(st.lists(lives(), max_size=14), asked)
def test_promises(told, request):
    with stored(told):
        filters, question = understood(request)
        found, answers = promises.measure(filters, AT), Answers(told, question, AT)
        kept, rejected = found.kept, answers.rejected()

        assert kept.delivered == len(answers.delivered())
        assert kept.accepted == len(answers.accepted())
        assert kept.untouched == len(answers.untouched())
        assert kept.rejected == len(rejected)
        assert kept.missed == sum(life.reason_is_miss for life in rejected)
        assert kept.reasoned == sum(life.reason_is_agreed for life in rejected)
        assert kept.answered.n == len(answers.judged())
        assert kept.answered.met == len(answers.met())
        assert found.overdue == len(answers.overdue())
        decided = kept.accepted + kept.missed
        assert kept.acceptance == (kept.accepted / decided if decided else None)
        for week, own in found.weeks:
            start, end = week.instants(filters.calendar.zone)
            this_week = Answers(told, Question(**{**vars(question), "start": start, "end": end}), AT)
            assert own.delivered == len(this_week.delivered())
            assert own.accepted == len(this_week.accepted())
            assert own.rejected == len(this_week.rejected())
            assert (own.answered.met, own.answered.n) == (len(this_week.met()), len(this_week.judged()))


@settings(max_examples=50)
@given(st.lists(lives(), max_size=14), asked)
def test_attainment(told, request):
    with stored(told):
        filters, question = understood(request)
        weeks = promises.weeks_shown(filters, AT)
        found, answers = attainment.measure(filters, weeks, AT), Answers(told, question, AT)
        lines = {line.promise.kind: line for line in found.lines}

        assert lines["disposition"].kept == Attainment(len(answers.met()), len(answers.judged()) - len(answers.met()))
        for kind in TOUCHES:
            states, now = answers.states(kind, of_period=True), answers.states(kind, of_period=False)
            line = lines[kind]
            assert line.kept == Attainment(states.count("kept"), states.count("broken"))
            assert line.excused == states.count("excused")
            assert line.owed == Owed(
                open=now.count("open") + now.count("at risk"), at_risk=now.count("at risk"),
                paused=now.count("paused"), overdue=answers.unanswered(kind),
            )  # fmt: skip
            for week, own in zip(weeks, line.weeks, strict=True):
                start, end = week.instants(filters.calendar.zone)
                of_week = Answers(told, Question(**{**vars(question), "start": start, "end": end}), AT)
                states = of_week.states(kind, of_period=True)
                assert own == Attainment(states.count("kept"), states.count("broken"))
        check_the_groups_of_promises(found, told, question)


def check_the_groups_of_promises(found, told, question):
    keys = {None: "-"} | {choice.pk: choice.key for choice in Options.load().by_facet["source"].values()}
    for pk, kinds in found.groups[Facet.SOURCE].items():
        own = Answers(told, Question(**{**vars(question), "source": keys[pk]}), AT)
        for kind in TOUCHES:
            states = own.states(kind, of_period=True)
            assert kinds.get(kind, Attainment()) == Attainment(states.count("kept"), states.count("broken"))
    for groups in found.groups.values():
        summed = sum((kept for kinds in groups.values() for kept in kinds.values()), Attainment())
        assert summed == sum((line.kept for line in found.lines), Attainment())
    assert sum(found.owed_by.values(), Owed()) == sum((line.owed for line in found.lines), Owed())


@settings(max_examples=30)
@given(st.lists(lives(), max_size=14), asked)
def test_the_period_before_is_compared_at_the_same_age(told, request):
    with stored(told):
        filters, question = understood(request)
        before = filters.period and filters.period.before()
        found = funnel.reached_before(filters, AT)
        if before is None:
            assert found is None
            return
        start, end = before.instants(filters.calendar.zone)
        earlier = Answers(told, Question(**{**vars(question), "start": start, "end": end}), AT)
        entries = [answer for life in earlier.cohort() if (answer := earlier.entry_of(life))]
        if not entries or min(entries) > start + (end - start) / 10:
            assert found is None
        elif question.is_cohort:
            then = AT - timedelta(days=before.days)
            assert found == {each: sum(had(life, each, then) for life in earlier.reached(each)) for each in NAMES}
        else:
            assert found == {each: len(earlier.reached(each)) for each in NAMES}


def had(life, milestone, then):
    """Whether it had got to `milestone` by `then`, as far as its dates tell."""
    known = [life.dates[later] for later in range(milestone, life.reached + 1) if life.dates.get(later)]
    return not known or min(known) <= then
