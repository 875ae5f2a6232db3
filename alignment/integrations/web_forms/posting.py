"""What a request to a form says beside its fields: where it came from, and the campaign tags of that page. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

TAGS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
LONGEST_URL = 500
LONGEST_TAG = 200


@dataclass(frozen=True, slots=True)
class Context:
    """Where a submission came from; blank where the browser does not say."""

    page_url: str = ""
    referrer: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""
    submission_id: str = ""


def context_of(data: Mapping[str, Any], *, referer: str, origin: str, own: str) -> Context:
    """Read the fields that travel along, else the `Referer` header; `own` is Accord's own address, which is no page.

    Tags are those of the fields, else those in the page's address.
    """
    came_from = "" if referer.startswith(f"{own}/") else referer
    page_url = _web_address(data.get("page_url")) or _web_address(came_from)
    tagged = _tags_in(page_url)
    tags = {name: _plain(data.get(name), LONGEST_TAG) or tagged.get(name, "") for name in TAGS}
    return Context(
        page_url=page_url,
        referrer=_web_address(data.get("referrer")),
        tags={name: value for name, value in tags.items() if value},
        origin=_plain(origin, 270),
        submission_id=_plain(data.get("submission_id"), 64),
    )


def _plain(value: Any, longest: int) -> str:
    """One line of text without what no text has; cut, since nobody can mend what was sent along."""
    if not isinstance(value, str):
        return ""
    text = value.encode("utf-8", "replace").decode().replace("\0", "")
    return " ".join(text.split())[:longest]


def _web_address(value: Any) -> str:
    text = _plain(value, LONGEST_URL)
    return text if _parts(text).scheme in ("http", "https") else ""


def _tags_in(url: str) -> dict[str, str]:
    try:
        found = parse_qs(_parts(url).query, max_num_fields=100)
    except ValueError:
        return {}
    return {name: _plain(values[0], LONGEST_TAG) for name, values in found.items() if name in TAGS}


def _parts(url: str) -> Any:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")
