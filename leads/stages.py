"""The company's stages as moves need them: loaded once a write, asked by key, milestone and role."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from alignment.people.models import Side
from leads.milestones import Kind, Milestone
from leads.models import Stage
from leads.passes import Target


@dataclass(frozen=True, slots=True)
class Stages:
    """All stages, retired ones included: old moves still point at them."""

    by_id: dict[int, Stage]

    @classmethod
    def load(cls) -> Self:
        """Read them; one query."""
        return cls({stage.pk: stage for stage in Stage.objects.order_by("position")})

    def _in_use(self) -> Iterable[Stage]:
        return (stage for stage in self.by_id.values() if stage.retired_at is None)

    def first(self, milestone: Milestone) -> Stage:
        """The stage by which a lead enters `milestone`."""
        return next(stage for stage in self._in_use() if stage.milestone == milestone)

    def acceptance(self) -> Stage:
        """Where an accepted lead goes: the first stage after MQL that sales owns."""
        mql = self.first(Milestone.MQL)
        return next(
            stage for stage in self._in_use() if stage.position > mql.position and stage.owning_side == Side.SALES
        )

    def target(self, stage_id: int | None) -> Target | None:
        """The stage with this key as replay sees it; None for no key."""
        return as_target(self.by_id[stage_id]) if stage_id else None

    def of(self, kind: Kind, stage_id: int | None) -> Stage | None:
        """The stage that a move of this kind leads to; None where the lead stays in its stage."""
        match kind:
            case Kind.ADVANCE | Kind.CORRECT:
                return self.by_id.get(stage_id) if stage_id else None
            case Kind.ACCEPT:
                return self.acceptance()
            case Kind.REQUALIFY:
                return self.first(Milestone.MQL)
            case Kind.WIN:
                return self.first(Milestone.WON)
        return None


def as_target(stage: Stage) -> Target:
    """A stage without what replay does not read."""
    return Target(stage.pk, Milestone(stage.milestone), stage.position)
