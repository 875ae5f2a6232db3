"""Publishing the rules of a kind of promise: what was promised before stays promised under the version of then, unless
whoever publishes applies the new one to what is running.
"""

from typing import NamedTuple

from django.db import transaction

from alignment.ops import versions
from alignment.people.models import User
from leads.causes import Cause
from leads.milestones import CauseSource
from sla import applying, clocks, rules
from sla.applying import Applied
from sla.models import Policy, PolicySet


class Published(NamedTuple):
    """The policies of a version that now counts, in order, and what became of the clocks that run (None: nothing)."""

    policies: list[Policy]
    applied: Applied | None


@transaction.atomic
def publish(*, draft: PolicySet, by: User | None, note: str = "", apply_to_running: bool = False) -> Published:
    """Let a draft count for new clocks. Raises ValidationError, StaleDraftError.

    What is owed already without a clock, such as the next update of a deal that nothing was promised for, gets one now.

    With `apply_to_running` the clocks that run and are not overdue follow it, each with an event that says from when
    to when its due time moved; those that would turn overdue by it stay as they are.
    """
    published = versions.publish(draft, by=by, check=rules.checked, note=note)
    policies = rules.publish(published)
    clocks.begin_awaited(kind=published.scope, cause=Cause(CauseSource.PAGE, actor_id=by.pk if by else None))
    applied = applying.begin(version=published, policies=policies, by=by) if apply_to_running else None
    return Published(policies, applied)
