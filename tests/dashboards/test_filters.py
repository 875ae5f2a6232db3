"""An address is read, checked with sentences, and written back as it was."""

from datetime import UTC, date, datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment.lib.periods import EARLIEST, LATEST, Period
from dashboards.filters import Anchor, Basis, Calendar, Deals, FilterError, Filters, Passes, Span
from dashboards.options import FACETS, Choice, Facet, Options
from tests.factories import make_team, make_user

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
CALENDAR = Calendar(ZoneInfo("America/New_York"), week_starts_on=7, fiscal_start=2)
CHOICES = {facet: {pk: Choice(facet, pk, f"{facet}-{pk}", facet) for pk in (1, 2)} for facet in FACETS}
OPTIONS = Options({facet: {None: Choice(facet, None, "-", f"No {facet}"), **CHOICES[facet]} for facet in FACETS})


def parse(given):
    return Filters.parse(given, options=OPTIONS, calendar=CALENDAR, at=AT)


def mistakes(given):
    """The sentences about an address; None where it is right."""
    try:
        parse(given)
    except FilterError as error:
        return error.messages
    return None


@st.composite
def addresses(draw):
    named = {
        "basis": Basis, "anchor": Anchor, "passes": Passes, "deals": Deals, "by": Facet,
        "period": [each for each in Span if each != Span.DATES],
    }  # fmt: skip
    given = {name: str(draw(st.sampled_from(list(kind)))) for name, kind in named.items() if draw(st.booleans())}
    given |= {facet: draw(st.sampled_from([f"{facet}-1", "-", ""])) for facet in FACETS if draw(st.booleans())}
    if draw(st.booleans()):
        given.pop("period", None)
        first, last = sorted([draw(st.dates(EARLIEST, LATEST)), draw(st.dates(EARLIEST, LATEST))])
        given |= {"from": first.isoformat(), "to": last.isoformat()}
    return given


@given(addresses())
def test_what_is_read_can_be_written_back(given):
    filters = parse(given)

    assert parse(dict(parse_qsl(filters.query))) == filters


@given(addresses())
def test_the_usual_is_not_said(given):
    said = dict(parse_qsl(parse(given).query))

    assert said.items() <= given.items()
    assert parse({}).query == ""


@given(st.dictionaries(st.sampled_from(["from", "to", "period", "basis", "by", *FACETS]), st.text(max_size=12)))
def test_nonsense_gets_sentences(given):
    sentences = mistakes(given)

    assert sentences is None or (sentences and all(sentence.endswith(".") for sentence in sentences))


def test_each_mistake_is_named():
    assert mistakes({"from": "2018-02-30", "to": "2018-03-01"}) == ["“2018-02-30” is not a date such as 2018-05-31."]
    assert mistakes({"from": "yesterday", "to": "2018-03-01"}) == ["“yesterday” is not a date such as 2018-05-31."]
    assert mistakes({"from": "2018-03-01"}) == ["Choose the last day too."]
    assert mistakes({"from": "2018-03-02", "to": "2018-03-01"}) == ["The first day is after the last one."]
    assert mistakes({"from": "1989-01-01", "to": "2018-03-01"}) == ["Dates go from 1990 to 2100."]
    assert mistakes({"source": "source-9", "team": "x", "basis": "odd"}) == [
        "“odd” is no basis: choose cohort, period.",
        "There is no source “source-9”.",
        "There is no team “x”.",
    ]


def test_periods_are_of_the_companys_calendar():
    # In New York it is still the evening of the 22nd.
    assert parse({"period": "90d"}).period == Period(date(2026, 8, 25), date(2026, 11, 22))
    assert parse({"period": "quarter"}).period == Period(date(2026, 11, 1), date(2027, 1, 31))
    assert parse({}).period == Period(date(2025, 12, 1), date(2026, 11, 22))
    assert parse({"period": "all"}).period is None


def test_a_chosen_period_comes_before_dates():
    dates = {"from": "2018-03-01", "to": "2018-03-31"}
    march = Period(date(2018, 3, 1), date(2018, 3, 31))

    assert parse(dates).period == parse({**dates, "period": "dates"}).period == march
    assert parse({**dates, "period": "all"}).period is None


@pytest.mark.django_db
def test_the_choices_of_a_company(django_assert_num_queries):
    team = make_team(name="North")
    rep = make_user(name="Ada", team=team)
    with django_assert_num_queries(1):
        options = Options.load()

    assert options.find("owner", str(rep.pk)) == Choice("owner", rep.pk, str(rep.pk), "Ada")
    assert options.find("team", str(team.pk)).name == "North"
    assert options.find("source", "-").pk is None
    assert options.find("source", "nowhere") is None
    assert [choice.name for choice in options.by_facet["owner"].values()] == ["No owner", "Ada"]
