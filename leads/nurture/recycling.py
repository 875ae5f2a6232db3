"""Back to nurture, where a rejection's reason proposes it."""

from collections.abc import Iterable
from datetime import date

from leads import lifecycle
from leads.causes import Cause
from leads.models import Reason
from leads.models.stage import ReasonKind


def instead(
    *, lead_ids: Iterable[int], cause: Cause, track_id: int | None, revisit_on: date | None, note: str = ""
) -> lifecycle.Moved:
    """Recycle leads that would have been rejected with "not now": for the first of the reasons to recycle."""
    reason = Reason.objects.offered(ReasonKind.RECYCLE).first()
    return lifecycle.recycle(
        lead_ids=lead_ids, cause=cause, reason_id=reason.pk if reason else None, track_id=track_id,
        revisit_on=revisit_on, note=note,
    )  # fmt: skip
