"""Write verbs of pools. Each raises ValidationError with a sentence where a rule forbids the change."""

from collections.abc import Collection

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from alignment.lib import batch
from alignment.ops import audit
from alignment.ops.versions import VersionState
from alignment.people.models import User
from leads.models.route import Pool, PoolMember, RoutingVersion
from leads.routing.rules import read


@transaction.atomic
def add(
    *, name: str, fallback: User, member_ids: Collection[int], after_hours: str = "fallback", by: User | None = None
) -> Pool:
    """A new pool of these people."""
    pool = Pool.objects.create(name=name, fallback=fallback, after_hours=after_hours)
    _set_members(pool, member_ids)
    _record(pool, "added", by, {"members": sorted(member_ids), "fallback": fallback.pk})
    return pool


@transaction.atomic
def change(
    *,
    pool_id: int,
    name: str,
    fallback: User,
    after_hours: str,
    member_ids: Collection[int],
    by: User | None = None,
) -> Pool:
    """Facts and members of a pool. Who joins goes on from where the others stand; who leaves keeps their count."""
    pool = Pool.objects.select_for_update(no_key=True).get(pk=pool_id)
    pool.name, pool.fallback, pool.after_hours = name, fallback, after_hours
    pool.save(update_fields=["name", "fallback", "after_hours"])
    _set_members(pool, member_ids)
    detail = {"name": name, "members": sorted(member_ids), "fallback": fallback.pk, "after_hours": after_hours}
    _record(pool, "changed", by, detail)
    return pool


@transaction.atomic
def retire(*, pool_id: int, by: User | None = None) -> Pool:
    """No lead goes to it any more; refused while the published rules send leads there."""
    pool = Pool.objects.select_for_update(no_key=True).get(pk=pool_id)
    published = RoutingVersion.published()
    if published and pool.pk in read(published.body).pool_ids:
        raise ValidationError("The published rules send leads to this pool. Publish rules without it first.")
    pool.retired_at = timezone.now()
    pool.save(update_fields=["retired_at"])
    _record(pool, "retired", by, {})
    return pool


@transaction.atomic
def take_up(*, pool_id: int, by: User | None = None) -> Pool:
    """Undoes `retire`."""
    pool = Pool.objects.select_for_update(no_key=True).get(pk=pool_id)
    pool.retired_at = None
    pool.save(update_fields=["retired_at"])
    _record(pool, "taken_up", by, {})
    return pool


def refuse_to_lose(*, user_id: int) -> None:
    """Raises ValidationError while leads that nobody can take, or that a rule names somebody for, go to this person."""
    pool = Pool.objects.filter(fallback=user_id, retired_at=None).first()
    if pool:
        raise ValidationError(f"They are the fallback of the pool {pool}. Name another one first.")
    published = RoutingVersion.objects.filter(state=VersionState.PUBLISHED).first()
    if published and user_id in read(published.body).person_ids:
        raise ValidationError("The routing rules send leads to them by name. Publish rules without them first.")


def _set_members(pool: Pool, member_ids: Collection[int]) -> None:
    wanted = set(member_ids)
    if not wanted:
        raise ValidationError("A pool needs at least one member.")
    standing = PoolMember.objects.filter(pool=pool).order_by("pk").select_for_update(no_key=True)
    known = {each.user_id: each for each in standing}
    joining = [
        {"id": each.pk, "turn": max(each.turn, pool.turn), "left_at": None}
        for each in known.values()
        if each.user_id in wanted and each.left_at is not None
    ]
    batch.update(PoolMember, joining)
    PoolMember.objects.filter(~Q(user__in=wanted), pool=pool, left_at=None).update(left_at=timezone.now())
    batch.insert(
        PoolMember,
        [
            {"pool_id": pool.pk, "user_id": user_id, "turn": pool.turn, "given": 0}
            for user_id in sorted(wanted - known.keys())
        ],
    )


def _record(pool: Pool, what: str, by: User | None, detail: dict[str, object]) -> None:
    audit.record(action=f"pool_{what}", actor=by, subject_kind="pool", subject_ids=[pool.pk], detail=detail)
