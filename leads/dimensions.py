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

Resolved = Mapping[str, Mapping[str, int]]
"""Facet → key → primary key."""


def dimension_key(name: str) -> str:
    """`Organic Search` → `organic_search`: case and blanks do not make two of one."""
    return "_".join(name.casefold().split())[:80]


def _readable(name: str) -> str:
    text = " ".join(name.replace("_", " ").split())
    return (text[:1].upper() + text[1:])[:120]


def resolve(drafts: Sequence[Draft]) -> Resolved:
    """The keys that these drafts name, created where they are new; at most three statements a facet."""
    return {facet: _ids(facet, (getattr(draft, facet) for draft in drafts)) for facet in FACETS}


def _ids(facet: str, names: Iterable[str | None]) -> dict[str, int]:
    model = FACETS[facet]
    wanted = {dimension_key(name): name for name in names if name and name.strip()}
    if not wanted:
        return {}
    known = dict(model.objects.filter(key__in=wanted).values_list("key", "pk"))
    missing = sorted(wanted.keys() - known.keys())
    if missing:
        extra = {"currency": ""} if facet == "campaign" else {}
        rows = [{"key": key, "name": _readable(wanted[key]), **extra} for key in missing]
        batch.insert(model, rows, conflict="ON CONFLICT (key) DO NOTHING")
        known |= dict(model.objects.filter(key__in=missing).values_list("key", "pk"))
    return known


def primary_keys(draft: Draft, resolved: Resolved) -> dict[str, int | None]:
    """`source_id` … of one draft; None where it names none."""
    return {f"{facet}_id": resolved[facet].get(dimension_key(getattr(draft, facet) or "")) for facet in FACETS}
