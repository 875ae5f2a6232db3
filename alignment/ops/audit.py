"""The audit log: who signed in, who changed a role or a setting, who exported, who overrode a rule."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from alignment.lib import batch
from alignment.ops.models import AuditEntry
from alignment.people.models import User


def record(
    *,
    action: str,
    actor: User | None = None,
    actor_id: int | None = None,
    subject_kind: str = "",
    subject_ids: Iterable[int | None] = (None,),
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one entry for each subject, or one without a subject; in one statement, in the caller's transaction.

    `action` is a verb in the past, such as `role_changed`; `actor` (or `actor_id`) is None for what nobody signed in
    did.
    """
    entry = {
        "action": action,
        "actor_id": actor.pk if actor else actor_id,
        "subject_kind": subject_kind,
        "detail": detail or {},
    }
    batch.insert(AuditEntry, [entry | {"subject_id": each} for each in subject_ids])


# Receivers of Django's signals ----------------------------------------------------------------------------------


def logged_in(*, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """For `user_logged_in`."""
    record(action="logged_in", actor=user, detail=_from(request))


def logged_out(*, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    """For `user_logged_out`; signing out of a session that has ended leaves no entry."""
    if user is not None:
        record(action="logged_out", actor=user, detail=_from(request))


def login_failed(*, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    """For `user_login_failed`. Names the account that was meant, never what was typed: it may be a password."""
    if getattr(request, "axes_locked_out", False):
        # The lock-out is in the log with the guesses that led to it; further ones must not fill the table.
        return
    typed = str(credentials.get("email") or credentials.get("username") or "")
    known = User.objects.filter(email=typed.strip().lower()).values_list("id", flat=True)
    record(action="login_failed", actor=None, subject_kind="user", subject_ids=known or (None,), detail=_from(request))


def _from(request: HttpRequest | None) -> dict[str, Any]:
    return {"ip": request.META.get("REMOTE_ADDR")} if request else {}
