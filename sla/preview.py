"""What a draft would have promised: the last 90 days by its rules, and what it would do to clocks that are running.

Leads are judged by what is known of them today, and by the calendars of today.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sla import recalculating
from sla.dues import Asked, choices, due_times
from sla.matching import promised
from sla.models import Clock, Policy, PolicySet
from sla.querysets import Attainment
from sla.recalculating import Move
from sla.rules import read
from sla.settlement import Owed, begin
from sla.subjects import SubjectKey, Whose, passes, reader_of, subject
from sla.verdict import is_late

DAYS = 90
MOST = 20_000
MOST_MOVES = 200
EVERY = 10_000_000


@dataclass(slots=True)
class RulePreview:
    """One rule on the last 90 days: how many it is about, and how many of them were met, broken or still run."""

    policy: Policy
    n: int = 0
    met: int = 0
    breached: int = 0

    @property
    def unjudged(self) -> int:
        """What is neither given nor due yet, and what was not owed in the end."""
        return self.n - self.met - self.breached

    @property
    def share(self) -> float | None:
        """Met ÷ judged."""
        return Attainment(self.met, self.breached).share


NOTHING = Attainment(0, 0)


@dataclass(slots=True)
class Preview:
    """A draft on history. `without` are leads to which no rule promises anything, `was` is what was kept by the rules
    of then, `load` how much was due in each hour of the day, 0 to 23. `moves` are the running clocks that would follow,
    the first of `n_moves`; `held` the first of `n_held` that stay since they would turn overdue. `is_cut`: there was
    more than is looked at.
    """

    rules: list[RulePreview]
    without: int = 0
    was: Attainment = NOTHING
    load: list[int] = field(default_factory=lambda: [0] * 24)
    moves: Sequence[Move] = ()
    n_moves: int = 0
    held: Sequence[Move] = ()
    n_held: int = 0
    is_cut: bool = False

    @property
    def n(self) -> int:
        """All that was looked at, whether it is judged yet or not."""
        return self.without + sum(each.n for each in self.rules)

    @property
    def total(self) -> Attainment:
        """All rules together."""
        return Attainment(sum(each.met for each in self.rules), sum(each.breached for each in self.rules))

    @property
    def hours(self) -> list[tuple[int, int, float]]:
        """Hour of the day, how much was due in it, and that ÷ the most of an hour."""
        most = max(self.load) or 1
        return [(hour, n, n / most) for hour, n in enumerate(self.load)]


def preview(draft: PolicySet, *, at: datetime, zone: ZoneInfo) -> Preview:
    """The draft on the 90 days before `at`, and what it would do to clocks that are running."""
    found = on_history(draft, at=at, zone=zone)
    add_moves(found, recalculating.under(policies_of(draft), draft.scope, at), at)
    return found


def on_history(draft: PolicySet, *, at: datetime, zone: ZoneInfo) -> Preview:
    """The rules, stored or not, on the 90 days before `at`; the hours of the load are those of `zone`."""
    found, policies = begun(draft), policies_of(draft)
    # One more than is looked at tells that there were more.
    known = _since(draft.scope, at - timedelta(days=DAYS), at, MOST + 1)
    found.is_cut = len(known) > MOST
    judge(dict(list(known.items())[:MOST]), policies, found, at, zone)
    found.was = kept_then(draft.scope, at)
    return found


def policies_of(draft: PolicySet) -> list[Policy]:
    """What the rules of a draft would be, not stored."""
    return [
        rule.as_policy(id=-1 - number, version=draft, position=number, subject_kind=draft.scope)
        for number, rule in enumerate(read(draft.body))
    ]


def begun(draft: PolicySet) -> Preview:
    """Nothing was looked at yet."""
    return Preview([RulePreview(policy) for policy in policies_of(draft)])


def kept_then(kind: str, at: datetime) -> Attainment:
    """What was kept of this kind in the 90 days, by the rules of then."""
    return Clock.objects.filter(subject_kind=kind).due_between(at - timedelta(days=DAYS), at).attainment(at)


def judge_day(number: int, kind: str, policies: Sequence[Policy], found: Preview, at: datetime, zone: ZoneInfo) -> None:
    """Add one of the days to a preview: `number` 0 is the newest."""
    end = at - timedelta(days=number)
    judge(_since(kind, end - timedelta(days=1), end, EVERY), policies, found, at, zone)


def add_moves(found: Preview, moves: Sequence[Move], at: datetime) -> None:
    """Add running clocks to a preview."""
    changed = [each for each in moves if each.due_at != each.clock.due_at]
    held = [each for each in changed if each.turns_overdue(at)]
    follow = [each for each in changed if not each.turns_overdue(at)]
    found.moves = [*found.moves, *follow][:MOST_MOVES]
    found.held = [*found.held, *held][:MOST_MOVES]
    found.n_moves += len(follow)
    found.n_held += len(held)


def _since(kind: str, start: datetime, end: datetime, most: int) -> dict[SubjectKey, Owed]:
    of_kind = passes.since if subject(kind).is_pass else reader_of(kind).since
    return dict(of_kind(kind, start, end, most))


def judge(
    known: dict[SubjectKey, Owed], policies: Sequence[Policy], found: Preview, at: datetime, zone: ZoneInfo
) -> None:
    """Add what was owed to a preview, as the policies of its rules would have it."""
    kind = next(iter(known)).kind if known else ""
    whose_of = passes.of_leads if not kind or subject(kind).is_pass else reader_of(kind).whose
    people = whose_of([key.subject_id for key in known])
    whose = {key: people[key.subject_id] for key in known if key.subject_id in people}
    rules = promised(whose, policies)
    wanted: dict[Whose, list[Policy]] = {}
    for key, policy in rules.items():
        wanted.setdefault(whose[key], []).append(policy)
    chosen = choices(wanted)
    asked = {
        key: Asked(policy.pk, chosen[whose[key], policy.pk].calendar_id, since)
        for key, policy in rules.items()
        if (since := known[key].since)
    }
    dues = due_times(set(asked.values()), {policy.pk: policy for policy in policies})
    found.without += len(known) - len(asked)
    by_rule = {each.policy.pk: each for each in found.rules}
    load: Counter[int] = Counter()
    for key, question in asked.items():
        rule, due_at = by_rule[question.policy_id], dues[question]
        rule.n += 1
        load[due_at.astimezone(zone).hour] += 1
        times = begin(known[key], question.started_at, due=lambda _, due_at=due_at: due_at, now=at)  # type: ignore[misc]
        if times and (times.stopped_at or due_at < at):
            late = is_late(due_at, times.stopped_at, at)
            rule.breached += late
            rule.met += not late
    found.load = [n + load[hour] for hour, n in enumerate(found.load)]
