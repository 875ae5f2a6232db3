"""What pages of lower layers show of disputes."""

from typing import Any

from django import template
from django.db.models import Count, Q

from sla.models import Dispute, DisputeKind
from sla.models.dispute import MOVES, Verdict

register = template.Library()

ABOUT = {
    DisputeKind.REJECTION: "Rejections, contested by marketing",
    DisputeKind.QUALIFICATION: "Qualifications, contested by sales",
}


@register.inclusion_tag("disputes/_of_moves.html")
def disputes_of_moves(days: int) -> dict[str, Any]:
    """How the disputes about moves of leads ended that were contested in the last `days` days. One query."""
    rows = Dispute.objects.filter(kind__in=MOVES).contested_within(days).order_by().values("kind")
    counts = rows.annotate(
        n=Count("pk"),
        open=Count("pk", filter=Q(verdict="")),
        upheld=Count("pk", filter=Q(verdict=Verdict.UPHELD)),
        stands=Count("pk", filter=Q(verdict=Verdict.STANDS)),
    )
    found = {row["kind"]: row for row in counts}
    blank = {"n": 0, "open": 0, "upheld": 0, "stands": 0}
    return {"days": days, "lines": [(kind.value, ABOUT[kind], found.get(kind, blank)) for kind in MOVES]}
