"""Reading leads and journeys: chainable, named like the questions people ask."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models

from alignment.lib import keysets
from leads.milestones import Milestone, Outcome

if TYPE_CHECKING:
    from leads.models import Journey, Lead  # noqa: F401 (the query sets name them in quotes)

NEWEST = ("-moved_at", "-id")


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
        """The newest pass of each lead that stands."""
        return self.filter(pass_no=models.F("lead__pass_no"), lead__merged_into=None, lead__withdrawn_at=None)

    def in_nurture(self) -> "JourneyQuerySet":
        """Leads that wait in nurture: recycled, or on a track without being an MQL."""
        placed = models.Q(outcome="", reached=Milestone.MGL) & (
            models.Q(track__isnull=False) | models.Q(revisit_on__isnull=False)
        )
        return self.newest().filter(models.Q(outcome=Outcome.RECYCLED) | placed)
