"""Reading leads and journeys: chainable, named like the questions people ask."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q

from alignment.lib import keysets
from leads.milestones import Milestone, Outcome

if TYPE_CHECKING:
    from leads.models import Journey, Lead  # noqa: F401 (the query sets name them in quotes)

NEWEST = ("-moved_at", "-id")

GONE = Q(merged_into__isnull=False) | Q(withdrawn_at__isnull=False)
"""Tombstones among the leads: merged into another one, or taken back."""

IN_NURTURE = Q(outcome=Outcome.RECYCLED) | Q(outcome="", reached=Milestone.MGL) & (
    Q(track__isnull=False) | Q(revisit_on__isnull=False)
)
"""Passes that wait in nurture while they are newest of their leads: recycled, or on a track without being an MQL."""


class LeadQuerySet(models.QuerySet["Lead"]):
    """Leads. Merged and withdrawn ones are tombstones: `standing()` leaves them out."""

    def standing(self) -> "LeadQuerySet":
        """Leads that are neither merged into another one nor taken back."""
        return self.filter(merged_into=None, withdrawn_at=None)

    def awaiting_answer(self) -> "LeadQuerySet":
        """Open MQLs: marketing has handed them over and sales has not answered yet."""
        return self.standing().filter(milestone=Milestone.MQL, outcome="")

    def in_sales(self) -> "LeadQuerySet":
        """Accepted by sales and still under way."""
        return self.standing().filter(milestone__in=[Milestone.SQL, Milestone.SQO], outcome="")

    def in_nurture(self) -> "LeadQuerySet":
        """Recycled: the inventory of the nurture tracks."""
        return self.standing().filter(outcome=Outcome.RECYCLED)

    def matching(self, words: str) -> "LeadQuerySet":
        """Leads whose name, e-mail or company contains every word (case-insensitive, at most 8 words)."""
        found = self
        for word in words.split()[:8]:
            found = found.filter(search__text__icontains=word)
        return found

    def newest_first(self, *, before: tuple[datetime, int] | None = None) -> "LeadQuerySet":
        """By newest move; `before` is the (moved_at, id) of the last row of the page before (keyset, no OFFSET)."""
        page = self.filter(keysets.beyond(NEWEST, before)) if before else self
        return page.order_by(*NEWEST)


class JourneyQuerySet(models.QuerySet["Journey"]):
    """Passes of leads. Merged ones leave every figure."""

    def counted(self) -> "JourneyQuerySet":
        """The journeys that figures count."""
        return self.exclude(outcome=Outcome.MERGED)

    def newest(self) -> "JourneyQuerySet":
        """The newest pass of each lead that stands.

        Later passes and tombstones are few and have their indexes; joining the leads would read all of them.
        """
        later = self.model.objects.filter(lead=OuterRef("lead"), pass_no__gt=OuterRef("pass_no")).filter(pass_no__gt=1)
        gone = apps.get_model("leads", "Lead")._default_manager.filter(GONE, pk=OuterRef("lead"))
        return self.filter(~Exists(later), ~Exists(gone))

    def in_nurture(self) -> "JourneyQuerySet":
        """Leads that wait in nurture: recycled, or on a track without being an MQL."""
        return self.newest().filter(IN_NURTURE)
