"""Was the promise kept? The one place that says so, for rows in Python and for queries.

Late is late even if nobody looked: what counts is the time of the answer, or of the question while none is given.
"""

from datetime import datetime

from django.db.models import DateTimeField, Expression, F, Q, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan


def is_late(due_at: datetime, stopped_at: datetime | None, at: datetime) -> bool:
    """Whether a clock that was due then is late as of `at`."""
    return (stopped_at or at) > due_at


def late(at: datetime | Expression) -> Q:
    """The same for queries: clocks that are late as of `at`."""
    moment = at if isinstance(at, Expression) else Value(at, output_field=DateTimeField())
    return Q(GreaterThan(Coalesce(F("stopped_at"), moment), F("due_at")))
