"""Routing in sets: who takes over leads that have become MQLs, decided, stored and told in their own transaction.

A fixed number of statements, for one lead as for fifty thousand. Locks: the leads first (the move holds them), then the
places in the pools, in ascending order; who routes waits until whoever routed to the same people before has committed,
so that turns and caps are exact.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Count
from django.urls import reverse

from alignment.lib import arrays, batch, turns
from alignment.ops.notifications import Notice, notify
from alignment.people import absences
from alignment.people.absences import Presence
from alignment.people.models import Company, User
from leads import holders, lifecycle
from leads.causes import Cause
from leads.conditions.reading import met_by
from leads.decisions import Step
from leads.holders import Assignment
from leads.lifecycle import Moved
from leads.milestones import CauseSource, Kind, Milestone
from leads.models import Lead
from leads.models.route import AfterHours, How, Pool, PoolMember, RoutingDecision, RoutingVersion
from leads.routing.choosing import Bench, Candidate, Later, Member, choose
from leads.routing.rules import Rules, read

UNLESS_HELD = "AND NOT EXISTS (SELECT 1 FROM people_user holder WHERE holder.id = lead.owner_id AND holder.is_active)"
_FACTS = """
    SELECT lead.id, lead.pass_no, coalesce(nullif(lead.name, ''), nullif(lead.email, ''), 'Lead ' || lead.id),
        score.points, account.owner_id, deal.id, deal.owner_id, deal.name
    FROM leads_lead lead
    LEFT JOIN leads_account account ON account.id = lead.account_id
    LEFT JOIN leads_score score ON score.lead_id = lead.id
    LEFT JOIN LATERAL (
        SELECT one.id, one.owner_id, one.name FROM leads_opportunity one
        JOIN people_user holder ON holder.id = one.owner_id AND holder.is_active
        WHERE one.account_id = lead.account_id AND one.state = 'open' AND one.withdrawn_at IS NULL
        ORDER BY one.id DESC LIMIT 1
    ) deal ON true
    WHERE lead.id = ANY(%s::bigint[]) {unless} ORDER BY lead.id
"""


class Facts(NamedTuple):
    """What routing asks of a lead. The deal is the newest open one of its account that somebody works."""

    lead_id: int
    pass_no: int
    name: str
    points: int | None
    account_owner_id: int | None
    deal_id: int | None
    deal_owner_id: int | None
    deal_name: str | None


class Decision(NamedTuple):
    """Where a lead goes, and why; the fields are those of `leads.models.RoutingDecision`."""

    facts: Facts
    how: How
    user_id: int
    rule: int | None = None
    pool_id: int | None = None
    opportunity_id: int | None = None
    candidates: tuple[Candidate | Later, ...] = ()


@dataclass(slots=True)
class Table:
    """Everything that a choice depends on at one moment: pools with their members, and who is there."""

    pools: Mapping[int, Pool]
    benches: dict[int, Bench]
    presences: Mapping[int, Presence]
    places: Mapping[tuple[int, int], int] = field(default_factory=dict)

    def is_there(self, user_id: int | None) -> bool:
        """Whether somebody works here and is not away today; their hours are their own matter."""
        presence = self.presences.get(user_id or 0)
        return presence is not None and presence.is_active and presence.away_until is None

    def without(self, people: Collection[int]) -> "Table":
        """The same moment as if these people were not there."""
        return replace(
            self,
            benches={
                pk: replace(bench, members=tuple(each for each in bench.members if each.user_id not in people))
                for pk, bench in self.benches.items()
            },
            presences={pk: presence for pk, presence in self.presences.items() if pk not in people},
        )


# What happens when leads become MQLs ----------------------------------------------------------------------------


def follow(*, moved: Moved) -> None:
    """Find a holder for each lead that these moves made an MQL, or made one again, and that nobody who works here
    holds.
    """
    if moved.cause.routes and (lead_ids := _handed_over(moved)):
        # What is true of people is asked for the moment of the write; the demo's writes lie in the past.
        at = moved.cause.recorded_at(moved.cause.at, moved.recorded_at)
        route(lead_ids=lead_ids, cause=moved.cause, at=at)


def _handed_over(moved: Moved) -> list[int]:
    """The leads that became MQLs and still are: history may bring what followed in the same write."""
    newest = {each.lead_id: each for each in moved.taken}
    return sorted(
        {
            each.lead_id
            for each in moved.taken
            if newest[each.lead_id].after == each.after == (Milestone.MQL, "")
            and each.kind in (Kind.ADVANCE, Kind.REQUALIFY, Kind.REOPEN)
            and (each.before is None or each.before[0] < Milestone.MQL or each.kind != Kind.ADVANCE)
        }
    )


@transaction.atomic
def route(
    *,
    lead_ids: Sequence[int],
    cause: Cause,
    at: datetime | None = None,
    whoever_holds: bool = False,
    why: str = "",
    without: Collection[int] = (),
) -> list[Decision]:
    """Decide for these leads by the published rules, in ascending order, and hand them over; none are while no rules
    are published. A lead that somebody active holds is left alone, unless `whoever_holds`. Nobody of `without` gets
    one, but as the fallback of a pool.
    """
    version = RoutingVersion.published()
    if version is None:
        return []
    facts = facts_of(lead_ids, UNLESS_HELD if not whoever_holds else "")
    if not facts:
        return []
    at = at or lifecycle.database_now()
    rules = read(version.body)
    if whoever_holds:
        # Somebody works it already: it has its own deal, or will.
        rules = replace(rules, attach=False)
    table = load(rules, facts, at, locked=True).without(without)
    decisions = decide(rules, facts, matched(rules, facts), table)
    _store(decisions, version, at)
    _keep_turns(table)
    # The rules choose; whoever asked them to take leads from somebody answers for that.
    actor_id = cause.actor_id if whoever_holds else None
    _hand_over(decisions, replace(cause, actor_id=actor_id, source=CauseSource.RULE, route=False), why)
    notify(notices=_notices(decisions, table))
    return decisions


def facts_of(lead_ids: Sequence[int], unless: str = "") -> list[Facts]:
    """What routing asks of these leads, in ascending order; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_FACTS.format(unless=unless), [arrays.literal(lead_ids)])
        return [Facts(*row) for row in cursor.fetchall()]


def matched(rules: Rules, facts: Sequence[Facts]) -> dict[int, int]:
    """Lead → index of the first rule that it meets."""
    met = met_by([rule.when for rule in rules.rules], [each.lead_id for each in facts])
    return {lead_id: indexes[0] for lead_id, indexes in met.items() if indexes}


# Deciding -------------------------------------------------------------------------------------------------------


def decide(rules: Rules, facts: Sequence[Facts], matched: Mapping[int, int], table: Table) -> list[Decision]:
    """A decision for each lead, in order. The turns of `table` move on; nothing is stored."""
    decided: dict[int, Decision] = {}
    asked: dict[int, list[tuple[Facts, int | None, str]]] = {}
    for each in facts:
        rule_at = matched.get(each.lead_id)
        direct = _direct(each, rules, rule_at, table)
        if direct is not None:
            decided[each.lead_id] = direct
            continue
        rule = rules.rules[rule_at] if rule_at is not None else None
        pool_id = (rule.pool_id if rule else None) or rules.otherwise
        assert pool_id is not None  # nothing is published without
        asked.setdefault(pool_id, []).append((each, rule_at, rule.language if rule else ""))
    for pool_id, wanted in sorted(asked.items()):
        for decision in _from_pool(pool_id, wanted, table):
            decided[decision.facts.lead_id] = decision
    return [decided[each.lead_id] for each in facts]


def _direct(facts: Facts, rules: Rules, rule_at: int | None, table: Table) -> Decision | None:
    """Whom a lead goes to without a pool: a deal's owner, its account's, or whom the rule names, if they are there."""
    if rules.attach and facts.deal_id and facts.deal_owner_id:
        return Decision(facts, How.DEAL, facts.deal_owner_id, opportunity_id=facts.deal_id)
    if rules.account_owner and facts.account_owner_id and table.is_there(facts.account_owner_id):
        return Decision(facts, How.ACCOUNT, facts.account_owner_id)
    rule = rules.rules[rule_at] if rule_at is not None else None
    if rule and rule.person_id and table.is_there(rule.person_id):
        return Decision(facts, How.PERSON, rule.person_id, rule=rule_at)
    return None


def _from_pool(pool_id: int, wanted: Sequence[tuple[Facts, int | None, str]], table: Table) -> Iterable[Decision]:
    choices, after = choose(table.benches[pool_id], [language for _, _, language in wanted])
    table.benches[pool_id] = after
    fallback = table.pools[pool_id].fallback_id
    for (facts, rule_at, _), choice in zip(wanted, choices, strict=True):
        how = How.POOL if choice.user_id else How.FALLBACK
        yield Decision(facts, how, choice.user_id or fallback, rule=rule_at, pool_id=pool_id, candidates=choice.entries)


# What a choice depends on ---------------------------------------------------------------------------------------


def load(rules: Rules, facts: Sequence[Facts], at: datetime, *, locked: bool) -> Table:
    """Pools, members and presences at the moment `at`. With `locked` nobody else routes to these people meanwhile."""
    members = _locked_members(rules.pool_ids) if locked else _members(rules.pool_ids)
    pools = {pool.pk: pool for pool in Pool.objects.filter(pk__in=rules.pool_ids)}
    users = {each.user_id for each in members}
    owners = {each.account_owner_id for each in facts if each.account_owner_id}
    presences = absences.presences(users | owners | rules.person_ids, at)
    people = User.objects.in_bulk(users)
    today, held = _loads(people.values(), at)
    benches = {}
    for pool in pools.values():
        mine = [each for each in members if each.pool_id == pool.pk]
        benches[pool.pk] = Bench(
            tuple(
                _member(each, people[each.user_id], presences[each.user_id], today, held)
                for each in mine
                if each.left_at is None
            ),
            turn=pool.turn,
            goes_on=pool.after_hours == AfterHours.NEXT,
        )
    return Table(pools, benches, presences, {(each.pool_id, each.user_id): each.pk for each in members})


def _members(pool_ids: Iterable[int]) -> list[PoolMember]:
    return list(PoolMember.objects.filter(pool__in=pool_ids, left_at=None).order_by("pk"))


def _locked_members(pool_ids: set[int]) -> list[PoolMember]:
    """The members of these pools, with their places in other pools locked too: caps are theirs, not a pool's."""
    turns.await_turn()
    theirs = PoolMember.objects.filter(pool__in=pool_ids, left_at=None).values("user_id")
    rows = PoolMember.objects.filter(user_id__in=theirs).order_by("pk").select_for_update(no_key=True)
    return [each for each in rows if each.pool_id in pool_ids and each.left_at is None]


def _member(
    place: PoolMember, person: User, presence: Presence, today: Mapping[int, int], held: Mapping[int, int]
) -> Member:
    return Member(
        user_id=place.user_id, turn=place.turn, given=place.given, weight=person.weight, is_active=presence.is_active,
        away_until=presence.away_until, is_open=presence.is_open, languages=frozenset(person.languages),
        today=today.get(place.user_id, 0), daily_cap=person.daily_cap, open=held.get(place.user_id, 0),
        open_cap=person.open_cap,
    )  # fmt: skip


def _loads(people: Iterable[User], at: datetime) -> tuple[dict[int, int], dict[int, int]]:
    """How many leads were routed today, and are held open, by those who have a cap; no query where nobody has one."""
    daily = [each.pk for each in people if each.daily_cap is not None]
    capped = [each.pk for each in people if each.open_cap is not None]
    today: dict[int, int] = {}
    held: dict[int, int] = {}
    if daily:
        midnight = at.astimezone(ZoneInfo(Company.get().time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
        routed = RoutingDecision.objects.filter(user__in=daily, at__gte=midnight).values_list("user_id")
        today = dict(routed.annotate(Count("pk")))
    if capped:
        standing = Lead.objects.standing().filter(owner__in=capped, outcome="").values_list("owner_id")
        held = dict(standing.annotate(Count("pk")))
    return today, held


# Storing --------------------------------------------------------------------------------------------------------


def _store(decisions: Sequence[Decision], version: RoutingVersion, at: datetime) -> None:
    batch.insert(
        RoutingDecision,
        [
            {
                "lead_id": each.facts.lead_id, "pass_no": each.facts.pass_no, "at": at, "version_id": version.pk,
                "how": each.how.value, "rule": each.rule, "pool_id": each.pool_id, "user_id": each.user_id,
                "opportunity_id": each.opportunity_id, "points": each.facts.points,
                "candidates": list(map(tuple, each.candidates)),
            }
            for each in decisions
        ],
    )  # fmt: skip


def _keep_turns(table: Table) -> None:
    batch.update(
        PoolMember,
        [
            {"id": table.places[pool_id, each.user_id], "turn": each.turn, "given": each.given}
            for pool_id, bench in table.benches.items()
            for each in bench.members
        ],
        where_differs=("turn", "given"),
    )
    batch.update(Pool, [{"id": pk, "turn": bench.turn} for pk, bench in table.benches.items()], where_differs=("turn",))


def _hand_over(decisions: Sequence[Decision], cause: Cause, why: str) -> None:
    assignments = [Assignment(each.facts.lead_id, each.user_id) for each in decisions]
    holders.hold(assignments=assignments, cause=cause, why=why or "Routed by the rules")
    joining = [
        Step(each.facts.lead_id, Kind.ATTACH, opportunity_id=each.opportunity_id)
        for each in decisions
        if each.opportunity_id
    ]
    if joining:
        lifecycle.move(steps=joining, cause=cause)


def _notices(decisions: Sequence[Decision], table: Table) -> list[Notice]:
    """What deal owners are told of who joined, and fallbacks of what nobody could take."""
    return [
        Notice(
            user_id=each.user_id,
            kind="lead_joined_deal" if each.how == How.DEAL else "lead_fell_back",
            title=_title(each, table),
            body=_body(each),
            url=reverse("lead", args=[each.facts.lead_id]),
            dedupe_key=f"routed:{each.facts.lead_id}:{each.facts.pass_no}:{each.how}",
            subject_kind="lead",
            subject_id=each.facts.lead_id,
        )
        for each in decisions
        if each.how in (How.DEAL, How.FALLBACK)
    ]


def _title(decision: Decision, table: Table) -> str:
    if decision.how == How.DEAL:
        return f"{decision.facts.name} joined your deal {decision.facts.deal_name}"
    return f"Nobody in {table.pools[decision.pool_id or 0]} could take {decision.facts.name}: it is yours"


def _body(decision: Decision) -> str:
    if decision.how == How.DEAL:
        return "They work for the same company and showed interest. No one else will call them."
    return "The pool's fallback is you. Answer it, or hand it to somebody who can."
