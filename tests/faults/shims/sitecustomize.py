"""Loaded by Python before anything else: a worker that is told so lives two hours in the future, or in the past.

The file that `ACCORD_SHIFTED_CLOCK` names holds the seconds; without it the clock is right. Only Celery's worker is
shifted, and only what it reads from its own machine: the database has its own clock.
"""

import datetime
import os
import sys
import time
from pathlib import Path


def _shift_seconds() -> float:
    named = os.environ.get("ACCORD_SHIFTED_CLOCK")
    is_worker = "celery" in " ".join(sys.orig_argv) and "worker" in sys.orig_argv
    try:
        return float(Path(named).read_text()) if named and is_worker else 0
    except FileNotFoundError:
        return 0


def _shift(seconds: float) -> None:
    real_time, real_datetime, real_date = time.time, datetime.datetime, datetime.date
    by = datetime.timedelta(seconds=seconds)

    class LikeIt(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, cls.__mro__[1])

        def __subclasscheck__(cls, other: type) -> bool:
            return issubclass(other, cls.__mro__[1])

    class Shifted(real_datetime, metaclass=LikeIt):
        def __new__(cls, *arguments, **named):
            return real_datetime(*arguments, **named)

        @classmethod
        def now(cls, tz=None):
            return real_datetime.now(tz) + by

        @classmethod
        def utcnow(cls):
            return real_datetime.now(datetime.UTC).replace(tzinfo=None) + by

        @classmethod
        def today(cls):
            return real_datetime.now() + by

    class ShiftedDate(real_date, metaclass=LikeIt):
        def __new__(cls, *arguments, **named):
            return real_date(*arguments, **named)

        @classmethod
        def today(cls):
            return (real_datetime.now() + by).date()

    time.time = lambda: real_time() + seconds
    datetime.datetime, datetime.date = Shifted, ShiftedDate


if SECONDS := _shift_seconds():
    _shift(SECONDS)
