"""The columns that a list of leads can show. A new one is a line in `COLUMNS`, and a template where text is not enough.

Addresses name them by key, with commas, in the order in which they stand.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alignment.lib.csv import Cell
from leads.milestones import Milestone
from leads.querysets import LeadQuerySet
from leads.routing import explaining


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `text` says what stands in a cell (blank: a dash); `template` shows it otherwise, with `lead`; `cell`
    is what a file has there, where that is not the text.

    `related` are what the rows are read with, and `annotated` what is read beside them, so that a column costs no
    query.
    """

    key: str
    label: str
    text: Callable[[Any], object] = lambda lead: ""
    template: str = ""
    cell: Callable[[Any], Cell] | None = None
    related: tuple[str, ...] = ()
    annotated: Mapping[str, Callable[[], Any]] = field(default_factory=dict)

    def in_file(self, lead: Any) -> Cell:
        """What stands in a file."""
        return self.cell(lead) if self.cell else str(self.text(lead))


def _named(key: str, label: str = "") -> Column:
    """What the lead's row refers to by name."""
    return Column(key, label or key.capitalize(), lambda lead: getattr(lead, key) or "", related=(key,))


def _plain(key: str, label: str) -> Column:
    return Column(key, label, lambda lead: getattr(lead, key))


def _score(lead: Any) -> str:
    """Points and grade as they were last reckoned; blank for who was not scored."""
    return str(lead.score) if hasattr(lead, "score") else ""


def _routed(lead: Any) -> str:
    return explaining.in_short(**lead.routing[0]) if lead.routing else ""


COLUMNS: Mapping[str, Column] = {
    column.key: column
    for column in (
        Column("stage", "Stage", lambda lead: lead.stage, "desk/columns/stage.html", related=("stage",)),
        Column("owner", "Owner", lambda lead: lead.owner or "", "desk/columns/owner.html", related=("owner",)),
        _named("source"),
        Column("due", "Answer due", template="desk/columns/due.html", cell=lambda lead: lead.due_at),
        Column("moved", "Last moved", template="desk/columns/moved.html", cell=lambda lead: lead.moved_at),
        _named("campaign"),
        _named("segment"),
        _named("territory"),
        _named("team"),
        _named("account"),
        _plain("email", "E-mail"),
        _plain("phone", "Phone"),
        Column("milestone", "Milestone", lambda lead: Milestone(lead.milestone).name),
        _plain("product_interest", "Interested in"),
        Column("pass_no", "Pass", lambda lead: lead.pass_no, cell=lambda lead: lead.pass_no),
        Column("score", "Score", _score, related=("score",)),
        Column("routed", "Routed by", _routed, annotated={"routing": explaining.newest}),
        Column("consent", "Consent", lambda lead: lead.get_consent_display()),
        Column("created", "Known since", template="desk/columns/created.html", cell=lambda lead: lead.created_at),
    )
}

DEFAULT = ("stage", "owner", "source", "due", "moved")


def parse(text: str) -> list[Column]:
    """`owner,due` → these columns, each once; the usual ones where none is known."""
    known = [COLUMNS[key] for key in dict.fromkeys(text.split(",")) if key in COLUMNS]
    return known or [COLUMNS[key] for key in DEFAULT]


def of_file(columns: Sequence[Column]) -> list[Column]:
    """All columns, for a file: those that are shown first, in their order."""
    return [*columns, *(column for column in COLUMNS.values() if column not in columns)]


def keys(columns: Sequence[Column]) -> str:
    """The columns as addresses name them; blank for the usual ones."""
    named = tuple(column.key for column in columns)
    return "" if named == DEFAULT else ",".join(named)


def read_with(leads: LeadQuerySet, columns: Sequence[Column]) -> LeadQuerySet:
    """The leads with what these columns need; one query."""
    related = sorted({"stage", *(name for column in columns for name in column.related)})
    beside = {name: made() for column in columns for name, made in column.annotated.items()}
    return leads.select_related(*related).annotate(**beside)


@dataclass(frozen=True, slots=True)
class Choice:
    """A column on the page where columns are chosen, and the address of each thing that can be done with it."""

    column: Column
    is_shown: bool
    toggled: str
    up: str
    down: str


def choices(columns: Sequence[Column]) -> list[Choice]:
    """All columns, those that are shown first; each with the lists of keys that a press would lead to."""
    shown = [column.key for column in columns]
    chosen = [
        Choice(
            column,
            True,
            toggled=",".join(key for key in shown if key != column.key),
            up=",".join(_swapped(shown, place - 1)) if place else "",
            down=",".join(_swapped(shown, place)) if place + 1 < len(shown) else "",
        )
        for place, column in enumerate(columns)
    ]
    others = [column for column in COLUMNS.values() if column.key not in shown]
    return chosen + [Choice(column, False, ",".join([*shown, column.key]), "", "") for column in others]


def _swapped(shown: list[str], place: int) -> list[str]:
    """With the one at this place and the next one changed over."""
    return [*shown[:place], shown[place + 1], shown[place], *shown[place + 2 :]]
