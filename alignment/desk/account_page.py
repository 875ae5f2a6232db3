"""One account as its page shows it: who is known there, its deals, since when it is a customer, and what happened."""

from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum

from alignment.people.models import Company, User
from leads.deals.likeness import Likeness, look
from leads.models import Account, CustomerPeriod, ExternalReference, Lead, Opportunity, Touchpoint
from leads.models.opportunity import DealState

PEOPLE = 50
DEALS = 50
TOUCHES = 20


class AccountPage:
    """What is known of one account. Each part is read when a template asks for it, and once."""

    def __init__(self, user: User, pk: int) -> None:
        self.user, self.pk = user, pk

    @cached_property
    def account(self) -> Account:
        """Raises Account.DoesNotExist."""
        return Account.objects.select_related("owner__team").get(pk=self.pk)

    @cached_property
    def company(self) -> Company:
        return Company.get()

    @cached_property
    def periods(self) -> list[CustomerPeriod]:
        """When it was a customer, the newest first."""
        return list(CustomerPeriod.objects.filter(account=self.pk).select_related("opportunity").reverse())

    @property
    def is_customer(self) -> bool:
        return bool(self.periods) and self.periods[0].ended_on is None

    # Who is known there

    @property
    def _people(self) -> QuerySet[Lead]:
        return Lead.objects.standing().filter(account=self.pk)

    @cached_property
    def people(self) -> list[Any]:
        """Its people, whoever was touched last first, with that moment."""
        touched = Touchpoint.objects.filter(lead=OuterRef("pk")).order_by("-at").values("at")[:1]
        people = self._people.select_related("stage", "owner").annotate(touched_at=Subquery(touched))
        return list(people.order_by("-moved_at", "-pk")[: PEOPLE + 1])

    @cached_property
    def people_count(self) -> int:
        return len(self.people) if len(self.people) <= PEOPLE else self._people.count()

    # Its deals

    @cached_property
    def deals(self) -> list[Opportunity]:
        """Its deals, open ones first."""
        deals = Opportunity.objects.filter(account=self.pk, withdrawn_at=None).select_related("stage", "owner")
        return sorted(deals.order_by("-id")[:DEALS], key=lambda deal: deal.state != DealState.OPEN)

    @cached_property
    def sums(self) -> dict[str, Any]:
        """How many of its deals are open and won, and what they are worth in the company's currency."""
        open_, won = Q(state=DealState.OPEN), Q(state=DealState.WON)
        return Opportunity.objects.filter(account=self.pk, withdrawn_at=None).aggregate(
            open=Count("pk", filter=open_), won=Count("pk", filter=won),
            open_sum=Sum("base_amount", filter=open_, default=Decimal(0)),
            won_sum=Sum("base_amount", filter=won, default=Decimal(0)),
        )  # fmt: skip

    @cached_property
    def likely(self) -> dict[int, list[Likeness]]:
        """The open deals that may be there twice."""
        return look([deal.pk for deal in self.deals if deal.state == DealState.OPEN])

    # What happened

    @cached_property
    def touches(self) -> list[Touchpoint]:
        """The newest touches of its people."""
        touches = Touchpoint.objects.filter(lead__in=self._people.values("pk"))
        return list(touches.select_related("lead", "actor", "channel").order_by("-at", "-pk")[:TOUCHES])

    @property
    def touched_at(self) -> Any:
        """When somebody of it was last touched; None if never."""
        return self.touches[0].at if self.touches else None

    @cached_property
    def references(self) -> list[ExternalReference]:
        """What other systems call it."""
        return list(ExternalReference.objects.filter(account=self.pk, released_at=None).order_by("system"))
