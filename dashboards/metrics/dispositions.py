"""What sales did with the leads of campaigns, and why: counts by campaign, and rejections by campaign and reason."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, OuterRef, Q, Subquery

from dashboards.metrics.journeys import Journeys
from leads.milestones import Kind, Milestone, Outcome
from leads.models import Journey, LeadTransition

STATES: Mapping[str, tuple[str, Q]] = {
    "handed": ("Handed over", Q()),
    "waiting": ("Wait for an answer", Q(outcome="", reached=Milestone.MQL)),
    "accepted": ("Accepted", Q(accepted_at__isnull=False)),
    "rejected": ("Rejected", Q(outcome=Outcome.REJECTED)),
    "recycled": ("Recycled", Q(outcome=Outcome.RECYCLED)),
    "won": ("Won", Q(outcome=Outcome.WON)),
}
"""What became of a handed-over lead: key → (name, condition). One that was accepted may be lost or rejected since."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Of the passes of one campaign that were handed over in a window: how many are in each of `STATES`."""

    counts: Mapping[str, int]

    @property
    def acceptance(self) -> float | None:
        """Accepted of answered, 0 to 1; None where nothing was answered."""
        answered = self.counts["handed"] - self.counts["waiting"]
        return self.counts["accepted"] / answered if answered else None


def handed_over(campaign_ids: Iterable[int], since: datetime) -> Journeys:
    """The passes of these campaigns (frozen at entry) that were handed over at or after `since`."""
    return Journey.objects.counted().filter(campaign__any_of=set(campaign_ids), mql_at__gte=since)


def rejected(passes: Journeys) -> Journeys:
    """Of these passes, the ones that ended with a rejection."""
    return passes.filter(STATES["rejected"][1])


def fates(passes: Journeys) -> dict[int, Fate]:
    """Campaign → what became of its passes; one query."""
    counted = {
        key: Count("pk", filter=condition) if condition else Count("pk") for key, (_, condition) in STATES.items()
    }
    rows = passes.values("campaign").annotate(**{f"n_{key}": count for key, count in counted.items()}).order_by()
    return {row["campaign"]: Fate({key: row[f"n_{key}"] for key in STATES}) for row in rows}


def rejections(passes: Journeys, by: str) -> dict[tuple[int | None, int], int]:
    """(value of the column `by`, reason) → how many of these passes were rejected; one query."""
    rows = rejected(passes).values_list(by, "reason").annotate(n=Count("pk")).order_by()
    return {(value, reason): n for value, reason, n in rows}


def with_why(passes: Journeys) -> Journeys:
    """With `why`: the note of the newest rejection or recycling of each pass."""
    moves = LeadTransition.objects.filter(
        lead=OuterRef("lead"), pass_no=OuterRef("pass_no"), kind__in=[Kind.REJECT, Kind.RECYCLE], reverted_by=None
    )
    told: Journeys = passes.annotate(why=Subquery(moves.order_by("-seq").values("note__text")[:1]))
    return told
