"""What a form asks: fields of the lead, and questions of its own. Pure; stored as JSON with the form."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


class Kind(StrEnum):
    """How a field is filled in."""

    EMAIL = "email"
    LINE = "line"
    PHONE = "phone"
    LINES = "lines"
    CHOICE = "choice"


MOST_QUESTIONS = 10
MOST_CHOICES = 30
LONGEST_LINE = 200
LONGEST_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `name` is that of a lead's column, or starts with `q_` for a question of the form's own."""

    name: str
    label: str
    kind: Kind = Kind.LINE
    is_required: bool = False
    choices: tuple[str, ...] = ()

    @property
    def is_question(self) -> bool:
        """Whether the answer becomes a free attribute of the lead, under the label."""
        return self.name.startswith("q_")

    @property
    def longest(self) -> int:
        """How many characters an answer may have."""
        return LONGEST.get(self.name, LONGEST_TEXT if self.kind == Kind.LINES else LONGEST_LINE)

    @property
    def autocomplete(self) -> str:
        """What a browser may fill in by itself (WCAG 1.3.5)."""
        return AUTOCOMPLETE.get(self.name, "off" if self.is_question else "on")

    @classmethod
    def parse(cls, stored: Mapping[str, Any]) -> Self:
        return cls(**{**stored, "kind": Kind(stored["kind"]), "choices": tuple(stored["choices"])})

    def stored(self) -> dict[str, Any]:
        """As the form keeps it."""
        return asdict(self) | {"choices": list(self.choices)}


OF_LEAD = (
    Field("name", "Name"),
    Field("email", "E-mail", Kind.EMAIL, is_required=True),
    Field("phone", "Phone", Kind.PHONE),
    Field("company_name", "Company"),
    Field("title", "Job title"),
    Field("seniority", "Seniority"),
    Field("product_interest", "Interested in"),
)
"""The fields of a lead that a form can ask for, in the order in which it does, as they are called at first."""

LONGEST = {
    "name": 200, "email": 320, "phone": 60, "company_name": 200, "title": 160, "seniority": 40, "product_interest": 120,
}  # fmt: skip
AUTOCOMPLETE = {
    "name": "name", "email": "email", "phone": "tel", "company_name": "organization", "title": "organization-title",
}  # fmt: skip


def fields_of(stored: Iterable[Mapping[str, Any]]) -> list[Field]:
    """The fields of a form, in their order."""
    return [Field.parse(one) for one in stored]


def question_name(label: str, taken: Iterable[str] = ()) -> str:
    """The name of a question in the HTML: `How many users?` → `q_how_many_users`; numbered where that is taken."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    stem = "q_" + ("_".join(re.findall(r"[a-z0-9]+", plain))[:40] or "question")
    used = set(taken)
    return next(name for name in (stem, *(f"{stem}_{n}" for n in range(2, 99))) if name not in used)
