"""Dates as whole microseconds since 1970, which is as exact as they are stored."""

from datetime import UTC, datetime, timedelta

from django.db.models import BigIntegerField, Func

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Microseconds(Func):
    """A date of the database."""

    template = "(date_part('epoch', %(expressions)s) * 1000000)::bigint"
    output_field = BigIntegerField()


def microseconds(moment: datetime) -> int:
    """One of this process."""
    return (moment - EPOCH) // MICROSECOND
