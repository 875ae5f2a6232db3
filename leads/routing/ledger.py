"""The fairness ledger: who was routed how many leads, and how good they were."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from alignment.lib.csv import Cell
from alignment.people.models import User
from leads.models.route import How, RoutingDecision

HEADER = ("Who", "Team", "Leads", "Points", "By turn", "Fair share", "Own accounts", "Own deals", "As fallback")


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody was routed. `points` are the scores of their leads together, as they were when each was routed;
    `scored` of them had one. `by_turn` are those that a pool gave them, `expected` what their share of
    what each pool gave would be.
    """

    user: User
    leads: int
    scored: int
    points: int
    by_turn: int
    by_account: int
    by_deal: int
    fell_back: int
    expected: float

    @property
    def average(self) -> float | None:
        """Points a lead that had a score; None without one."""
        return self.points / self.scored if self.scored else None

    @property
    def difference(self) -> float:
        """Leads by turn more than expected."""
        return self.by_turn - self.expected


def ledger(*, since: datetime, until: datetime, pool_id: int | None = None) -> list[Entry]:
    """Everybody who was routed a lead in [since, until), those with most first; three queries.

    `expected` shares out what each pool gave by the shares that people have today.
    """
    rows = RoutingDecision.objects.filter(at__gte=since, at__lt=until)
    if pool_id is not None:
        rows = rows.filter(pool=pool_id)
    counted = {
        row["user_id"]: row
        for row in rows.values("user_id").annotate(
            leads=Count("pk"),
            scored=Count("points"),
            points=Coalesce(Sum("points"), 0),
            by_turn=Count("pk", filter=Q(how=How.POOL)),
            by_account=Count("pk", filter=Q(how=How.ACCOUNT)),
            by_deal=Count("pk", filter=Q(how=How.DEAL)),
            fell_back=Count("pk", filter=Q(how=How.FALLBACK)),
        )
    }
    people = User.objects.select_related("team").in_bulk(counted)
    expected = _expected(rows, people)
    entries = [
        Entry(user=people[row.pop("user_id")], expected=expected.get(pk, 0), **row) for pk, row in counted.items()
    ]
    return sorted(entries, key=lambda each: (-each.leads, each.user.name))


def lines(entries: Iterable[Entry]) -> Iterator[tuple[Cell, ...]]:
    """They as rows under `HEADER`."""
    for each in entries:
        yield (
            each.user.name, each.user.team.name if each.user.team else None, each.leads, each.points, each.by_turn,
            round(each.expected, 2), each.by_account, each.by_deal, each.fell_back,
        )  # fmt: skip


def _expected(rows: QuerySet[RoutingDecision], people: Mapping[int, User]) -> dict[int, float]:
    """What each would have of the pools' leads if every pool had shared out its own by weight; one query."""
    given: dict[int | None, dict[int, int]] = {}
    by_turn = rows.filter(how=How.POOL).order_by()
    for pool, user, leads in by_turn.values_list("pool", "user").annotate(leads=Count("pk")):
        given.setdefault(pool, {})[user] = leads
    expected: dict[int, float] = {}
    for leads_of in given.values():
        whole = sum(people[user].weight for user in leads_of) or 1
        for user in leads_of:
            share = people[user].weight / whole
            expected[user] = expected.get(user, 0) + sum(leads_of.values()) * share
    return expected
