"""What a spreadsheet is given: text stays text, numbers stay numbers."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from alignment.lib.csv import csv_response, lines, safe_cell


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "\x00=", "  ="])
def test_text_that_would_be_a_formula_is_text(start):
    assert safe_cell(f"{start}cmd()").startswith("'")
    assert "\x00" not in safe_cell(f"{start}cmd()")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Müller & Co", "Müller & Co"),
        (-5, "-5"),
        (Decimal("-9.50"), "-9.50"),
        (None, ""),
        (date(2026, 5, 28), "2026-05-28"),
        (datetime(2026, 5, 28, 10, 21, 0, 17, tzinfo=UTC), "2026-05-28T10:21:00+00:00"),
    ],
)
def test_everything_else_is_itself(value, text):
    assert safe_cell(value) == text


def test_lines_are_quoted_and_begin_with_the_mark_of_utf_8():
    assert list(lines(["Name"], [['Ada "The" First, Ltd'], ["two\nlines"]])) == [
        "\ufeffName\r\n",
        '"Ada ""The"" First, Ltd"\r\n',
        '"two\nlines"\r\n',
    ]


def test_a_download_is_written_while_it_is_read():
    read = []

    def rows():
        for number in range(3):
            read.append(number)
            yield [number]

    response = csv_response("leads", ["Number"], rows())

    assert read == []
    assert b"".join(response).decode() == "\ufeffNumber\r\n0\r\n1\r\n2\r\n"
    assert response["Content-Disposition"] == 'attachment; filename="leads.csv"'
