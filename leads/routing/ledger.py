"""The fairness ledger: who was routed how many leads, and how good they were."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from alignment.people.models import User
from leads.models.route import How, RoutingDecision


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody was routed. `points` are the scores of their leads together, as they were when each was routed;
    `scored` of them had one. `by_turn` are those that a pool gave them, `expected` what their share of all such leads
    would be.
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
    """Everybody who was routed a lead in [since, until), those with most first; two queries.

    `expected` shares out what the pools gave by the shares that people have today: in one pool it says who is ahead;
    over several it is a rough measure, since pools differ.
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
    turns = sum(row["by_turn"] for row in counted.values())
    shares = {pk: person.weight for pk, person in people.items() if counted[pk]["by_turn"]}
    whole = sum(shares.values()) or 1
    entries = [
        Entry(user=people[row.pop("user_id")], expected=turns * shares.get(pk, 0) / whole, **row)
        for pk, row in counted.items()
    ]
    return sorted(entries, key=lambda each: (-each.leads, each.user.name))
