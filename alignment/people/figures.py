"""Figures that tell of one rep: what the policy table is asked about before somebody sees them."""

from dataclasses import dataclass
from typing import Protocol, Self


class Owner(Protocol):
    """Whom figures are about; `pk` None stands for leads that nobody holds."""

    @property
    def name(self) -> str: ...

    @property
    def pk(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class FiguresOfRep:
    """What the policy table is asked about: figures that tell of one rep, or of leads without one."""

    rep: str
    rep_id: int | None

    @classmethod
    def of(cls, owner: Owner) -> Self:
        """The figures of this owner."""
        return cls(owner.name, owner.pk)
