"""Dates as whole microseconds since 1970, which is as exact as they are stored, and what lies between two."""

from datetime import UTC, datetime, timedelta

from django.db.models import BigIntegerField, Func

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Microseconds(Func):
    """A date of the database."""

    template = "(date_part('epoch', %(expressions)s) * 1000000)::bigint"
    output_field = BigIntegerField()


class Seconds(Func):
    """The whole seconds from the second date to the first: PostgreSQL sorts them twice as fast as intervals."""

    template = "date_part('epoch', %(expressions)s)::bigint"
    arg_joiner = " - "
    output_field = BigIntegerField()


def microseconds(moment: datetime) -> int:
    """One of this process."""
    return (moment - EPOCH) // MICROSECOND
