"""What became of the demo's deals: changes, roles, renewals, deals that sales found, one that is there twice."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from alignment.people.models import Role, Side, User
from leads.causes import Cause, Promise
from leads.deals import buying_groups, customers, deals, sourcing
from leads.drafts import DealDraft, Verdict
from leads.milestones import CauseSource
from leads.models import CustomerPeriod, DealRules, Opportunity, OpportunityContact, Reason, Source
from leads.models.opportunity import DealKind, DealState

CHANGED = 24
RENEWALS = 14
FOUND = 6
CURRENCIES = (("USD", Decimal("0.92")), ("GBP", Decimal("1.17")), ("CHF", Decimal("1.05")))


def agree() -> None:
    """The rules for deals, before there are any: whoever was referred came from a partner."""
    DealRules.objects.get().partner_sources.set(Source.objects.filter(key="referral"))


def tell(rng: Random, people: dict[str, User], now: datetime) -> None:
    """Tell it, up to `now`."""
    reps = list(User.objects.filter(role=Role.REP, team__side=Side.SALES).order_by("pk").values_list("pk", flat=True))
    newest = list(Opportunity.objects.filter(state=DealState.OPEN).order_by("-opened_at")[:CHANGED])
    _change(rng, newest, now)
    _name_roles(rng, newest)
    _sell_again(rng, reps, now)
    _find(rng, newest, people["rep"], now)
    _leave(rng, now)
    _correct(newest, people["manager"])


def _cause(at: datetime, actor_id: int | None = None) -> Cause:
    return Cause(CauseSource.DEMO, actor_id=actor_id, at=at, promise=Promise.HISTORY)


def _change(rng: Random, newest: list[Opportunity], now: datetime) -> None:
    """Amounts grow and shrink, dates slip, and everybody has a guess."""
    for index, deal in enumerate(newest):
        begun = deal.opened_at or now
        changes: dict[str, Any] = {
            "probability": rng.choice((20, 40, 60, 80)),
            "amount": (deal.amount or Decimal(5000)) * rng.choice((Decimal("0.8"), Decimal(1), Decimal("1.25"))),
        }
        if deal.expected_close_on and rng.random() < 0.4:
            changes["expected_close_on"] = deal.expected_close_on + timedelta(days=rng.choice((14, 30, 45)))
        if index < len(CURRENCIES):
            changes |= dict(zip(("currency", "rate"), CURRENCIES[index], strict=True))
        at = begun + (now - begun) * rng.random()
        deals.change(opportunity_id=deal.pk, changes=changes, cause=_cause(at, deal.owner_id))


def _name_roles(rng: Random, newest: list[Opportunity]) -> None:
    contacts = OpportunityContact.objects.filter(opportunity__in=newest).order_by("pk")
    by_deal: dict[int, dict[int, str]] = {}
    for contact in contacts:
        role = "Decision maker" if contact.is_primary else rng.choice(buying_groups.ROLES[1:6])
        by_deal.setdefault(contact.opportunity_id, {})[contact.lead_id] = role
    opened = {deal.pk: deal for deal in newest}
    for pk, roles in by_deal.items():
        at = opened[pk].opened_at
        if at:
            buying_groups.name_roles(opportunity_id=pk, roles=roles, cause=_cause(at, opened[pk].owner_id))


def _sell_again(rng: Random, reps: list[int], now: datetime) -> None:
    """Renewals and expansions of the oldest customers; some are signed, one is lost."""
    customers_known = CustomerPeriod.objects.current().filter(opportunity__isnull=False).select_related("account")
    drafts = []
    for period in customers_known.order_by("began_on", "pk")[:RENEWALS]:
        kind = rng.choice((DealKind.RENEWAL, DealKind.RENEWAL, DealKind.EXPANSION))
        what = "renewal" if kind == DealKind.RENEWAL else "second site"
        opened_at = now - timedelta(days=rng.randrange(20, 90))
        drafts.append(
            DealDraft(
                name=f"{period.account}: {what}", currency="EUR", account_id=period.account_id, kind=kind,
                amount=Decimal(rng.randrange(40, 260) * 100), probability=rng.choice((50, 70, 90)),
                expected_close_on=(opened_at + timedelta(days=rng.randrange(40, 120))).date(),
                owner_id=rng.choice(reps), opened_at=opened_at,
            )
        )  # fmt: skip
    opened = deals.open_deals(drafts=drafts, cause=_cause(now))
    won, lost = (Reason.objects.offered(kind).order_by("pk").values_list("pk", flat=True) for kind in ("win", "lose"))
    ended = {
        pk: Verdict(DealState.WON, now - timedelta(days=3 + n), won[n % len(won)]) for n, pk in enumerate(opened[::3])
    }
    if len(opened) > 1:
        ended[opened[1]] = Verdict(DealState.LOST, now - timedelta(days=2), lost[0])
    deals.settle(verdicts=ended, cause=_cause(now))


def _find(rng: Random, newest: list[Opportunity], rep: User, now: datetime) -> None:
    """Sales finds some by itself; the last of them may be one that a lead has brought already."""
    drafts = [
        DealDraft(
            name=f"{deal.account}: training days", currency="EUR", account_id=deal.account_id,
            amount=Decimal(rng.randrange(15, 60) * 100), expected_close_on=(now + timedelta(days=60 + 9 * n)).date(),
            owner_id=rep.pk, opened_at=now - timedelta(days=4 + n),
        )
        for n, deal in enumerate(newest[:FOUND])
        if deal.account_id
    ]  # fmt: skip
    twin = newest[-1] if newest else None
    if twin and twin.account_id:
        drafts.append(
            DealDraft(
                name=twin.name, currency=twin.currency, account_id=twin.account_id, amount=twin.amount,
                expected_close_on=twin.expected_close_on, owner_id=rep.pk, opened_at=now - timedelta(days=1),
            )
        )  # fmt: skip
    deals.open_deals(drafts=drafts, cause=_cause(now, rep.pk))


def _leave(rng: Random, now: datetime) -> None:
    """Two of the first customers have left since."""
    for period in CustomerPeriod.objects.current().exclude(began_on=None).order_by("began_on", "pk")[:2]:
        ended_on = (now - timedelta(days=rng.randrange(10, 40))).date()
        if period.began_on and period.began_on <= ended_on:
            customers.say(
                account_id=period.account_id, began_on=period.began_on, ended_on=ended_on,
                note="Moved the planning to the group's own system", cause=_cause(now), today=now.date(),
            )  # fmt: skip


def _correct(newest: list[Opportunity], manager: User) -> None:
    """One deal that the rule gave to marketing was sales' own work."""
    for deal in newest:
        deal.refresh_from_db(fields=["sourced_by"])
        if deal.sourced_by == "marketing":
            try:
                sourcing.correct(
                    opportunity_id=deal.pk, sourced_by="sales", why="We met them at their plant a month before.",
                    cause=Cause(CauseSource.DEMO, actor_id=manager.pk),
                )  # fmt: skip
            except sourcing.SourcingError:
                continue
            return
