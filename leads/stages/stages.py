"""The company's stages as moves need them: loaded once a write, asked by key, milestone and role."""

from collections.abc import Iterable
from functools import cached_property
from operator import attrgetter
from typing import Self

from alignment.people.models import Side
from leads.milestones import Kind, Milestone
from leads.models import Stage
from leads.passes import Target


class Stages:
    """All stages, retired ones included: old moves still point at them."""

    def __init__(self, stages: Iterable[Stage]) -> None:
        self.by_id = {stage.pk: stage for stage in sorted(stages, key=attrgetter("position"))}
        self.in_use = [stage for stage in self.by_id.values() if stage.retired_at is None]
        self._targets = {pk: Target(pk, Milestone(stage.milestone), stage.position) for pk, stage in self.by_id.items()}

    @classmethod
    def load(cls) -> Self:
        """Read them; one query."""
        return cls(Stage.objects.all())

    def first(self, milestone: Milestone) -> Stage:
        """The stage by which a lead enters `milestone`."""
        return next(stage for stage in self.in_use if stage.milestone == milestone)

    def acceptance(self) -> Stage:
        """Where an accepted lead goes: the first stage after MQL that sales owns."""
        return self._acceptance

    @cached_property
    def _acceptance(self) -> Stage:
        mql = self.first(Milestone.MQL)
        return next(stage for stage in self.in_use if stage.position > mql.position and stage.owning_side == Side.SALES)

    def after(self, stage: Stage) -> Stage | None:
        """The stage that follows; None after the last one."""
        return next((each for each in self.in_use if each.position > stage.position), None)

    def target(self, stage_id: int | None) -> Target | None:
        """The stage with this key as replay sees it; None for no key."""
        return self._targets[stage_id] if stage_id else None

    def target_of(self, kind: Kind, stage_id: int | None) -> Target | None:
        """Where a move of this kind leads, as replay sees it."""
        stage = self.of(kind, stage_id)
        return self._targets[stage.pk] if stage else None

    def of(self, kind: Kind, stage_id: int | None) -> Stage | None:
        """The stage that a move of this kind leads to; None where the lead stays in its stage."""
        match kind:
            case Kind.ADVANCE | Kind.CORRECT | Kind.MAP:
                return self.by_id.get(stage_id) if stage_id else None
            case Kind.ACCEPT:
                return self.acceptance()
            case Kind.REQUALIFY:
                return self.first(Milestone.MQL)
            case Kind.WIN:
                return self.first(Milestone.WON)
        return None
