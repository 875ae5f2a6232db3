"""Which values survive a merge, and which lead should. Pure: rows in, columns out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leads.models.lead import Consent

FIELDS: Mapping[str, tuple[str, ...]] = {
    "name": ("name",),
    "email": ("email_key", "email", "email_domain"),
    "phone": ("phone",),
    "title": ("title",),
    "seniority": ("seniority",),
    "company": ("company_name", "account_id"),
    "product_interest": ("product_interest",),
    "source": ("source_id",),
    "campaign": ("campaign_id",),
    "segment": ("segment_id",),
    "territory": ("territory_id",),
    "owner": ("owner_id",),
}
"""What can be chosen field by field → the columns that go together."""

COLUMNS = (*(name for columns in FIELDS.values() for name in columns), "consent", "do_not_contact", "attributes")
"""What a merge may change on the survivor."""

Facts = Mapping[str, Any]
"""Column → value, of one lead."""

_STRICTEST = (Consent.WITHDRAWN, Consent.GRANTED, Consent.UNKNOWN)


def surviving(survivor: Facts, losers: Sequence[Facts], chosen: Mapping[str, Facts]) -> dict[str, Any]:
    """The columns of the survivor after the merge.

    A field is that of the lead `chosen` for it, else the survivor's own, else the first that a loser can fill in. Of
    consent the strictest counts, and who must not be contacted by one record must not be by the other: neither can be
    chosen. Attributes are joined; the survivor's come first.
    """
    kept: dict[str, Any] = {}
    for name, columns in FIELDS.items():
        giver = chosen.get(name) or next((one for one in (survivor, *losers) if _has(one, columns)), survivor)
        kept |= {column: giver[column] for column in columns}
    everyone = (survivor, *losers)
    kept["consent"] = next(each.value for each in _STRICTEST if any(one["consent"] == each for one in everyone))
    kept["do_not_contact"] = any(one["do_not_contact"] for one in everyone)
    kept["attributes"] = _joined(one["attributes"] for one in reversed(everyone))
    return kept


def _has(one: Facts, columns: Sequence[str]) -> bool:
    # An address that is none finds nobody: a real one comes before it.
    return bool(one["email_key"]) if "email_key" in columns else any(one[column] for column in columns)


def _joined(attributes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for each in attributes:
        joined |= each
    return joined
