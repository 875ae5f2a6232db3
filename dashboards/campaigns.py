"""A marketer's home: what sales did with each lead of their campaigns, and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from alignment.lib.csv import Cell
from alignment.people.models import User
from alignment.people.permissions import can
from dashboards.metrics import dispositions
from dashboards.metrics.dispositions import STATES, Fate
from dashboards.metrics.journeys import Journeys
from leads.models import Campaign, Feedback, Reason
from leads.models.stage import ReasonKind

DAYS = (30, 90, 365)
USUAL_DAYS = 90
COMMENTS = 8
PAGE = 50
CHUNK = 2_000
SHADES = 5
HEADER = (
    "Lead", "Name", "Company", "Campaign", "Pass", "Handed over", "Accepted", "Outcome", "Closed", "Reason",
    "Marketing's miss", "Note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A number of a heat map: `shade` 0 to 5 by its share of the highest; the address of the leads behind it."""

    n: int
    shade: int
    url: str


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A campaign, or a rep, with a cell for each reason."""

    name: str
    cells: Sequence[HeatCell]
    total: int


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign and what became of its leads; `urls` open them by state."""

    campaign: Campaign
    fate: Fate
    urls: Mapping[str, str]


class MyCampaigns:
    """The page as an address asks for it. What it knows it reads once, when it is asked."""

    def __init__(self, user: User, asked: Mapping[str, str], *, at: datetime) -> None:
        self.user, self.at, self.asked = user, at, asked
        days = asked.get("days", "")
        self.days = int(days) if days in map(str, DAYS) else USUAL_DAYS
        self.is_all = asked.get("whose") == "all" or not self._own
        self.all_days = DAYS

    @cached_property
    def _own(self) -> list[Campaign]:
        return list(Campaign.objects.filter(owner=self.user))

    @property
    def owns_some(self) -> bool:
        return bool(self._own)

    @cached_property
    def campaigns(self) -> list[Campaign]:
        return list(Campaign.objects.all()) if self.is_all else self._own

    @property
    def query(self) -> dict[str, str]:
        """What every address of this page carries."""
        whose = {"whose": "all"} if self.is_all and self._own else {}
        return {"days": str(self.days), **whose}

    @cached_property
    def passes(self) -> Journeys:
        """The passes that all numbers count."""
        return dispositions.handed_over([one.pk for one in self.campaigns], self.at - timedelta(days=self.days))

    # The tables

    @cached_property
    def rows(self) -> list[CampaignRow]:
        """Campaigns with leads in this time, those with most first; one query."""
        fates = dispositions.fates(self.passes)
        rows = [
            CampaignRow(one, fates[one.pk], {state: self._open(campaign=one.key, state=state) for state in STATES})
            for one in self.campaigns
            if one.pk in fates
        ]
        return sorted(rows, key=lambda row: (-row.fate.counts["handed"], row.campaign.name))

    @cached_property
    def reasons(self) -> list[Reason]:
        """The columns of the heat maps: the reasons that were given."""
        given = {reason for counts in (self._by_campaign, self._by_rep) for _, reason in counts}
        return [one for one in Reason.objects.filter(kind=ReasonKind.REJECT) if one.pk in given]

    @cached_property
    def _by_campaign(self) -> dict[tuple[int | None, int], int]:
        return dispositions.rejections(self.passes, "campaign")

    @cached_property
    def _by_rep(self) -> dict[tuple[int | None, int], int]:
        """Empty for whom the figures of reps are not meant; of a rep their own alone."""
        if can(self.user, "funnel.of_reps"):
            return dispositions.rejections(self.passes, "owner")
        if can(self.user, "funnel.of_rep"):
            return dispositions.rejections(self.passes.filter(owner=self.user), "owner")
        return {}

    @property
    def heat(self) -> list[HeatRow]:
        """Rejections by campaign × reason."""
        named = [(one.pk, one.name, {"campaign": one.key}) for one in self.campaigns]
        return self._heat(self._by_campaign, named)

    @property
    def heat_of_reps(self) -> list[HeatRow]:
        """Rejections by rep × reason, for whom that is meant."""
        reps = User.objects.in_bulk([pk for pk, _ in self._by_rep if pk]) if self._by_rep else {}
        return self._heat(self._by_rep, [(pk, rep.name, {"owner": str(pk)}) for pk, rep in reps.items()])

    def _heat(
        self, counts: Mapping[tuple[int | None, int], int], named: Sequence[tuple[int, str, dict[str, str]]]
    ) -> list[HeatRow]:
        most = max(counts.values(), default=0)
        rows = []
        for pk, name, asked in named:
            found = [(reason, counts.get((pk, reason.pk), 0)) for reason in self.reasons]
            cells = [
                HeatCell(
                    n,
                    round(SHADES * n / most) if most else 0,
                    self._open(state="rejected", reason=str(reason.pk), **asked),
                )
                for reason, n in found
            ]
            if total := sum(cell.n for cell in cells):
                rows.append(HeatRow(name, cells, total))
        return sorted(rows, key=lambda row: (-row.total, row.name))

    @cached_property
    def comments(self) -> list[Feedback]:
        """What was said about these leads, the newest first."""
        said = Feedback.objects.filter(lead__campaign__in=[one.pk for one in self.campaigns])
        return list(said.select_related("lead__campaign", "author").order_by("-at")[:COMMENTS])

    def _open(self, **asked: str) -> str:
        return f"{reverse('campaign_leads')}?{urlencode(self.query | asked)}"

    @property
    def back(self) -> str:
        return f"{reverse('campaigns')}?{urlencode(self.query)}"


class CampaignLeads:
    """The leads behind a number of the page. Raises PermissionDenied where a rep is named that is not theirs to see."""

    def __init__(self, page: MyCampaigns, asked: Mapping[str, str], *, owner: User | None) -> None:
        self.page_of, self.asked, self.owner = page, asked, owner
        self.state = asked["state"] if asked.get("state") in STATES else "handed"
        self.campaign = next((one for one in page.campaigns if one.key == asked.get("campaign")), None)
        reason = asked.get("reason", "")
        self.reason = Reason.objects.filter(pk=reason).first() if reason.isdecimal() and len(reason) < 10 else None
        after = asked.get("after", "")
        self.after = int(after) if after.isdecimal() and len(after) < 19 else 0

    @property
    def title(self) -> str:
        """What is listed, in words."""
        parts = [STATES[self.state][0], self.reason and self.reason.label.lower(), self.campaign, self.owner]
        return ", ".join(str(part) for part in parts if part)

    @cached_property
    def found(self) -> Journeys:
        passes = self.page_of.passes.filter(STATES[self.state][1])
        named: dict[str, Any] = {"campaign": self.campaign, "reason": self.reason, "owner": self.owner}
        return passes.filter(**{name: value for name, value in named.items() if value})

    @cached_property
    def count(self) -> int:
        return self.found.count()

    @property
    def page(self) -> list[Any]:
        return self._rows[:PAGE]

    @property
    def next(self) -> str:
        return str(self.page[-1].pk) if len(self._rows) > PAGE else ""

    @cached_property
    def _rows(self) -> list[Any]:
        passes = self.found.filter(pk__lt=self.after) if self.after else self.found
        related = ("lead", "campaign", "reason", "stage")
        return list(dispositions.with_why(passes).select_related(*related).order_by("-pk")[: PAGE + 1])

    def lines(self) -> Iterator[tuple[Cell, ...]]:
        """All of them, under `HEADER`."""
        told: Any
        for told in dispositions.with_why(self.found).select_related("lead", "campaign", "reason").iterator(CHUNK):
            yield (
                told.lead_id, told.lead.name, told.lead.company_name, told.campaign and told.campaign.name,
                told.pass_no, told.mql_at, told.accepted_at, told.get_outcome_display() or "Open", told.closed_at,
                told.reason and told.reason.label,
                ("yes" if told.reason.counts_as_miss else "no") if told.reason else "", told.why,
            )  # fmt: skip
