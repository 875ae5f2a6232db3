"""What a change of many leads would do: how many of them, and who is refused and why. Nothing is written."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from alignment.people.models import User
from leads.bulk.actions import Action
from leads.bulk.running import AT_ONCE, permitted
from leads.causes import Cause
from leads.milestones import CauseSource
from leads.querysets import LeadQuerySet


@dataclass(frozen=True, slots=True)
class Preview:
    """`total` leads are meant; of the first `tried` of them these are refused: lead → why."""

    total: int
    tried: int
    refused: Mapping[int, str]

    @property
    def fits(self) -> int:
        """How many of the tried ones would go through, or are so already."""
        return self.tried - len(self.refused)

    @property
    def is_part(self) -> bool:
        return self.tried < self.total

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why, and how many for that; the most frequent first."""
        return Counter(self.refused.values()).most_common()


def preview(action: Action, leads: LeadQuerySet, *, actor: User, params: dict[str, Any] | None = None) -> Preview:
    """Try the change on the first thousand; the same statements for any number."""
    total = leads.order_by().count()
    lead_ids = list(leads.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    cause = Cause(CauseSource.PAGE, actor_id=actor.pk)
    with transaction.atomic():
        allowed, refused = permitted(action, lead_ids, actor)
        refused |= action.refuses(allowed, action.example() if params is None else params, cause, actor)
        transaction.set_rollback(True)
    return Preview(total, len(lead_ids), refused)
