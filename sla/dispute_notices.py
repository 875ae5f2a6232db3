"""Who hears of a dispute, and what the audit log keeps of it."""

from collections.abc import Sequence

from django.urls import reverse

from alignment.ops import audit
from alignment.ops.notifications import Notice, notify
from alignment.people.models import Role, User
from sla.models import Dispute


def told(user_ids: Sequence[int], dispute: Dispute, what: str, title: str, body: str) -> None:
    """Tell these people, each once; `what` is raised, answered, escalated or closed."""
    subject_kind, subject_id = _about(dispute)
    notify(
        notices=[
            Notice(
                user_id=pk, kind=f"dispute_{what}", title=title, body=body, url=reverse("dispute", args=[dispute.pk]),
                dedupe_key=f"dispute_{what}:{dispute.pk}", subject_kind=subject_kind, subject_id=subject_id,
            )
            for pk in dict.fromkeys(user_ids)
        ]
    )  # fmt: skip


def audited(action: str, dispute: Dispute, by: User) -> None:
    """Write who did it into the audit log, under what is contested."""
    subject_kind, subject_id = _about(dispute)
    detail = {"dispute": dispute.pk, "kind": dispute.kind}
    audit.record(action=action, actor=by, subject_kind=subject_kind, subject_ids=[subject_id], detail=detail)


def deciders() -> list[int]:
    """Those who decide what was not agreed."""
    return list(User.objects.active().filter(role=Role.REVOPS).order_by("pk").values_list("pk", flat=True))


def _about(dispute: Dispute) -> tuple[str, int]:
    if dispute.sourcing:
        return "opportunity", dispute.sourcing.opportunity_id
    if dispute.lead_id:
        return "lead", dispute.lead_id
    return "clock", dispute.clock_id or 0
