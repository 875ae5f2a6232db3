"""Names of sources, campaigns, segments and territories as files and forms say them → rows."""

from collections.abc import Iterable, Mapping, Sequence

from alignment.lib import batch
from leads.drafts import Draft
from leads.models import Campaign, Segment, Source, Territory

FACETS: Mapping[str, type[Source] | type[Campaign] | type[Segment] | type[Territory]] = {
    "source": Source,
    "campaign": Campaign,
    "segment": Segment,
    "territory": Territory,
}

Resolved = Mapping[str, Mapping[str | None, int]]
"""Facet → name, as the drafts say it → primary key."""


def dimension_key(name: str) -> str:
    """`Organic Search` → `organic_search`: case and blanks do not make two of one."""
    return "_".join(name.casefold().split())[:80]


def _readable(name: str) -> str:
    text = " ".join(name.replace("_", " ").split())
    return (text[:1].upper() + text[1:])[:120]


def resolve(drafts: Sequence[Draft]) -> Resolved:
    """The rows that these drafts name, created where they are new; at most three statements a facet."""
    return {facet: _ids(facet, {getattr(draft, facet) for draft in drafts}) for facet in FACETS}


def _ids(facet: str, names: Iterable[str | None]) -> dict[str | None, int]:
    model = FACETS[facet]
    keys = {name: dimension_key(name) for name in names if name and name.strip()}
    if not keys:
        return {}
    known = dict(model.objects.filter(key__in=keys.values()).values_list("key", "pk"))
    missing = {key: name for name, key in keys.items() if key not in known}
    if missing:
        extra = {"currency": ""} if facet == "campaign" else {}
        rows = [{"key": key, "name": _readable(name), **extra} for key, name in sorted(missing.items())]
        batch.insert(model, rows, conflict="ON CONFLICT (key) DO NOTHING")
        known |= dict(model.objects.filter(key__in=missing).values_list("key", "pk"))
    return {name: known[key] for name, key in keys.items()}


def primary_keys(draft: Draft, resolved: Resolved) -> dict[str, int | None]:
    """`source_id` … of one draft; None where it names none."""
    return {
        "source_id": resolved["source"].get(draft.source),
        "campaign_id": resolved["campaign"].get(draft.campaign),
        "segment_id": resolved["segment"].get(draft.segment),
        "territory_id": resolved["territory"].get(draft.territory),
    }
