"""Days that people write: a slip of the year is told at once, not stored."""

from datetime import date

from django.core.exceptions import ValidationError

from alignment.lib.periods import EARLIEST, LATEST


def validate_day(day: date) -> None:
    """Raises ValidationError for a day outside the years that Accord knows."""
    if not EARLIEST <= day <= LATEST:
        raise ValidationError(f"Check the year: it lies outside {EARLIEST.year} to {LATEST.year}.")
