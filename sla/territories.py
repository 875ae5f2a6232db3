"""The calendars of territories: when people there work, for promises to their leads."""

from collections.abc import Mapping

from django.db import transaction

from alignment.ops import audit
from alignment.people.models import User
from leads.models import Territory


@transaction.atomic
def set_calendars(*, choices: Mapping[int, int | None], by: User) -> int:
    """Give territories, by key, a calendar (None: as those who hold its leads); returns how many changed.

    Clocks that run keep the calendar that they began with.
    """
    standing = Territory.objects.filter(pk__in=choices).order_by("pk").select_for_update(of=("self",))
    changed = [each for each in standing if each.calendar_id != choices[each.pk]]
    for each in changed:
        each.calendar_id = choices[each.pk]
    Territory.objects.bulk_update(changed, ["calendar"])
    if changed:
        detail = {"calendars": {str(each.pk): each.calendar_id for each in changed}}
        keys = [each.pk for each in changed]
        audit.record(
            action="territory_calendars_changed", actor=by, subject_kind="territory", subject_ids=keys, detail=detail
        )
    return len(changed)
