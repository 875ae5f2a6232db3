"""Signs of life of the processes that no page shows."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from alignment.ops.models import Heartbeat


def beat(name: str, *, detail: dict[str, Any] | None = None) -> None:
    """Say that the process `name` lives, and with `detail` what it did last."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, detail=detail or {})],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at"] if detail is None else ["at", "detail"],
    )


def stale(names: Iterable[str], *, older_than: timedelta) -> list[str]:
    """Which of `names`, in their order, were not heard of for longer than `older_than`, or never (one query)."""
    alive = set(Heartbeat.objects.filter(at__gte=Now() - older_than).values_list("name", flat=True))
    return [name for name in names if name not in alive]
