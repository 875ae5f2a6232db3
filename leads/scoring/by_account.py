"""Everybody who works at accounts that are others than before is scored: a few leads at once, many by a job.

The job takes the accounts as its parameter, and the leads of each slice by the statement that scores one.
"""

from collections.abc import Collection

from alignment.ops import jobs
from alignment.ops.job_kinds import About, Progress, register
from alignment.ops.models import Job
from leads.accounts import AccountsChanged
from leads.causes import Cause, Promise
from leads.milestones import CauseSource, Outcome
from leads.models import Lead
from leads.models.score import CrossedBy
from leads.querysets import LeadQuerySet
from leads.scoring.applying import score

KIND = "leads.score_accounts"
AT_ONCE = 1_000
"""So many leads are scored in the transaction of the change; more of them by a job."""
SLICE = 10_000


def follow(changed: AccountsChanged, *, by: CrossedBy) -> None:
    """Score the leads of these accounts: in this transaction, or where they are many, or it has locked leads already,
    by a job within seconds of the commit. `by` says what would bring those over that cross.

    The demo company is scored when all of it is told.
    """
    if changed.cause.source == CauseSource.DEMO:
        return
    few = list(_leads(changed.account_ids).values_list("pk", flat=True)[: AT_ONCE + 1]) if changed.account_ids else []
    if few and (changed.leads_locked or len(few) > AT_ONCE):
        _enqueue(changed, by)
    elif few:
        score(lead_ids=few, cause=changed.cause, by=by)


def _enqueue(changed: AccountsChanged, by: CrossedBy) -> None:
    acts = changed.cause.promise == Promise.START
    params = {
        "accounts": sorted(changed.account_ids), "leads": _leads(changed.account_ids).count(),
        "by": by if acts else None,
    }  # fmt: skip
    jobs.enqueue(KIND, params=params)


def _leads(account_ids: Collection[int]) -> LeadQuerySet:
    """Won leads are left out: they cannot cross, and are what makes the account a customer."""
    return Lead.objects.standing().filter(account__any_of=set(account_ids)).exclude(outcome=Outcome.WON).order_by("pk")


def _title(job: Job) -> str:
    count = len(job.params["accounts"])
    return f"Scoring the leads of {count:,} account{'' if count == 1 else 's'}"


def _figures(job: Job) -> list[tuple[str, int]]:
    return [("Scored", job.done), ("Handed to sales", job.result.get("handed_over", 0))]


@register(KIND, about=About(title=_title, noun="leads", figures=_figures))
def run(job: Job) -> Progress:
    """One slice of leads."""
    after, by = job.cursor or 0, job.params["by"]
    lead_ids = list(_leads(job.params["accounts"]).filter(pk__gt=after).values_list("pk", flat=True)[:SLICE])
    crossed = score(lead_ids=lead_ids, cause=Cause(CauseSource.RULE), by=CrossedBy(by) if by else None)
    return Progress(
        cursor=lead_ids[-1] if lead_ids else after,
        done=job.done + len(lead_ids),
        total=max(job.params["leads"], job.done + len(lead_ids)),
        result={"handed_over": job.result.get("handed_over", 0) + len(crossed)},
        finished=len(lead_ids) < SLICE,
    )
