"""Arrays as one literal: PostgreSQL reads what was written."""

import pytest
from django.db import DataError, connection

from alignment.lib import arrays

pytestmark = pytest.mark.django_db


def read(values, kind):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [arrays.literal(values)])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([], "bigint"),
        ([1, -2, 2**63 - 1], "bigint"),
        ([1, None, 3], "int"),
        (["", "NULL", 'a "b"', "c\\d", "{e,f}", "g\nh", "Müller", None], "text"),
    ],
)
def test_postgresql_reads_what_was_written(values, kind):
    assert read(values, kind) == values


def test_a_number_that_is_too_large_is_refused_by_the_database():
    with pytest.raises(DataError):
        read([1, 2**64], "bigint")
