"""What every page shows around its content: navigation, counts, theme, the server's clock, warnings."""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import groupby
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Exists, Subquery
from django.db.models.functions import Coalesce, Now
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from alignment.integrations import urls as import_urls
from alignment.ops import heartbeats, notifications
from alignment.people.models import Theme, User
from alignment.people.permissions import can
from leads import setup_urls
from leads import urls as leads_urls
from leads.models import Lead
from leads.routing import urls as routing_urls
from leads.scoring import urls as scoring_urls
from sla import urls as sla_urls
from sla.querysets import due_of_pass

# The processes that give signs of life, as the warning names them, and how long they may be silent.
PROCESSES = {
    "sweep": "the watch over promises",
    "sender": "the sending of mail",
    "worker": "the work in the background",
}
SILENCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Entry:
    """One place of the navigation. `covers` are the URL names that it stays marked for; `key` follows G."""

    route: str
    label: str
    icon: str
    action: str
    section: str = ""
    tab: str = ""
    key: str = ""
    covers: Set[str] = frozenset()


# Pages about one lead, whichever app they belong to.
_WRITES = frozenset(pattern.name or "" for pattern in leads_urls.urlpatterns)
LEAD_PAGES = {"lead"} | {name for name in _WRITES if name.startswith("lead_")}
DEAL_PAGES = {"deal", "account"} | {name for name in _WRITES if name.startswith(("deal_", "account_"))}
STAGE_PAGES = {name for each in setup_urls.urlpatterns if (name := each.name or "").startswith("setup_stage")}
IMPORT_PAGES = frozenset(pattern.name or "" for pattern in import_urls.urlpatterns)
AGREEMENT_PAGES = frozenset(name for each in sla_urls.urlpatterns if (name := each.name or "").startswith("agreement"))
SET_UP_PAGES = [pattern.name or "" for pattern in scoring_urls.urlpatterns]
SCORING_PAGES = frozenset(name for name in SET_UP_PAGES if name.startswith("setup_scoring"))
PROFILE_PAGES = frozenset(name for name in SET_UP_PAGES if name.startswith("setup_profiles"))

ENTRIES = (
    Entry("queue", "My queue", "inbox", "queue.view", tab="Queue", key="q"),
    Entry("leads", "Leads", "users", "lead.view", tab="Leads", key="l", covers=LEAD_PAGES),
    Entry("target_accounts", "Target accounts", "target", "targets.view"),
    Entry("deals", "Deals", "briefcase-business", "lead.view", key="d", covers=DEAL_PAGES),
    Entry("campaigns", "My campaigns", "megaphone", "campaigns.view", covers=frozenset({"campaign_leads"})),
    Entry(
        "disputes",
        "Disputes",
        "scale",
        "dispute.view",
        covers=frozenset({"dispute", "dispute_answer", "dispute_decide", "lead_dispute", "deal_dispute"}),
    ),
    Entry(
        "nurture",
        "Nurture",
        "sprout",
        "nurture.view",
        covers=frozenset({"nurture_track", "nurture_track_new", "nurture_track_edit", "nurture_track_retire"}),
    ),
    Entry(
        "funnel",
        "Funnel",
        "list-filter",
        "funnel.view",
        "Dashboards",
        tab="Funnel",
        key="f",
        covers=frozenset({"funnel_leads"}),
    ),
    Entry(
        "promises",
        "Promises",
        "handshake",
        "promises.view",
        "Dashboards",
        key="p",
        covers=frozenset({"promise_clocks"}),
    ),
    Entry(
        "data",
        "Clean data",
        "sparkles",
        "data.view",
        "Dashboards",
        key="d",
        covers=frozenset({"data_leads", "data_pairs", "data_merges"}),
    ),
    Entry("agreement", "Agreement", "signature", "agreement.view", "Dashboards", covers=AGREEMENT_PAGES),
    Entry("imports", "Import", "upload", "import.run", "Set up", covers=IMPORT_PAGES),
    Entry(
        "setup_forms",
        "Web forms",
        "clipboard-list",
        "forms.manage",
        "Set up",
        covers=frozenset({"setup_form", "setup_form_new", "setup_form_edit", "setup_form_test"}),
    ),
    Entry("setup_stages", "Stages", "milestone", "stages.view", "Set up", covers=STAGE_PAGES),
    Entry("setup_deals", "Rules for deals", "handshake", "deal.rules", "Set up"),
    Entry(
        "setup_routing",
        "Routing",
        "route",
        "routing.view",
        "Set up",
        covers=frozenset(pattern.name or "" for pattern in routing_urls.urlpatterns) - {"setup_person_leave"},
    ),
    Entry(
        "setup_reasons",
        "Reasons",
        "list-x",
        "reasons.view",
        "Set up",
        covers=frozenset({"setup_reason", "setup_reason_new", "setup_reason_retire"}),
    ),
    Entry("setup_scoring", "Scoring", "gauge", "scoring.view", "Set up", covers=SCORING_PAGES),
    Entry("setup_profiles", "Profiles", "building-2", "profiles.view", "Set up", covers=PROFILE_PAGES),
    Entry(
        "setup_slas",
        "Rules for promises",
        "timer",
        "promise.view",
        "Set up",
        covers=frozenset(
            {
                "setup_sla_draft",
                "setup_sla_rule_new",
                "setup_sla_rule",
                "setup_sla_preview",
                "setup_sla_held",
                "setup_territories",
                "setup_pause",
                "setup_pause_new",
            }
        ),
    ),
    Entry(
        "setup_people",
        "People and teams",
        "user-cog",
        "people.manage",
        "Set up",
        covers=frozenset(
            {
                "setup_person",
                "setup_person_new",
                "setup_teams",
                "setup_team",
                "setup_team_new",
                "setup_company",
                "setup_tokens",
                "setup_calendars",
                "setup_calendar",
                "setup_calendar_new",
                "absences",
                "setup_person_leave",
            }
        ),
    ),
    Entry(
        "setup_channels",
        "Channels",
        "megaphone",
        "channels.manage",
        "Set up",
        covers=frozenset({"setup_channel", "setup_channel_new", "setup_outgoing"}),
    ),
    Entry("setup_health", "Health", "heart-pulse", "health.view", "Set up"),
    Entry("walls", "Wall", "projector", "wall.manage", "Set up"),
)


@dataclass(frozen=True, slots=True)
class Link:
    entry: Entry
    url: str
    is_current: bool


class Shell:
    """Read by the base template; each property costs its query only on a page that shows it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        # An error page can come before the session is known.
        self.user: User | AnonymousUser = getattr(request, "user", AnonymousUser())
        self.demo = settings.DEMO

    @cached_property
    def links(self) -> list[Link]:
        """The places that the user may open; empty for visitors, who see a page without navigation."""
        return list(self._links()) if self.user.is_authenticated else []

    @property
    def sections(self) -> list[tuple[str, list[Link], bool]]:
        """Name, links, and whether the page is one of them."""
        grouped = [(name, list(links)) for name, links in groupby(self.links, key=lambda link: link.entry.section)]
        return [(name, links, any(link.is_current for link in links)) for name, links in grouped]

    @property
    def tabs(self) -> list[Link]:
        return [link for link in self.links if link.entry.tab]

    @property
    def theme(self) -> str:
        """`light`, `dark`, or blank to follow the device."""
        chosen = getattr(self.user, "theme", "")
        return chosen if chosen in {Theme.LIGHT, Theme.DARK} else ""

    @property
    def queue_count(self) -> int:
        """How many leads wait for the user's answer."""
        return int(self._queue["waiting"])

    @property
    def queue_is_late(self) -> bool:
        """Whether one of them is overdue."""
        return bool(self._queue["late"])

    @cached_property
    def unread_count(self) -> int:
        """How many notifications the user has not read."""
        return notifications.unread_count(cast(User, self.user))

    @cached_property
    def silent_processes(self) -> list[str]:
        """What has not been heard of for too long. The first minutes of an install, and of its users, are a start."""
        if timezone.now() - cast(User, self.user).joined_at < SILENCE:
            return []
        return [PROCESSES[name] for name in heartbeats.stale(PROCESSES, older_than=SILENCE)]

    @property
    def now_ms(self) -> str:
        """The server's clock in milliseconds since 1970, as text: countdowns must not trust the client's."""
        return str(int(timezone.now().timestamp() * 1000))

    @cached_property
    def _queue(self) -> dict[str, Any]:
        mine = Lead.objects.awaiting_answer().filter(owner=cast(User, self.user))
        number = mine.order_by().values("owner").values(n=Count("pk"))
        overdue = mine.alias(due_at=due_of_pass(running=True)).filter(due_at__lt=Now())
        counts = {"waiting": Coalesce(Subquery(number), 0), "late": Exists(overdue)}
        return User.objects.filter(pk=self.user.pk).values(**counts).get()

    def _links(self) -> Iterator[Link]:
        match = self.request.resolver_match
        here = match.url_name if match else None
        for entry in ENTRIES:
            if not can(self.user, entry.action):
                continue
            try:
                url = reverse(entry.route)
            except NoReverseMatch:
                continue
            yield Link(entry, url, here == entry.route or here in entry.covers)


def shell(request: HttpRequest) -> dict[str, Shell]:
    """The context processor: `shell` in every template that is rendered for a request."""
    return {"shell": Shell(request)}
