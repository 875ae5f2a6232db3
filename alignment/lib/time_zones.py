"""IANA time zone names, as this machine knows them."""

from functools import cache
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError


@cache
def zone_names() -> tuple[str, ...]:
    """Sorted names to choose from: places and UTC, without the aliases of old systems."""
    return ("UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))


def validate_time_zone(name: str) -> None:
    """Raises ValidationError unless `name` is a zone that dates can be computed in."""
    if name not in available_timezones():
        raise ValidationError(
            "“%(name)s” is not an IANA time zone such as Europe/Berlin or America/New_York.", params={"name": name}
        )
