"""What the profiles say beside what is won: hand-overs of a period by the profile that their account meets."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from alignment.lib.csv import Cell
from leads.milestones import Milestone, Outcome
from leads.scoring.previewing import Share

HEADER = ("Profile", "Tier", "Accounts", "Handed over", "Accepted", "Won", "Bookings")


@dataclass(frozen=True, slots=True)
class Won:
    """One profile (None: accounts that meet none): its accounts, and what became of the hand-overs of the period.

    `amount` is the sum of won deals in the company's currency.
    """

    name: str | None
    tier: int | None
    accounts: int
    handed: int
    accepted: int
    won: int
    amount: Decimal

    @property
    def acceptance(self) -> Share:
        """The accepted of those handed over."""
        return Share(self.accepted, self.handed)

    @property
    def winning(self) -> Share:
        """The won of those handed over."""
        return Share(self.won, self.handed)


def stated_and_won(names: Mapping[str, str], start: datetime, end: datetime) -> list[Won]:
    """By profile, best tier first, leads without any profile last; one query. `names`: key → name.

    It begins with the accounts that meet a profile: joining the lead of each hand-over would read all leads.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH handed AS (SELECT account.profile, account.tier, pass.accepted_at, pass.reached, pass.outcome,"
            " deal.base_amount FROM leads_journey pass LEFT JOIN (SELECT lead.id, profile, tier"
            " FROM leads_accountprofile JOIN leads_lead lead USING (account_id)) account ON account.id = pass.lead_id"
            " LEFT JOIN leads_opportunity deal ON deal.id = pass.opportunity_id AND pass.is_primary"
            " AND deal.state = 'won' AND deal.withdrawn_at IS NULL"
            " WHERE pass.mql_at >= %s AND pass.mql_at < %s AND pass.outcome <> 'merged'),"
            " accounts AS (SELECT profile, tier, count(*) AS n FROM leads_accountprofile GROUP BY 1, 2),"
            " results AS (SELECT profile, tier, count(*) AS n,"
            " count(*) FILTER (WHERE accepted_at IS NOT NULL OR reached >= %s) AS accepted,"
            " count(*) FILTER (WHERE outcome = %s) AS won, coalesce(sum(base_amount), 0) AS amount"
            " FROM handed GROUP BY 1, 2)"
            " SELECT coalesce(results.profile, accounts.profile), coalesce(results.tier, accounts.tier),"
            " coalesce(accounts.n, 0), coalesce(results.n, 0), coalesce(results.accepted, 0), coalesce(results.won, 0),"
            " coalesce(results.amount, 0) FROM accounts FULL JOIN results ON results.profile = accounts.profile"
            " ORDER BY 2 NULLS LAST, 1",
            [start, end, Milestone.SQL, Outcome.WON],
        )
        return [Won(names.get(key, key) if key else None, *rest) for key, *rest in cursor.fetchall()]


def lines(rows: Iterable[Won]) -> Iterator[tuple[Cell, ...]]:
    """They as rows under `HEADER`."""
    for row in rows:
        accounts = row.accounts if row.name else None
        yield (row.name or "No profile", row.tier, accounts, row.handed, row.accepted, row.won, row.amount)
