"""Search everywhere: leads, accounts, deals, campaigns, pages and actions, for one visitor; if blank what came last."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from urllib.parse import urlencode

from django.urls import reverse

from alignment.desk.context import ENTRIES
from alignment.people.models import User
from alignment.people.permissions import can
from leads.finding import FoundDeal, Named, find_deals, find_leads, find_named, is_enough
from leads.models import Lead
from leads.models.opportunity import DealState

MOST_LEADS = 7
MOST_NAMED = 4
MOST_PLACES = 6
MOST_RECENT = 6
LARGEST_ID = 2**63 - 1
# From so many letters on a word may have a typo; so alike (0 to 1) is the same word.
TYPO_FROM = 5
ALIKE = 0.78


@dataclass(frozen=True, slots=True)
class Place:
    """A page or something to do, as the palette offers it. `also` are other words that mean it."""

    label: str
    route: str
    action: str
    icon: str
    query: str = ""
    also: str = ""
    is_action: bool = False
    # The id of a form that the shell has: chosen in the palette it is submitted.
    submits: str = ""

    @property
    def url(self) -> str:
        return reverse(self.route) + (f"?{self.query}" if self.query else "")


@dataclass(frozen=True, slots=True)
class Hit:
    """One line of the results. `side` colours it; `submits` names a form to submit instead of going to `url`.

    `pk` is that of a lead, 0 for everything else.
    """

    id: str
    label: str
    url: str
    icon: str
    small: str = ""
    side: str = ""
    tag: str = ""
    tag_side: str = ""
    submits: str = ""
    pk: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Results of one kind under their heading."""

    id: str
    name: str
    hits: Sequence[Hit]


ACTIONS = (
    Place("Add a lead", "lead_new", "lead.create", "plus", also="new create person contact", is_action=True),
    Place("Overdue leads", "leads", "lead.view", "circle-alert", "state=overdue", "late breach promise", True),
    Place("Leads that wait for sales", "leads", "lead.view", "timer", "state=waiting", "mql answer open", True),
    Place("New deal", "deal_new", "deal.open", "plus", also="add create opportunity renewal expansion", is_action=True),
    Place("My open deals", "deals", "lead.view", "briefcase-business", "state=open&owner=me", "pipeline", True),
    Place("Deals past their close date", "deals", "lead.view", "circle-alert", "close=overdue", "slipped late", True),
    Place("Leads in nurture", "leads", "lead.view", "rotate-ccw", "state=recycled", "recycled", True),
    Place("Broken promises", "promise_clocks", "promises.view", "handshake", "", "sla breach receipt late", True),
    Place("Overdue now", "promise_clocks", "promises.view", "handshake", "figure=overdue", "sla late breach", True),
    Place("Funnel of the last 90 days", "funnel", "funnel.view", "list-filter", "period=90d", "dashboard", True),
    Place("Funnel of this quarter", "funnel", "funnel.view", "list-filter", "period=quarter", "dashboard", True),
    Place("Funnel of the last quarter", "funnel", "funnel.view", "list-filter", "period=last_quarter", "past", True),
    Place("New web form", "setup_form_new", "forms.manage", "plus", also="add create website", is_action=True),
    Place("Add a person", "setup_person_new", "people.manage", "plus", also="new user invite", is_action=True),
    Place("Add a team", "setup_team_new", "people.manage", "plus", also="new", is_action=True),
    Place("Sign out", "account_logout", "account.self", "log-out", "", "log logout leave", True, "sign-out"),
)

PAGES = (
    *(Place(entry.label, entry.route, entry.action, entry.icon, also=entry.section) for entry in ENTRIES),
    Place("Teams", "setup_teams", "people.manage", "users", also="set up"),
    Place("Company", "setup_company", "company.manage", "building-2", also="set up settings currency time zone heads"),
    Place("Notifications", "notifications", "notification.view", "bell", also="news messages"),
    Place("Background work", "jobs", "job.view", "hourglass", also="jobs progress import running"),
    Place("Your account", "account_me", "account.self", "user-round", also="settings profile shortcuts time zone"),
    Place("Change password", "account_change_password", "account.self", "lock-keyhole", also="security"),
)


class Search:
    """What `words` find for `user`; without words what they opened last (`recent`, keys of leads) and where to go."""

    def __init__(self, user: User, words: str, recent: Sequence[int] = ()) -> None:
        self.user, self.recent = user, recent[:MOST_RECENT]
        self.words = " ".join(words.replace("\0", " ").split())[:200]

    @cached_property
    def groups(self) -> list[Group]:
        """Groups that have something, in their order; at most four queries."""
        return [group for group in (self._found() if self.words else self._blank()) if group.hits]

    @property
    def count(self) -> int:
        """How many lines there are."""
        return sum(len(group.hits) for group in self.groups)

    @property
    def said(self) -> str:
        """What a screen reader hears."""
        if not self.words:
            return ""
        return f"{self.count} result{'' if self.count == 1 else 's'}" if self.count else f"Nothing fits {self.words}"

    @property
    def is_short(self) -> bool:
        """Whether there is too little to look for leads by."""
        return bool(self.words) and not is_enough(self.words) and not self.words.lstrip("#").isdecimal()

    @property
    def all_leads_url(self) -> str:
        return f"{reverse('leads')}?{urlencode({'q': self.words})}"

    def _blank(self) -> Iterator[Group]:
        yield Group("recent", "Opened last", self._leads(self.recent, MOST_RECENT))
        yield Group("pages", "Pages", self._places(PAGES))
        yield Group("actions", "Actions", self._places(ACTIONS))

    def _found(self) -> Iterator[Group]:
        """What contains the words comes before what is only spelled like them."""
        found = find_leads(self.words, limit=MOST_LEADS * 3)
        named = find_named(self.words, limit=MOST_NAMED)
        near = {one.pk for one in found if one.is_near}
        leads = self._leads([one.pk for one in found], MOST_LEADS)
        kinds = [
            Group("leads", "Leads", self._with_rest([hit for hit in leads if hit.pk not in near])),
            Group("accounts", "Accounts", [_account(one) for one in named if _is(one, "account", near=False)]),
            Group("deals", "Deals", [_deal(one) for one in find_deals(self.words, limit=MOST_NAMED)]),
            Group("campaigns", "Campaigns", [_campaign(one) for one in named if _is(one, "campaign", near=False)]),
            Group("pages", "Pages", self._places(PAGES)[:MOST_PLACES]),
            Group("actions", "Actions", self._places(ACTIONS)[:MOST_PLACES]),
        ]
        alike = [
            Group("leads-alike", "Leads spelled alike", [hit for hit in leads if hit.pk in near]),
            Group("accounts-alike", "Accounts spelled alike", [_account(one) for one in named if _is(one, "account")]),
            Group(
                "campaigns-alike", "Campaigns spelled alike", [_campaign(one) for one in named if _is(one, "campaign")]
            ),
        ]
        yield from kinds
        yield from alike

    def _with_rest(self, leads: list[Hit]) -> list[Hit]:
        """With a way to all of them, where there may be more than are shown."""
        if len(leads) < MOST_LEADS:
            return leads
        return [*leads, Hit("all-leads", f"All leads with “{self.words}”", self.all_leads_url, "users")]

    def _leads(self, keys: Sequence[int], most: int) -> list[Hit]:
        """These leads in this order, without merged ones."""
        if not keys:
            return []
        leads = Lead.objects.standing().select_related("stage", "owner").in_bulk(list(keys))
        return [_lead(leads[pk], self.words) for pk in keys if pk in leads][:most]

    def _places(self, places: Sequence[Place]) -> list[Hit]:
        """Those that the visitor may open and that the words mean, the best first."""
        asked = self.words.casefold().split()
        ranked = [(_fit(asked, place), -n, place) for n, place in enumerate(places) if can(self.user, place.action)]
        return [_place(place) for fit, _, place in sorted(ranked, key=lambda one: one[:2], reverse=True) if fit]


def parse_recent(text: str) -> list[int]:
    """`12,7` → keys, each once, in their order; what is no key is left out."""
    parts = [part for part in text.split(",")[: MOST_RECENT * 2] if part.isascii() and part.isdecimal()]
    return [pk for pk in dict.fromkeys(int(part[:20]) for part in parts) if pk <= LARGEST_ID][:MOST_RECENT]


# Lines ----------------------------------------------------------------------------------------------------------


def _lead(lead: Lead, words: str) -> Hit:
    told = ", ".join(filter(None, [lead.title, lead.company_name]))
    seen = f"{lead.display_name} {told}".casefold()
    # Where the words are not to be seen otherwise, the address may be what they fit.
    is_by_address = not all(word in seen for word in words.casefold().split())
    return Hit(
        id=f"lead-{lead.pk}",
        label=lead.display_name,
        url=reverse("lead", args=[lead.pk]),
        icon="user-round",
        small=", ".join(
            filter(None, [told, lead.email if is_by_address else "", f"held by {lead.owner}" if lead.owner else ""])
        ),
        side=lead.stage.owning_side,
        tag=lead.get_outcome_display() if lead.outcome else lead.stage.name,
        tag_side="" if lead.outcome else lead.stage.owning_side,
        pk=lead.pk,
    )


def _is(one: Named, kind: str, *, near: bool = True) -> bool:
    return one.kind == kind and one.is_near == near


def _account(one: Named) -> Hit:
    return Hit(f"account-{one.key}", one.name, reverse("account", args=[one.key]), "building-2", one.domain)


def _deal(deal: FoundDeal) -> Hit:
    tag = "" if deal.state == DealState.OPEN else DealState(deal.state).label
    url = reverse("deal", args=[deal.pk])
    return Hit(f"deal-{deal.pk}", deal.name, url, "briefcase-business", deal.account, tag=tag)


def _campaign(one: Named) -> Hit:
    url = f"{reverse('leads')}?{urlencode({'campaign': one.key})}"
    return Hit(f"campaign-{one.key}", one.name, url, "megaphone", "Its leads")


def _place(place: Place) -> Hit:
    return Hit(f"go-{place.route}-{place.query}".strip("-"), place.label, place.url, place.icon, submits=place.submits)


def _fit(asked: Sequence[str], place: Place) -> float:
    """How well the words name the place: 0 not at all, 1 all of them begin words of its label."""
    label = place.label.casefold().split()
    others = place.also.casefold().split()
    fits = [max(_alike(word, label), 0.6 * _alike(word, others)) for word in asked]
    return min(fits, default=1.0)


def _alike(word: str, words: Sequence[str]) -> float:
    if any(each.startswith(word) for each in words):
        return 1.0
    if len(word) < TYPO_FROM:
        return 0.0
    best = max((SequenceMatcher(None, word, each).ratio() for each in words), default=0.0)
    return 0.8 * best if best >= ALIKE else 0.0
