"""Target accounts as a page shows them: who is known there, the last touch, open deals. Two queries for a page."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, DecimalField, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from alignment.lib import keysets
from alignment.lib.csv import Cell
from leads.models import Account, Lead, Opportunity, TargetAccount, Touchpoint
from leads.models.opportunity import DealState
from leads.models.target import TargetOrigin

ORDER = ("name", "pk")
PAGE = 50
CHUNK = 2000

HEADER = (
    "Id", "Account", "Domain", "Tier", "Owner", "People known", "Last touch", "Open deals", "Open amount",
    "On the list", "Why",
)  # fmt: skip


def target_accounts(words: str = "", *, uncovered: bool = False) -> QuerySet[Account]:
    """The accounts on the list whose name or domain contains every word, in no order. `uncovered`: nobody known."""
    listed = TargetAccount.objects.filter(removed_at=None).values("account")
    found = Account.objects.filter(pk__in=listed)
    for word in words.split()[:8]:
        found = found.filter(Q(name__icontains=word) | Q(domain__icontains=word))
    if uncovered:
        found = found.exclude(pk__in=Lead.objects.standing().filter(account__isnull=False).values("account"))
    return found


def page(words: str = "", *, uncovered: bool = False, after: tuple[Any, ...] | None = None) -> list[Any]:
    """A page of them by name, and one more row where there are more, each with what is known of it."""
    found = _covered(target_accounts(words, uncovered=uncovered))
    if after:
        found = found.filter(keysets.beyond(ORDER, after))
    return list(found[: PAGE + 1])


def lines(words: str = "", *, uncovered: bool = False) -> Iterator[tuple[Cell, ...]]:
    """All of them, as rows under `HEADER`; read in chunks."""
    row: Any
    for row in _covered(target_accounts(words, uncovered=uncovered)).iterator(CHUNK):
        yield (
            row.pk, row.name, row.domain, row.profile.tier if hasattr(row, "profile") else None, str(row.owner or ""),
            row.people, row.touched_at, row.open_deals, row.open_amount, TargetOrigin(row.origin).label, row.why,
        )  # fmt: skip


def _covered(accounts: QuerySet[Account]) -> QuerySet[Account, Any]:
    """The accounts by name, each with what is known of it."""
    people = Lead.objects.standing().filter(account=OuterRef("pk")).order_by().values("account")
    touches = Touchpoint.objects.filter(lead__account=OuterRef("pk")).order_by().values("lead__account")
    deals = Opportunity.objects.filter(account=OuterRef("pk"), state=DealState.OPEN, withdrawn_at=None).order_by()
    target = TargetAccount.objects.filter(account=OuterRef("pk"), removed_at=None)
    amount: DecimalField[Any, Any] = DecimalField(max_digits=16, decimal_places=2)
    return (
        accounts.select_related("owner", "profile")
        .annotate(
            people=Coalesce(Subquery(people.annotate(n=Count("pk")).values("n")), 0),
            touched_at=Subquery(touches.annotate(at=Max("at")).values("at")),
            open_deals=Coalesce(Subquery(deals.values("account").annotate(n=Count("pk")).values("n")), 0),
            open_amount=Subquery(
                deals.values("account").annotate(sum=Sum("base_amount")).values("sum"), output_field=amount
            ),
            origin=Subquery(target.values("origin")[:1]),
            why=Subquery(target.values("note")[:1]),
        )
        .order_by(*ORDER)
    )


def figures() -> dict[str, int]:
    """How many accounts are on the list, how many with people that are known, and with an open deal; one query."""
    known = Lead.objects.standing().filter(account__isnull=False).values("account")
    open_deals = Opportunity.objects.filter(state=DealState.OPEN, withdrawn_at=None, account__isnull=False)
    return target_accounts().aggregate(
        total=Count("pk"),
        known=Count("pk", filter=Q(pk__in=known)),
        with_deal=Count("pk", filter=Q(pk__in=open_deals.values("account"))),
    )
