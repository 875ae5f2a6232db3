"""How clean the data is: each finding with its count, its way over the last weeks, and the list that it opens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from django.urls import reverse

from alignment.people.models import Company, Side, User
from dashboards.charts import Spark, spark
from leads.hygiene import findings
from leads.hygiene.findings import FINDINGS, PAIRS


@dataclass(frozen=True, slots=True)
class Row:
    """A finding: how many there are now, how many more than at the end of last week (None: not counted then), and the
    counts of the last weeks.
    """

    key: str
    name: str
    asks: str
    url: str
    count: int
    change: int | None
    weeks: Sequence[int | None]

    @property
    def spark(self) -> Spark | None:
        return spark(self.weeks)


class DataPage:
    """Each part is read once, when the template asks for it."""

    def __init__(self, *, at: datetime) -> None:
        self.at = at

    @cached_property
    def company(self) -> Company:
        return Company.objects.select_related("marketing_steward", "sales_steward").get(pk=1)

    @property
    def stewards(self) -> list[tuple[Side, User | None]]:
        """Who keeps the data clean, for each side."""
        return [(Side.MARKETING, self.company.marketing_steward), (Side.SALES, self.company.sales_steward)]

    @cached_property
    def _counts(self) -> dict[str, int]:
        return findings.count_all(self.at)

    @cached_property
    def _weeks(self) -> tuple[list[date], dict[str, list[int | None]]]:
        return findings.by_week(self.company, self.at)

    @property
    def weeks(self) -> list[date]:
        """The first days of the weeks that are shown."""
        return self._weeks[0]

    @cached_property
    def pairs(self) -> list[Row]:
        """What is about two leads."""
        return [self._row(key, name, asks, reverse("data_pairs", args=[key])) for key, (name, asks) in PAIRS.items()]

    @cached_property
    def leads(self) -> list[Row]:
        """What is about single leads."""
        return [
            self._row(key, each.name, each.asks, reverse("data_leads", args=[key])) for key, each in FINDINGS.items()
        ]

    @property
    def rows(self) -> list[Row]:
        return [*self.pairs, *self.leads]

    @property
    def is_clean(self) -> bool:
        return not any(row.count for row in self.rows)

    def _row(self, key: str, name: str, asks: str, url: str) -> Row:
        # This week goes on: it is as of now.
        weeks = [*self._weeks[1][key][:-1], self._counts[key]]
        before = weeks[-2] if len(weeks) > 1 else None
        change = None if before is None else self._counts[key] - before
        return Row(key, name, asks, url, self._counts[key], change, weeks)

    def lines(self) -> Iterator[tuple[str | int | None, ...]]:
        """The findings by week, under `header`."""
        for row in self.rows:
            yield (row.name, *row.weeks)

    @property
    def header(self) -> tuple[str, ...]:
        return ("Finding", *(f"Week of {week:%Y-%m-%d}" for week in self.weeks))
