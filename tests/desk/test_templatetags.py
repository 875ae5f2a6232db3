"""What the tags and filters of every template print."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.template import Context, Template
from django.utils import timezone
from lucide.templatetags.lucide import lucide

from alignment.desk.templatetags import accord

NOW = datetime(2026, 5, 28, 10, 43, 30, tzinfo=UTC)
SAO_PAULO = "America/Sao_Paulo"


@pytest.fixture
def at_noon(monkeypatch):
    """Thursday 28 May 2026, 10:43:30 UTC."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def render(source: str, **context: object) -> str:
    return Template(source).render(Context(context))


def test_an_icon_is_drawn_once_and_as_the_package_draws_it(monkeypatch):
    asked = '{% load lucide %}{% lucide "plus" size=15 aria_hidden="true" %}{% lucide name size=16 %}'
    drawn = render(asked, name="download")

    monkeypatch.setattr("lucide._load_icon", None)
    assert render(asked, name="download") == drawn
    monkeypatch.undo()
    assert drawn == lucide("plus", size=15, aria_hidden="true") + lucide("download", size=16)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(hours=38, minutes=54), "38 h 54 m"),
        (timedelta(hours=5, minutes=6), "5 h 06 m"),
        (timedelta(hours=99, minutes=59), "99 h 59 m"),
        (timedelta(hours=-382), "15 d 22 h"),
        (timedelta(minutes=-14), "14 m"),
        (45, "45 s"),
        (0, "0 s"),
        (None, "–"),
    ],
)
def test_duration(value, text):
    assert accord.duration(value) == text


@pytest.mark.parametrize(("days", "text"), [(24.4, "24 d"), (6.25, "6.2 d"), (0.21, "5 h"), (None, "–")])
def test_stay(days, text):
    assert accord.stay(days) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 5, 28, 12, 57, tzinfo=UTC), "today, 12:57"),
        (datetime(2026, 5, 29, 9, 0, tzinfo=UTC), "tomorrow, 09:00"),
        (datetime(2026, 5, 27, 23, 38, tzinfo=UTC), "yesterday, 23:38"),
        (datetime(2026, 5, 30, 12, 57, tzinfo=UTC), "Sat 30 May, 12:57"),
        (datetime(2027, 1, 4, 8, 0, tzinfo=UTC), "4 Jan 2027, 08:00"),
        (None, "–"),
    ],
)
def test_due_at(at_noon, moment, text):
    assert accord.due_at(moment) == text


def test_due_at_is_in_the_viewers_zone(at_noon):
    with timezone.override(SAO_PAULO):
        assert accord.due_at(datetime(2026, 5, 29, 1, 30, tzinfo=UTC)) == "today, 22:30"


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 5, 28, 1, 0, tzinfo=UTC), "Today, 28 May"),
        (date(2026, 5, 27), "Yesterday, 27 May"),
        (date(2026, 5, 23), "Saturday, 23 May"),
        (date(2024, 5, 12), "12 May 2024"),
        (None, "Without a date"),
    ],
)
def test_day(at_noon, moment, text):
    assert accord.day(moment) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 5, 28, 1, 0, tzinfo=UTC), "today, 28 May"),
        (date(2026, 5, 29), "tomorrow, 29 May"),
        (date(2026, 5, 23), "Saturday, 23 May"),
        (date(2024, 5, 12), "12 May 2024"),
    ],
)
def test_a_day_within_a_sentence(at_noon, moment, text):
    assert accord.on_day(moment) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 5, 28, 10, 21, tzinfo=UTC), "10:21"),
        (datetime(2026, 5, 23, 9, 12, tzinfo=UTC), "Sat 09:12"),
        (datetime(2026, 5, 12, 9, 12, tzinfo=UTC), "12 May"),
        (datetime(2025, 5, 12, 9, 12, tzinfo=UTC), "12 May 2025"),
        (datetime(2026, 6, 2, 9, 12, tzinfo=UTC), "2 Jun"),
        (None, "–"),
    ],
)
def test_short_time(at_noon, moment, text):
    assert accord.short_time(moment) == text


def test_figures():
    assert [accord.percent(0.10525), accord.percent(0.384, 0), accord.percent(None)] == ["10.5%", "38%", "–"]
    assert [accord.points(0.014), accord.points(-0.031), accord.points(-0.0001)] == ["+1.4 pt", "−3.1 pt", "0.0 pt"]
    assert [accord.signed(30), accord.signed(-4), accord.signed(0)] == ["+30", "−4", "0"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (842, "842"),
        (9_999, "9,999"),
        (68_400, "68.4k"),
        (999_960, "1.0M"),
        (Decimal(6_100_000), "6.1M"),
        (-2_500_000_000, "−2.5B"),
    ],
)
def test_compact(value, text):
    assert accord.compact(value) == text


def test_a_bar_is_as_long_as_its_share():
    assert accord.share(4488, 8000) == "56.10%"
    assert accord.share(0, 8000) == accord.share(3, 0) == accord.share(None, 5) == "0%"


def test_initials():
    assert [accord.initials(name) for name in ("Marina de Alves", "Cher", " ", None)] == ["MA", "C", "?", "?"]


def test_people_are_marked_by_team_and_escaped():
    assert render("{% team 'sales' %}") == '<span class="team" data-team="sales">Sales</span>'
    assert render("{% team 'marketing' label %}", label="<b>") == (
        '<span class="team" data-team="marketing">&lt;b&gt;</span>'
    )
    assert "data-team" not in render("{% avatar '<x' %}")
    assert "&lt;" in render("{% avatar '<x' %}")


def test_figures_of_a_plot_are_safe_in_an_attribute():
    figure = {"on": date(2026, 5, 1), "to": '"><b>'}

    html = render("<i data-plot='{{ figure|as_json }}'>", figure=figure)

    assert html.count(">") == html.count("<") == 1
    assert json.loads(unescape(html.split("'")[1])) == {"on": "2026-05-01", "to": '"><b>'}


@pytest.mark.parametrize(
    ("left", "state", "text"),
    [
        (timedelta(hours=19, minutes=30), "later", "19 h 30 m"),
        (timedelta(hours=8), "later", "8 h 00 m"),
        (timedelta(hours=7, minutes=59, seconds=59), "soon", "7 h 59 m"),
        (timedelta(minutes=9, seconds=42), "soon", "9 m 42 s"),
        (timedelta(0), "soon", "0 s"),
        (timedelta(seconds=-1), "over", "1 s over"),
        (timedelta(hours=-9, minutes=-12), "over", "9 h 12 m over"),
    ],
)
def test_countdown_states(at_noon, left, state, text):
    html = render("{% countdown due started %}", due=NOW + left, started=NOW - timedelta(hours=40))

    assert f'data-state="{state}"' in html
    assert f"<span data-left>{text}</span>" in html


def test_countdown_gives_the_script_plain_milliseconds_and_the_fuse_its_length(at_noon):
    html = render("{% countdown due started %}", due=NOW + timedelta(hours=12), started=NOW - timedelta(hours=36))

    assert f'data-due="{int(NOW.timestamp() + 12 * 3600)}000"' in html
    assert 'width="25.00%"' in html


def test_an_overdue_fuse_is_full(at_noon):
    html = render("{% clock due started %}", due=NOW - timedelta(hours=1), started=NOW - timedelta(hours=49))

    assert 'class="fuse-left" width="100%"' in html
    assert "1 h 00 m over" in html
    assert "left</span>" not in html


def test_without_a_promise_there_is_no_countdown():
    assert "No promise runs" in render("{% countdown None %}")
    assert render("{% clock None %}").strip() == ""
