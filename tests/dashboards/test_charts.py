"""The geometry of the charts."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards import charts
from dashboards.charts import HEATS, SPARK_HEIGHT, SPARK_WIDTH, Line


@given(st.lists(st.none() | st.floats(0, 1e9), max_size=14))
def test_a_trend_stays_in_its_box(values):
    found = charts.spark(values)
    known = [value for value in values if value is not None]

    if len(known) < 2:
        assert found is None
        return
    points = [tuple(map(float, point.split(","))) for point in found.points.split()]
    assert len(points) == len(known)
    assert all(0 <= x <= SPARK_WIDTH and 0 <= y <= SPARK_HEIGHT for x, y in points)
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert (float(found.x), float(found.y)) == points[-1]


def test_higher_is_up():
    heights = [float(point.split(",")[1]) for point in charts.spark([1, 2, 3]).points.split()]

    assert heights == sorted(heights, reverse=True)


@pytest.mark.parametrize(
    ("part", "whole", "length"), [(4488, 8000, "56.10%"), (0, 8, "0.00%"), (9, 8, "100.00%"), (3, 0, "0%")]
)
def test_lengths_are_shares_and_never_too_long(part, whole, length):
    assert charts.length(part, whole) == length


def test_the_darkest_cell_is_the_highest_share():
    assert [charts.heat(share, 0.12) for share in (0, 0.03, 0.06, 0.119, 0.12, None)] == [0, 1, 3, 5, HEATS - 1, 0]
    assert charts.heat(0.0, 0.0) == 0


def test_below_average_beyond_chance_needs_enough():
    assert charts.likely_most(0, 3) > 0.5
    assert charts.likely_most(15, 493) < 0.105 < charts.likely_most(24, 284)
    assert charts.likely_most(0, 0) == charts.likely_most(5, 3) == 1


def test_a_weekly_line_ends_with_its_value_and_leaves_gaps():
    weeks = [date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 16)]
    figure = charts.weekly(
        weeks, [Line("Kept", "sales", [0.9, 0.8, None], 0.95), Line("Empty", "marketing", [None] * 3, None)]
    )

    assert figure["data"][0]["y"] == [90, 80, None]
    assert figure["data"][0]["marker"]["size"] == [0, 8, 0]
    assert [shape["y0"] for shape in figure["layout"]["shapes"]] == [95]
    assert "<b>80%</b>" in [label["text"] for label in figure["layout"]["annotations"]]
    assert figure["layout"]["yaxis"]["range"][0] == 70


def test_nothing_to_draw_is_no_error():
    assert charts.weekly([], [])["data"] == []
    assert charts.weekly([date(2026, 3, 2)], [Line("Empty", "sales", [None], None)])["layout"]["annotations"] == []
