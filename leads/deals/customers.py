"""Since when accounts are customers: a won deal begins it, a person may know better, and who leaves has an end date."""

from collections.abc import Collection
from datetime import date, datetime

from django.db import connection, transaction

from alignment.lib import arrays
from alignment.ops import audit
from leads import lifecycle
from leads.accounts import AccountsChanged
from leads.causes import Cause
from leads.models import Account, CustomerPeriod
from leads.signals import accounts_changed, customers_changed


class CustomerError(Exception):
    """What was said of a customer cannot be; the message is a sentence. `field` names what is wrong: began_on or
    ended_on.
    """

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


# What wins began is derived from them again; what a person said, and what has ended, stays.
# Accounts are looked up once, and found by their keys, whatever the planner knows of deals that have just come in.
_ACCOUNTS = "ARRAY(SELECT DISTINCT account_id FROM leads_opportunity WHERE id = ANY(%(deals)s::bigint[]))"
_FORGET = f"""
    DELETE FROM leads_customerperiod
    WHERE opportunity_id IS NOT NULL AND ended_on IS NULL
        AND account_id = ANY({_ACCOUNTS})
    RETURNING account_id
"""
_BEGIN = f"""
    INSERT INTO leads_customerperiod (account_id, began_on, opportunity_id, note, actor_id, recorded_at)
    SELECT DISTINCT ON (won.account_id) won.account_id, won.began_on, won.id, '', %(actor)s, %(now)s
    FROM (
        SELECT deal.id, deal.account_id, (deal.closed_at AT TIME ZONE company.time_zone)::date AS began_on
        FROM leads_opportunity deal CROSS JOIN people_company company
        WHERE deal.state = 'won' AND deal.withdrawn_at IS NULL
            AND deal.account_id = ANY({_ACCOUNTS})
    ) won
    WHERE NOT EXISTS (
        SELECT FROM leads_customerperiod period
        WHERE period.account_id = won.account_id
            AND (period.ended_on IS NULL OR won.began_on IS NULL OR period.ended_on >= won.began_on)
    )
    ORDER BY won.account_id, won.began_on NULLS FIRST, won.id
    ON CONFLICT DO NOTHING
    RETURNING account_id
"""


def follow(*, opportunity_ids: Collection[int], cause: Cause, now: datetime) -> None:
    """Bring customers in line with these deals, which were won, or are won no more; two statements."""
    params = {"deals": arrays.literal(opportunity_ids), "actor": cause.actor_id, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, params)
        before = {account_id for (account_id,) in cursor.fetchall()}
        cursor.execute(_BEGIN, params)
        after = {account_id for (account_id,) in cursor.fetchall()}
    if turned := tuple(sorted(before ^ after)):
        customers_changed.send(sender=follow, batch=AccountsChanged(cause, turned, leads_locked=True))


@transaction.atomic
def say(
    *, account_id: int, began_on: date | None, ended_on: date | None, note: str, cause: Cause, today: date
) -> CustomerPeriod:
    """What somebody knows of the newest time in which the account was a customer; of one that has ended, a beginning
    after its end begins another. Raises CustomerError.
    """
    account = Account.objects.select_for_update(no_key=True).get(pk=account_id)
    periods = list(CustomerPeriod.objects.filter(account=account))
    newest = periods[-1] if periods else None
    if newest and newest.ended_on and (began_on is None or began_on > newest.ended_on):
        newest = None
    others = [each for each in periods if each is not newest]
    _check(began_on, ended_on, others, today)
    period = newest or CustomerPeriod(account=account)
    before = {"began_on": str(period.began_on), "ended_on": str(period.ended_on)} if newest else {}
    period.began_on, period.ended_on, period.note = began_on, ended_on, note
    # From now on a person answers for it, not the win.
    period.opportunity_id, period.actor_id, period.recorded_at = None, cause.actor_id, lifecycle.database_now()
    period.save()
    audit.record(
        action="customer_changed",
        actor_id=cause.actor_id,
        subject_kind="account",
        subject_ids=[account_id],
        detail={"before": before, "began_on": str(began_on), "ended_on": str(ended_on), "note": note},
    )
    accounts_changed.send(sender=say, batch=AccountsChanged(cause, (account_id,)))
    return period


def _check(began_on: date | None, ended_on: date | None, others: Collection[CustomerPeriod], today: date) -> None:
    if began_on and began_on > today:
        raise CustomerError("This is still to come.", "began_on")
    if ended_on and ended_on > today:
        raise CustomerError("Say so when they have left.", "ended_on")
    if began_on and ended_on and ended_on < began_on:
        raise CustomerError("They cannot leave before they came.", "ended_on")
    if any(each.ended_on and (began_on is None or began_on <= each.ended_on) for each in others):
        raise CustomerError("They were a customer before, until a later day than this.", "began_on")
