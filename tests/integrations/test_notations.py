"""How dates and numbers are written: a whole column decides, and what it leaves open is asked."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignment.integrations.importers.notations import (
    DateColumn,
    NotationError,
    NumberColumn,
    amount,
    moment,
    shown,
)

BERLIN = ZoneInfo("Europe/Berlin")
FIRST, LAST = datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2100-01-01")
MINUTES = st.datetimes(FIRST, LAST).map(lambda at: at.replace(second=0, microsecond=0))


def dates(*texts: str) -> DateColumn:
    column = DateColumn()
    for text in texts:
        column.add(text)
    return column


def numbers(*texts: str) -> NumberColumn:
    column = NumberColumn()
    for text in texts:
        column.add(text)
    return column


class TestMoments:
    @pytest.mark.parametrize(
        ("text", "notation", "expected"),
        [
            ("2024-03-15", "iso", "2024-03-15"),
            ("2024/3/5 9:05", "iso", "2024-03-05 09:05:00"),
            ("2024-03-15 14:05:07.123", "iso", "2024-03-15 14:05:07.123000"),
            ("15.03.2024 14:05", "dmy", "2024-03-15 14:05:00"),
            ("3/4/2024", "dmy", "2024-04-03"),
            ("3/4/2024", "mdy", "2024-03-04"),
            ("3/15/2024 2:05 PM", "mdy", "2024-03-15 14:05:00"),
            ("3/15/2024 12:05 AM", "mdy", "2024-03-15 00:05:00"),
            ("3/15/24, 12:05 p.m.", "mdy", "2024-03-15 12:05:00"),
            ("15-Mar-24", "iso", "2024-03-15"),
            ("15 March 2024", "iso", "2024-03-15"),
            ("March 15, 2024 2:05 pm", "iso", "2024-03-15 14:05:00"),
            ("Mar 15th, 2024", "iso", "2024-03-15"),
            ("15. März 2024", "iso", "2024-03-15"),
            ("1 août 2024", "iso", "2024-08-01"),
            ("Friday, March 15, 2024", "iso", "2024-03-15"),
            ("45366.5", "excel", "2024-03-15 12:00:00"),
        ],
    )
    def test_without_a_zone_it_is_the_given_ones(self, text, notation, expected):
        assert moment(text, notation, BERLIN) == datetime.fromisoformat(expected).replace(tzinfo=BERLIN)

    @pytest.mark.parametrize(
        ("text", "notation"),
        [
            ("2024-03-15T14:05:00Z", "iso"),
            ("2024-03-15T15:05:00+01:00", "iso"),
            ("2024-03-15T14:05:00.000+0000", "dmy"),
            ("2024-03-15 14:05:00 UTC", "iso"),
            ("2024-03-15 09:05:00-05", "iso"),
            ("Fri, 15 Mar 2024 15:05:00 +0100", "iso"),
            ("1710511500000", "epoch_ms"),
            ("1710511500", "epoch_s"),
        ],
    )
    def test_a_zone_that_is_written_counts(self, text, notation):
        assert moment(text, notation, BERLIN) == datetime(2024, 3, 15, 14, 5, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("text", "notation"),
        [
            ("03/04/2024", "iso"), ("31.02.2024", "dmy"), ("15/03/2024", "mdy"), ("yesterday", "iso"), ("", "iso"),
            ("13:00 PM", "iso"), ("3/15/2024 13:05 PM", "mdy"), ("15 Foo 2024", "iso"), ("2024-13-01", "iso"),
            ("99999999999999999999", "epoch_ms"), ("1.2.3", "dmy"), ("12", "dmy"),
        ],
    )  # fmt: skip
    def test_what_is_written_otherwise_is_no_date(self, text, notation):
        with pytest.raises(NotationError):
            moment(text, notation, UTC)

    @given(MINUTES)
    def test_every_notation_reads_back_what_it_writes(self, at):
        written = {
            "iso": at.isoformat(), "dmy": f"{at:%d.%m.%Y %H:%M}", "mdy": f"{at:%m/%d/%Y %I:%M %p}",
            "epoch_s": str(int(at.replace(tzinfo=UTC).timestamp())),
        }  # fmt: skip
        for notation, text in written.items():
            assert moment(text, notation, UTC) == at.replace(tzinfo=UTC)

    @given(st.text(max_size=30))
    def test_no_text_breaks_it(self, text):
        column = DateColumn()
        column.add(text)
        numbers(text)
        for notation in ("iso", "dmy", "mdy", "epoch_ms", "excel"):
            try:
                moment(text, notation, timezone(timedelta(hours=2)))
            except NotationError:
                continue


class TestDateColumns:
    def test_one_value_decides_for_all(self):
        assert dates("03/04/2024", "05/06/2024", "13/06/2024").notation == "dmy"
        assert dates("03/04/2024", "05/06/2024", "06/13/2024").notation == "mdy"

    def test_without_one_it_is_open_with_examples(self):
        column = dates("03/04/2024", "05/06/2024", "03/03/2024")
        assert (column.notation, column.open) == ("", ["03/04/2024", "05/06/2024"])
        assert [shown(column.example, each) for each in column.choices] == ["3 April 2024", "4 March 2024"]

    def test_values_that_contradict_each_other_are_open(self):
        column = dates("13/06/2024", "06/13/2024")
        assert (column.notation, column.day_first, column.month_first) == ("", "13/06/2024", "06/13/2024")

    def test_days_that_read_the_same_need_no_question(self):
        assert dates("03/03/2024", "04/04/2024").notation == "dmy"

    def test_what_cannot_be_misread_decides_nothing(self):
        assert dates("2024-03-15", "15 Mar 2024").notation == "iso"
        assert dates("2024-03-15", "03/04/2024").notation == ""

    def test_counted_from_a_day(self):
        assert dates("1710511500000", "1710511500001").notation == "epoch_ms"
        assert dates("1710511500").notation == "epoch_s"
        assert dates("45366", "45367.5").notation == "excel"

    def test_what_is_no_date_is_counted(self):
        column = dates("soon", "2024-03-15", "99/99/2024")
        assert (column.dates, column.others) == (1, 2)

    def test_no_cell_decides_nothing_and_asks_nothing(self):
        assert dates().notation == "iso"


class TestAmounts:
    @pytest.mark.parametrize(
        ("text", "notation", "expected"),
        [
            ("1.234,56", "decimal_comma", "1234.56"),
            ("1,234.56", "decimal_point", "1234.56"),
            ("1 234,56", "decimal_comma", "1234.56"),
            ("1\u202f234,56 €", "decimal_comma", "1234.56"),
            ("€ 1.234", "decimal_comma", "1234"),
            ("€ 1.234", "decimal_point", "1.234"),
            ("$1,234,567", "decimal_point", "1234567"),
            ("1'234.50", "decimal_point", "1234.5"),
            ("12,34,567.00", "decimal_point", "1234567"),
            ("USD 1,000", "decimal_point", "1000"),
            ("1000 EUR", "decimal_point", "1000"),
            ("(123)", "decimal_point", "-123"),
            ("-5", "decimal_point", "-5"),
            ("($1,234.50)", "decimal_point", "-1234.5"),
            ("US$ 99", "decimal_point", "99"),
            ("7", "decimal_comma", "7"),
            (".5", "decimal_point", "0.5"),
        ],
    )
    def test_it_is_the_number_that_people_read(self, text, notation, expected):
        assert amount(text, notation) == Decimal(expected)

    @pytest.mark.parametrize(
        ("text", "notation"),
        [
            ("12,5", "decimal_point"), ("12.5", "decimal_comma"), ("1.234,56", "decimal_point"),
            ("abc", "decimal_point"),
            ("", "decimal_point"), ("1.2.3", "decimal_point"), ("NaN", "decimal_point"), ("1e5", "decimal_point"),
            ("12,34", "decimal_point"), ("Infinity", "decimal_point"),
        ],
    )  # fmt: skip
    def test_what_is_written_otherwise_is_no_number(self, text, notation):
        with pytest.raises(NotationError):
            amount(text, notation)

    def test_one_value_decides_for_all(self):
        assert numbers("1.234", "2.000", "3,5").notation == "decimal_comma"
        assert numbers("1,234", "2,000", "3.5").notation == "decimal_point"
        assert numbers("12", "7").notation == "decimal_point"

    def test_without_one_it_is_open(self):
        column = numbers("1.234", "900")
        assert (column.notation, column.example) == ("", "1.234")
        assert [shown("1.234", each) for each in column.choices] == ["1.234", "1,234"]

    def test_values_that_contradict_each_other_are_open(self):
        assert numbers("1,5", "1.5").notation == ""

    def test_a_currency_that_all_carry_is_known(self):
        assert numbers("€ 5", "7 €").currency == "EUR"
        assert numbers("USD 5", "EUR 7").currency == ""
        assert numbers("$5").currency == ""
