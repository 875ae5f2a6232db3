"""What figures can be filtered and grouped by, with the names that people and addresses use."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from django.db.models import CharField, F, Model, QuerySet, Value
from django.db.models.functions import Cast

from alignment.people.models import Team, User
from leads.models import Campaign, Segment, Source, Territory

NO_KEY = "-"


class Facet(StrEnum):
    """What a journey froze at its entry, and who holds or held it."""

    SOURCE = "source"
    CAMPAIGN = "campaign"
    SEGMENT = "segment"
    TERRITORY = "territory"
    OWNER = "owner"
    TEAM = "team"


FACETS = tuple(Facet)

KEYED: Mapping[Facet, type[Model]] = {
    Facet.SOURCE: Source,
    Facet.CAMPAIGN: Campaign,
    Facet.SEGMENT: Segment,
    Facet.TERRITORY: Territory,
}
NUMBERED: Mapping[Facet, type[Model]] = {Facet.OWNER: User, Facet.TEAM: Team}


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a facet; `pk` None stands for journeys that have none. `key` is what addresses and files say."""

    facet: str
    pk: int | None
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Options:
    """All choices of all facets, in the order of their names: facet → primary key → choice."""

    by_facet: Mapping[str, Mapping[int | None, Choice]]

    @classmethod
    def load(cls) -> Self:
        """Read them, retired ones included (history keeps them); one query."""
        keyed = [_rows(facet, model, F("key")) for facet, model in KEYED.items()]
        numbered = [_rows(facet, model, Cast("pk", CharField())) for facet, model in NUMBERED.items()]
        first, *others = (*keyed, *numbered)
        # A blank source is not a source called unknown.
        found: dict[str, dict[int | None, Choice]] = {
            facet: {None: Choice(facet, None, NO_KEY, f"No {facet}")} for facet in FACETS
        }
        for row in first.union(*others, all=True).order_by("name", "pk"):
            choice = Choice(*row)
            found[choice.facet][choice.pk] = choice
        return cls(found)

    def find(self, facet: str, key: str) -> Choice | None:
        """The choice that an address calls `key`; None if there is none."""
        return next((choice for choice in self.by_facet[facet].values() if choice.key == key), None)

    def of(self, facet: str, pk: int | None) -> Choice:
        """The choice with this primary key; one that was added since the choices were read goes by its number."""
        return self.by_facet[facet].get(pk) or Choice(facet, pk, str(pk), f"New {facet}")


def _rows(facet: str, model: type[Model], key: F | Cast) -> QuerySet:
    named = model._default_manager.order_by().annotate(facet=Value(facet), code=key)
    return named.values_list("facet", "pk", "code", "name")
