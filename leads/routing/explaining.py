"""Why a lead went to whom, in words: for the rep who got it, and for those who did not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, Func, OuterRef, TextField, Value
from django.db.models.functions import Cast, JSONObject

from alignment.lib.languages import language_list
from alignment.people.models import User
from leads.conditions import Names, parse, sentence
from leads.models.route import How, RoutingDecision
from leads.routing.choosing import Verdict
from leads.routing.rules import ABOUT, rule_of


@dataclass(frozen=True, slots=True)
class Line:
    """A candidate and what became of them. `name` is a person's."""

    user_id: int
    name: str
    verdict: Verdict
    text: str
    is_chosen: bool


def headline(decision: RoutingDecision) -> str:
    """Why this person, in one sentence. Reads the decision's user, pool and opportunity."""
    return said(decision.how, str(decision.user), str(decision.pool), str(decision.opportunity))


def said(how: str, who: str, pool: str | None, deal: str | None, rule: str | None = None) -> str:
    """The sentence of `headline`, from names."""
    return {
        How.DEAL: f"{who} works the open deal {deal} of this company, and the lead joined it.",
        How.ACCOUNT: f"{who} owns the account.",
        How.POOL: f"{who} was next in the pool {pool}.",
        How.PERSON: f"The rule names {who}.",
        How.FALLBACK: f"Nobody in the pool {pool} could take it, and {who} is its fallback.",
    }[How(how)]


def in_short(how: str, who: str, pool: str | None, deal: str | None, rule: str | None = None) -> str:
    """The same for a cell of a list: by which rule, and to which pool, person, account or deal."""
    to = {
        How.DEAL: f"Open deal {deal}",
        How.ACCOUNT: "Owner of the account",
        How.POOL: f"Pool {pool}",
        How.PERSON: who,
        How.FALLBACK: f"Fallback of {pool}",
    }[How(how)]
    return f"{rule}: {to[0].lower() + to[1:] if how != How.PERSON else to}" if rule else to


RULE = Func(
    F("version__body"), Value("rules"), Cast("rule", TextField()), Value("name"),
    function="jsonb_extract_path_text", output_field=TextField(),
)  # fmt: skip
"""Of a decision's row: what the rule that matched is called; null where none did."""


def newest() -> ArraySubquery:
    """Of a lead's row: the names that `said` takes, of its newest decision; an empty array where it was not routed."""
    decisions = RoutingDecision.objects.filter(lead=OuterRef("pk")).order_by("-id")
    names = JSONObject(how="how", who="user__name", pool="pool__name", deal="opportunity__name", rule=RULE)
    return ArraySubquery(decisions.values(names=names)[:1])


def rule_name(decision: RoutingDecision) -> str:
    """What the rule that matched is called: “Rule 2, DACH”; blank where no rule was asked."""
    rule = rule_of(decision.version.body, decision.rule)
    if rule is not None:
        return f"Rule {(decision.rule or 0) + 1}, {rule['name']}"
    return "No rule is about it" if decision.how in (How.POOL, How.FALLBACK) else ""


def condition(decision: RoutingDecision, names: Names) -> str:
    """What the rule that matched asks, as a clause after “if”; blank without one."""
    rule = rule_of(decision.version.body, decision.rule)
    return sentence(parse(rule["when"], ABOUT, may_be_empty=True), names) if rule else ""


def with_lines(decisions: Iterable[RoutingDecision]) -> list[tuple[RoutingDecision, list[Line]]]:
    """Each decision with its candidates and why they got the lead or not; one query where there are any."""
    found = list(decisions)
    asked = {user_id for each in found for user_id, *_ in each.seen}
    people = User.objects.in_bulk(asked) if asked else {}
    return [
        (
            each,
            [
                Line(
                    user_id,
                    people[user_id].name,
                    Verdict(verdict),
                    _said(Verdict(verdict), detail),
                    verdict == Verdict.CHOSEN,
                )
                for user_id, verdict, detail in each.seen
            ],
        )
        for each in found
    ]


def _said(verdict: Verdict, detail: Any) -> str:
    words: Mapping[Verdict, str] = {
        Verdict.CHOSEN: "was next",
        Verdict.LATER: "is later in turn",
        Verdict.INACTIVE: "does not work here any more",
        Verdict.PAUSED: "takes no routed leads",
        Verdict.OFF: "was outside working hours",
    }
    if verdict == Verdict.AWAY:
        return f"was away until {date.fromisoformat(detail):%-d %b}"
    if verdict == Verdict.DAILY_CAP:
        return f"had the {detail} leads of a day"
    if verdict == Verdict.OPEN_CAP:
        return f"held {detail} open leads, the most they may"
    if verdict == Verdict.LANGUAGE:
        return f"does not speak {language_list([detail])}"
    return words[verdict]
