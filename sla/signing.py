"""Signing that a version of the rules may hand leads over by itself: both heads, for that version alone, revocably."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from alignment.ops import audit, signatures
from alignment.ops.versions import VersionState
from alignment.people.models import Company, Side, User
from leads.lifecycle import database_now
from sla.models import LadderSignature, PolicySet
from sla.rules import read


def hands_over(version: PolicySet) -> bool:
    """Whether any of its rules would hand leads over by itself."""
    return any(rule.hands_over for rule in read(version.body))


@transaction.atomic
def sign(*, version_id: int, by: User) -> list[Side]:
    """Sign the version that counts, for each side that `by` heads and that has not. Raises ValidationError."""
    version = PolicySet.objects.select_for_update().get(pk=version_id)
    if version.state != VersionState.PUBLISHED or not hands_over(version):
        raise ValidationError("Only rules that count and hand over by themselves are signed.")
    sides = signatures.sign(
        _standing(version), version=version, by=by, sides=Company.get().sides_headed_by(by), at=database_now()
    )
    _told("ladder_signed", version, by, sides)
    return sides


@transaction.atomic
def revoke(*, version_id: int, by: User) -> None:
    """Take one's signatures back: from now on nothing is handed over by itself. Raises ValidationError without any."""
    version = PolicySet.objects.select_for_update().get(pk=version_id)
    mine = _standing(version).filter(side__in=Company.get().sides_headed_by(by))
    sides = list(mine.values_list("side", flat=True))
    if not mine.update(revoked_at=database_now(), revoked_by=by):
        raise ValidationError("There is no signature of yours to take back.")
    _told("ladder_revoked", version, by, sides)


def signed_versions() -> list[int]:
    """The versions under which both heads stand. One query."""
    standing = Count("ladder_signatures", filter=Q(ladder_signatures__revoked_at=None))
    rows = PolicySet.objects.filter(ladder_signatures__isnull=False).annotate(sides=standing)
    return list(rows.filter(sides=len(Side)).values_list("pk", flat=True))


def _standing(version: PolicySet) -> QuerySet[LadderSignature]:
    return LadderSignature.objects.filter(version=version, revoked_at=None)


def _told(action: str, version: PolicySet, by: User, sides: Sequence[str]) -> None:
    detail = {"scope": version.scope, "number": version.number, "sides": [str(side) for side in sides]}
    audit.record(action=action, actor=by, subject_kind="policyset", subject_ids=[version.pk], detail=detail)
