"""How a promise went week after week: in how many it was kept, and whether it is being missed. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Run:
    """Of the weeks that could be `judged`, those in which it was `kept`; `missed` counts the last ones in a row."""

    judged: int
    kept: int
    missed: int

    @classmethod
    def of(cls, weeks: Iterable[tuple[float | None, float | None]]) -> Self:
        """Of (value, target) by week; a week without one of them is not judged."""
        judged = kept = missed = 0
        for value, target in weeks:
            if value is not None and target is not None:
                is_kept = value >= target
                judged, kept, missed = judged + 1, kept + is_kept, 0 if is_kept else missed + 1
        return cls(judged, kept, missed)

    @property
    def text(self) -> str:
        """What is worth saying: `Missed 5 weeks in a row`, `Kept 10 of 12 weeks`; blank where no week was judged."""
        if self.missed > 1:
            return f"Missed {self.missed} weeks in a row"
        return f"Kept {self.kept} of {self.judged} weeks" if self.judged else ""
