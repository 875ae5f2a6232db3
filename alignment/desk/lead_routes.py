"""The filter of the lead list that asks how leads were routed: by which pool, or in which other way."""

from django.db.models import Exists, OuterRef, Q

from leads.models import Pool, RoutingDecision
from leads.models.route import How

NONE = "none"
POOL = "pool:"
WAYS = {
    How.FALLBACK: "nobody was available", How.PERSON: "named by a rule", How.ACCOUNT: "owner of the account",
    How.DEAL: "open deal", NONE: "not routed",
}  # fmt: skip


def choices() -> dict[str, str]:
    """Value in the address → words: the pools, then the other ways. One query."""
    pools = Pool.objects.order_by("retired_at", "name").values_list("pk", "name")
    return {f"{POOL}{pk}": f"pool {name}" for pk, name in pools} | WAYS


def condition(chosen: str) -> Q:
    """The leads whose newest routing was this one."""
    if chosen == NONE:
        return ~Q(Exists(RoutingDecision.objects.filter(lead=OuterRef("pk"))))
    newer = RoutingDecision.objects.filter(lead=OuterRef("lead"), pk__gt=OuterRef("pk"))
    meant = Q(pool=int(chosen.removeprefix(POOL))) if chosen.startswith(POOL) else Q(how=chosen)
    return Q(pk__in=RoutingDecision.objects.filter(meant, ~Exists(newer)).values("lead"))
