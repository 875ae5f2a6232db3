"""One demo lead's story, from first touch to where it stands today. Pure: chance and the calendar in, a draft out."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from alignment.demo import names
from leads.decisions import Step
from leads.drafts import DealDraft, Draft, Reference, TouchDraft
from leads.milestones import Kind, QualifiedBy
from leads.models.touchpoint import Direction


@dataclass(frozen=True, slots=True)
class Setting:
    """What stories take place in: the present moment (in the company's zone), keys of stages, reasons and tracks, the
    reps with their pace (median hours to an answer), and the company's currency.
    """

    now: datetime
    stages: dict[str, int]
    reject_reasons: tuple[tuple[int, int], ...]  # (reason, weight)
    recycle_reasons: tuple[int, ...]
    lose_reasons: tuple[tuple[int, int], ...]
    win_reasons: tuple[int, ...]
    tracks: tuple[int, ...]
    reps: tuple[tuple[int, float], ...]  # (user, median hours to an answer)
    currency: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who the story is about."""

    name: str
    email: str
    title: str
    seniority: str
    company: str
    segment: str
    territory: str
    source: str
    campaign: str
    fit: float


def working_moment(rng: Random, day: datetime) -> datetime:
    """A moment of that day at which people work, mostly."""
    minutes = int(rng.triangular(7 * 60 + 30, 19 * 60, 10 * 60 + 30))
    return day.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
        minutes=minutes, seconds=rng.randrange(60)
    )


def pick(rng: Random, weighted: tuple[tuple[int, int], ...]) -> int:
    """One of (value, weight) pairs."""
    return rng.choices([value for value, _ in weighted], [weight for _, weight in weighted])[0]


def workday(moment: datetime) -> datetime:
    """The same time on that day, or on the Monday after a weekend."""
    return moment + timedelta(days=max(0, 7 - moment.weekday()) if moment.weekday() > 4 else 0)


class Story:
    """Builds one lead's draft; every event that would lie in the future has not happened yet."""

    def __init__(self, rng: Random, setting: Setting, person: Person, first_at: datetime, rep_id: int) -> None:
        self.rng, self.setting, self.person = rng, setting, person
        self.at = first_at
        self.rep_id = rep_id
        self.pace = dict(setting.reps)[rep_id]
        self.steps: list[Step] = []
        self.touches: list[TouchDraft] = []
        self.deal: DealDraft | None = None
        self.handed_over_at: datetime | None = None
        self.first_at = first_at

    def draft(self, number: int) -> Draft:
        """The lead as it stands today."""
        self._live()
        person = self.person
        return Draft(
            name=person.name, email=person.email, title=person.title, seniority=person.seniority,
            company_name=person.company, source=person.source or None, campaign=person.campaign or None,
            segment=person.segment, territory=person.territory,
            product_interest=self.rng.choice(names.PRODUCTS),
            phone=f"+49 30 5550 {self.rng.randrange(1000, 9999)}" if self.rng.random() < 0.7 else "",
            consent="granted" if self.rng.random() < 0.72 else "",
            do_not_contact=self.rng.random() < 0.01,
            references=(Reference("demo", f"L-{number:05d}"),),
            steps=tuple(self.steps), touches=tuple(self.touches), deal=self.deal,
            owner_id=self.rep_id if self.handed_over_at else None, owned_at=self.handed_over_at,
            created_at=self.first_at,
        )  # fmt: skip

    def chance(self, probability: float) -> bool:
        """Whether something happens; people who fit do more of everything."""
        return self.rng.random() < probability * (0.6 + 0.4 * self.person.fit)

    def later(self, median_hours: float, spread: float = 0.8) -> datetime:
        """A working moment about so much later (log-normal: most soon, some very late)."""
        hours = median_hours * self.rng.lognormvariate(0, spread)
        moment = self.at + timedelta(hours=hours)
        if moment.hour < 7 or moment.hour >= 19:
            moment = working_moment(self.rng, moment + timedelta(days=moment.hour >= 19))
        return workday(moment)

    def happens(self, at: datetime) -> bool:
        """Move to that moment, unless it has not come yet."""
        if at >= self.setting.now:
            return False
        self.at = at
        return True

    def _step(self, kind: Kind, *, to: str = "", actor: bool = True, **more: object) -> None:
        step = Step(0, kind, stage_id=self.setting.stages[to] if to else None, at=self.at)
        self.steps.append(replace(step, actor_id=self.rep_id if actor else None, **more))  # type: ignore[arg-type]

    def _touch(self, title: str, kind: str, **more: object) -> None:
        self.touches.append(TouchDraft(title=title, kind=kind, at=self.at, **more))  # type: ignore[arg-type]

    def _live(self) -> None:
        origin = self.person.source.replace("_", " ") or "an unknown source"
        self._touch(f"First visit from {origin}", "visit")
        self._step(Kind.ADVANCE, to="mgl", actor=False)
        if self._qualify() and self._answer() and self._work() and self._sell():
            self._close()

    def _qualify(self) -> bool:
        for _ in range(self.rng.randrange(1, 5)):
            if self.happens(self.later(40, 1.1)):
                kind, title, engaged = self.rng.choice(names.TOUCHES)
                self._touch(title, kind, is_engaged=engaged)
        if not self.chance(0.58) or not self.happens(self.later(30)):
            return False
        raised = self.rng.random() < 0.42
        if raised:
            self._touch(self.rng.choice(names.HAND_RAISES), "form", is_hand_raise=True)
        self._hand_over(QualifiedBy.HAND_RAISE if raised else QualifiedBy.SCORE)
        return True

    def _hand_over(self, qualified_by: str) -> None:
        self._step(Kind.ADVANCE, to="mql", actor=False, qualified_by=qualified_by)
        self.handed_over_at = self.at
        if qualified_by == QualifiedBy.HAND_RAISE:
            self._call_back("asked", in_time=0.78, soon=(4, 50), late=(90, 1200))

    def _call_back(self, after: str, *, in_time: float, soon: tuple[int, int], late: tuple[int, int]) -> None:
        """A first call so many minutes from now, mostly soon. It has a chance of its own: nothing else hangs on it."""
        rng = Random(f"{self.person.email} {after}")  # noqa: S311 (a story, not a secret)
        at = workday(self.at + timedelta(minutes=rng.randrange(*(soon if rng.random() < in_time else late))))
        if at < self.setting.now:
            title = rng.choice(("Called: connected", "Called: no answer", "E-mailed"))
            kind = "e-mail" if title == "E-mailed" else "call"
            touch = TouchDraft(title=title, kind=kind, at=at, direction=Direction.OUTBOUND, actor_id=self.rep_id)
            self.touches.append(touch)

    def _answer(self) -> bool:
        """Sales answers: most within two days, fewer of late, since one rep has too many."""
        days_ago = (self.setting.now - self.at).days
        strain = 1.45 if days_ago < 40 else 0.8
        if (days_ago < 21 and self.rng.random() < 0.05) or not self.happens(self.later(self.pace * strain, 1.0)):
            return False
        if self.chance(0.63):
            self._step(Kind.ACCEPT)
            return True
        if self.rng.random() < 0.62:
            self._step(Kind.REJECT, reason_id=pick(self.rng, self.setting.reject_reasons))
        else:
            self._nurture()
            return self._come_back()
        return False

    def _nurture(self) -> None:
        revisit = (self.at + timedelta(days=self.rng.choice((30, 60, 90, 180)))).date()
        self._step(
            Kind.RECYCLE,
            reason_id=self.rng.choice(self.setting.recycle_reasons),
            track_id=self.rng.choice(self.setting.tracks),
            revisit_on=revisit,
        )

    def _come_back(self) -> bool:
        if not self.chance(0.34) or not self.happens(self.later(24 * 55, 0.5)):
            return False
        self._touch("Came back: compared the plans again", "visit")
        self._step(Kind.REQUALIFY, actor=False, qualified_by=QualifiedBy.MANUAL)
        return self._answer()

    def _work(self) -> bool:
        if not self.chance(0.93):
            return False  # accepted, never touched
        self._call_back("accepted", in_time=0.84, soon=(20, 420), late=(1500, 4200))
        for _ in range(self.rng.randrange(1, 5)):
            if self.happens(self.later(26)):
                title, kind = self.rng.choice(
                    (("Called: connected", "call"), ("Called: no answer", "call"), ("E-mailed", "e-mail"))
                )
                self._touch(title, kind, direction=Direction.OUTBOUND, actor_id=self.rep_id)
        if self.chance(0.55):
            return self.happens(self.later(24 * 9))
        if self.rng.random() < 0.8 and self.happens(self.later(24 * 12)):
            if self.rng.random() < 0.6:
                self._nurture()
            else:
                self._step(Kind.REJECT, reason_id=pick(self.rng, self.setting.reject_reasons))
        return False

    def _sell(self) -> bool:
        product = self.rng.choice(names.PRODUCTS)
        amount = Decimal(round(self.rng.lognormvariate(9.6, 0.6), -2)) + 900
        self.deal = DealDraft(
            name=f"{self.person.company}: {product}",
            currency=self.setting.currency,
            amount=amount,
            product=product,
            owner_id=self.rep_id,
            opened_at=self.at,
            expected_close_on=(self.at + timedelta(days=self.rng.randrange(25, 90))).date(),
            references=(Reference("demo", self.person.email),),
        )
        self._step(Kind.ADVANCE, to="sqo", confirmations=("budget", "authority", "need", "timeline"))
        if self.chance(0.7) and self.happens(self.later(24 * 8)):
            self._step(Kind.ADVANCE, to="proposal")
        return self.happens(self.later(24 * 19, 0.5))

    def _close(self) -> None:
        if self.chance(0.46):
            won = self.setting.win_reasons
            self._step(Kind.WIN, reason_id=won[len(self.touches) % len(won)])
        else:
            self._step(Kind.LOSE, reason_id=pick(self.rng, self.setting.lose_reasons))
