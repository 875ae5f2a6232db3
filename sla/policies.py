"""Publishing the rules of a kind of promise: what was promised before stays promised under the version of then."""

from django.db import transaction

from alignment.ops import versions
from alignment.people.models import User
from sla import rules
from sla.models import Policy, PolicySet


@transaction.atomic
def publish(*, draft: PolicySet, by: User | None, note: str = "") -> list[Policy]:
    """Let a draft count for new clocks; returns its policies in order. Raises ValidationError, StaleDraftError."""
    return rules.publish(versions.publish(draft, by=by, check=rules.checked, note=note))
