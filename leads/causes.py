"""Why a write happened: who, through which door, when, and what it means for the promises."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from leads.milestones import CauseSource


class Promise(StrEnum):
    """What a write does to the clocks: start them, settle them as history says (nobody is notified), or nothing."""

    START = "start"
    HISTORY = "history"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Cause:
    """Travels with each write. `at` is when it took effect: None means now, by the database's clock.

    `route` says whether leads that become MQLs in no one's hands are routed; None: those that come in live are.
    """

    source: CauseSource
    actor_id: int | None = None
    at: datetime | None = None
    promise: Promise = Promise.START
    route: bool | None = None

    @property
    def routes(self) -> bool:
        """Whether routing finds a holder: history stays in no one's hands, unless the write says otherwise."""
        is_live = self.promise == Promise.START and self.source not in (CauseSource.IMPORT, CauseSource.DEMO)
        return is_live if self.route is None else self.route

    def recorded_at(self, at: datetime | None, now: datetime) -> datetime:
        """When Accord learnt of a move that took effect `at`: now. The demo company has used it all along."""
        return min(at or now, now) if self.source == CauseSource.DEMO else now
