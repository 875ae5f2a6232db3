"""One deal as its page shows it: what it is worth, who is around it, who brought it, and everything that changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from django.db.models import Model
from django.db.models.functions import Coalesce
from django.utils.formats import date_format
from django.utils.timezone import localtime

from alignment.desk.templatetags.accord import day
from alignment.lib import keysets
from alignment.people.models import Company, User
from alignment.people.permissions import can
from leads.deals import sourcing
from leads.deals.buying_groups import FIELD as CONTACT
from leads.deals.carrying import FIELD as CARRIER
from leads.deals.likeness import Likeness, look
from leads.models import (
    Account,
    DealRules,
    Journey,
    Lead,
    Opportunity,
    OpportunityChange,
    OpportunityContact,
    Reason,
    Sourcing,
    Stage,
)
from leads.models.opportunity import DealKind, DealState
from leads.models.sourcing import SourcingRule
from leads.views.deals import Lose, Reopen, Win
from sla.models import Dispute

CHANGES = 50

FIELDS: Mapping[str, tuple[str, str]] = {
    "name": ("Name", "pencil"), "account_id": ("Account", "building-2"), "kind": ("Kind", "tag"),
    "currency": ("Currency", "coins"), "rate": ("Exchange rate", "coins"), "amount": ("Amount", "coins"),
    "expected_close_on": ("Expected close", "calendar"), "probability": ("Probability", "percent"),
    "stage_id": ("Stage", "arrow-right"), "owner_id": ("Owner", "user-round-check"), "product": ("Product", "tag"),
    "state": ("State", "flag"), "reason_id": ("Reason", "message-square"), "withdrawn": ("Taken back", "undo-2"),
    CONTACT: ("Buying group", "users"), CARRIER: ("Carried by", "user-round-check"),
}  # fmt: skip
"""Field of a change → how it is called, and its icon."""


@dataclass(frozen=True, slots=True)
class Line:
    """One change in words."""

    at: datetime
    heading: str
    icon: str
    label: str
    old: str
    new: str
    actor: str
    difference: Decimal | None


class DealPage:
    """What is known of one deal for one visitor. Each part is read when a template asks for it, and once."""

    def __init__(self, user: User, pk: int, *, at: datetime, before: str = "") -> None:
        self.user, self.pk, self.at = user, pk, at
        self.before = before

    @cached_property
    def deal(self) -> Opportunity:
        """Raises Opportunity.DoesNotExist, also for a deal that was taken back."""
        related = ("account", "owner__team", "stage", "reason")
        return Opportunity.objects.select_related(*related).get(pk=self.pk, withdrawn_at=None)

    @cached_property
    def company(self) -> Company:
        return Company.get()

    # What can be done

    @cached_property
    def whose(self) -> Lead | Opportunity:
        """Whom the policy table is asked about (`leads.hands.whose`, of what is read here anyway)."""
        carrying = next((each.lead for each in self.contacts if each.is_primary), None)
        return carrying or self.deal

    @cached_property
    def may_edit(self) -> bool:
        return can(self.user, "deal.edit", self.whose)

    @cached_property
    def closings(self) -> list[tuple[str, str]]:
        """The ways to close or reopen it that this visitor has: address name and label."""
        if not can(self.user, "deal.close", self.whose):
            return []
        ways = {"deal_win": Win, "deal_lose": Lose, "deal_reopen": Reopen}
        return [(route, view.label) for route, view in ways.items() if self.deal.state in view.fits]

    @cached_property
    def journeys(self) -> list[Journey]:
        """The journeys that carry the deal or joined it, the newest pass first."""
        journeys = Journey.objects.filter(opportunity=self.pk).select_related("lead")
        return list(journeys.order_by("-pass_no", "pk"))

    @property
    def carrier(self) -> Journey | None:
        """The journey that the deal follows."""
        return next((journey for journey in self.journeys if journey.is_primary), None)

    @property
    def may_withdraw(self) -> bool:
        return can(self.user, "deal.withdraw") and not self.journeys

    # Who is around it

    @cached_property
    def contacts(self) -> list[OpportunityContact]:
        """The buying group, who carries the deal first."""
        contacts = OpportunityContact.objects.filter(opportunity=self.pk)
        return list(contacts.select_related("lead__stage", "lead__owner").order_by("-is_primary", "pk"))

    @property
    def attached(self) -> set[int]:
        """The leads whose journeys joined the deal: they stay in its group."""
        return {journey.lead_id for journey in self.journeys}

    @cached_property
    def likely(self) -> list[Likeness]:
        """Other deals that may be the same one."""
        return look([self.pk]).get(self.pk, []) if self.deal.state == DealState.OPEN else []

    @property
    def is_late(self) -> bool:
        """Open, although it was expected to be closed by now."""
        deal = self.deal
        today = self.at.astimezone(ZoneInfo(self.company.time_zone)).date()
        return deal.state == DealState.OPEN and deal.expected_close_on is not None and deal.expected_close_on < today

    # Who brought it

    @cached_property
    def sourcings(self) -> list[Sourcing]:
        """What was said of who brought it, the newest first."""
        related = ("touch", "lead", "channel", "actor")
        return list(Sourcing.objects.filter(opportunity=self.pk).select_related(*related).order_by("-id"))

    @property
    def books_close_on(self) -> date | None:
        """The last day on which that can be corrected; None where it is not known when the deal began."""
        if not self.sourcings:
            return None
        closes_at = sourcing.books_close_at(
            self.sourcings[0].sqo_at, zone=ZoneInfo(self.company.time_zone), closing_day=self._rules.closing_day
        )
        return (closes_at - timedelta(days=1)).date()

    @cached_property
    def dispute(self) -> Dispute | None:
        """The newest dispute about who brought it."""
        rows = Dispute.objects.filter(sourcing__opportunity=self.pk).select_related("raised_by")
        return rows.order_by("-id").first()

    @property
    def may_source(self) -> bool:
        return self.are_books_open and can(self.user, "deal.source")

    @property
    def may_contest(self) -> bool:
        """Whether this visitor may say that somebody else brought it: once for each answer."""
        was_contested = self.dispute and self.dispute.sourcing_id == self.sourcings[0].pk
        return self.are_books_open and not was_contested and can(self.user, "dispute.raise")

    @property
    def are_books_open(self) -> bool:
        today = self.at.astimezone(ZoneInfo(self.company.time_zone)).date()
        return self.books_close_on is not None and today <= self.books_close_on

    @cached_property
    def _rules(self) -> DealRules:
        return DealRules.objects.get()

    # What changed

    @cached_property
    def _changes(self) -> keysets.Page[OpportunityChange]:
        changes = OpportunityChange.objects.filter(opportunity=self.pk).select_related("actor")
        changes = changes.annotate(told_at=Coalesce("at", "recorded_at"))
        return keysets.Page(changes, ("-told_at", "-id"), self.before, size=CHANGES)

    @property
    def next(self) -> str:
        """Where the next page of changes begins; blank on the last one."""
        return self._changes.next

    @cached_property
    def changes(self) -> list[Line]:
        """What changed, the newest first, each with its day as a heading where another day begins."""
        rows, shown, lines = self._changes.rows, "", []
        names = _Names(rows)
        for row in rows:
            at = row.at or row.recorded_at
            heading = day(at)
            label, icon = FIELDS.get(row.field, (row.field.replace("_", " ").capitalize(), "pencil"))
            lines.append(
                Line(
                    at, "" if heading == shown else heading, icon, label, names.said(row.field, row.old, row),
                    names.said(row.field, row.new, row), row.actor.name if row.actor else "", _difference(row),
                )
            )  # fmt: skip
            shown = heading
        return lines

    @property
    def why(self) -> str:
        """What the newest sourcing rests on, as a sentence."""
        return evidence(self.sourcings[0]) if self.sourcings else ""


def evidence(said: Sourcing) -> str:
    """What a sourcing rests on, as a sentence."""
    within = f"within {said.days} days before {_on(said.sqo_at)}"
    through = f", through {said.channel}" if said.channel else ""
    match SourcingRule(said.rule):
        case SourcingRule.TOUCH:
            title = said.touch.title if said.touch else ""
            when = f"on {_on(said.touched_at)}{through}"
            return f"The first engaged touch of the buying group {within}: “{title}” by {said.lead}, {when}."
        case SourcingRule.ENTRY:
            return f"No engaged touch is known; {said.lead} came in {within}{through}."
        case SourcingRule.NOTHING:
            return f"No engaged touch of the buying group is known {within}: sales found it."
        case SourcingRule.CORRECTION:
            return f"Corrected by {said.actor or 'the system'}: {said.why}"
    return f"{said.get_rule_display()}."


def _on(moment: datetime | None) -> str:
    """A day inside a sentence, in the viewer's zone."""
    return date_format(localtime(moment), "j F Y") if moment else "a day that is not known"


def _difference(row: OpportunityChange) -> Decimal | None:
    """By how much the row moves the amount in the company's currency; None where it does not."""
    if row.base_before == row.base_after or row.field in ("state", "stage_id", "withdrawn"):
        return None
    return (row.base_after or Decimal(0)) - (row.base_before or Decimal(0))


class _Names:
    """What the keys in changes are called; a query for each kind of row that they name."""

    def __init__(self, rows: Sequence[OpportunityChange]) -> None:
        self.rows = rows

    def said(self, field: str, text: str, row: OpportunityChange) -> str:
        """The value `text` of `field` in words; blank for none."""
        if not text or field == "withdrawn":
            return ""
        if field in POINTS:
            pk, _, role = text.partition(" ")
            return ", ".join(filter(None, [self._by_field[field].get(int(pk), pk), role]))
        return SAID[field](text, row.currency) if field in SAID else text

    @cached_property
    def _by_field(self) -> dict[str, dict[int, str]]:
        found: dict[str, dict[int, str]] = {}
        for field, model in POINTS.items():
            said = [text for row in self.rows if row.field == field for text in (row.old, row.new) if text]
            keys = {int(text.partition(" ")[0]) for text in said}
            found[field] = {each.pk: str(each) for each in model._default_manager.filter(pk__in=keys)} if keys else {}
        return found


POINTS: Mapping[str, type[Model]] = {
    "owner_id": User, "stage_id": Stage, "reason_id": Reason, "account_id": Account, CONTACT: Lead, CARRIER: Lead,
}  # fmt: skip
"""Fields whose values are keys (of the buying group: a key and a role) → of which table."""

SAID: Mapping[str, Callable[[str, str], str]] = {
    "amount": lambda text, currency: f"{Decimal(text):,.2f} {currency}",
    "probability": lambda text, _: f"{text}%",
    "rate": lambda text, _: f"{Decimal(text).normalize():f}",
    "expected_close_on": lambda text, _: f"{date.fromisoformat(text):%-d %B %Y}",
    "state": lambda text, _: str(DealState(text).label),
    "kind": lambda text, _: str(DealKind(text).label),
}
"""Fields whose stored text is not what people read → what is (of text and currency)."""
