"""Every page: accessible in both themes, readable, no wider than its window, with nothing inline."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from alignment.integrations.web_forms.models import WebForm
from alignment.ops import versions
from alignment.people.models import User
from leads.causes import Cause
from leads.drafts import Draft, TouchDraft
from leads.intake import receive
from leads.milestones import CauseSource
from leads.models import Opportunity, RoutingVersion
from tests.browser import looks
from tests.factories import make_lead, make_pair, make_pool, make_routing, make_view, routing_rule
from tests.incoming import make_web_form
from tests.integrations.posts import ANA, address, send
from tests.people.test_policy_walk import PATTERNS, address_of

WIDTHS = (1920, 1440, 820, 390, 320)
MOUSE, FINGER = 24, 44


def _sent_form() -> WebForm:
    """A form with a submission of each kind that its page lists."""
    form = make_web_form(thank_you_url="https://www.company.com/thanks")
    send(Client(), form, ANA | {"consent_1": "1", "utm_campaign": "spring", "page_url": "https://www.company.com/a"})
    send(Client(), form, {"email": "ana@"})
    return form


def _told_deal() -> Opportunity:
    """A deal of the demo with a history and a buying group."""
    return Opportunity.objects.filter(state="open", contacts__is_primary=True, changes__field="probability")[0]


def _known_twice() -> str:
    """The leads of a pair, as the merge page is asked for them."""
    pair = make_pair()
    return f"{reverse('lead_merge')}?lead={pair.first_id}&lead={pair.second_id}"


def _chosen(do: str) -> str:
    """The address at which something is done with two leads, one of which refuses it."""
    return f"{reverse('bulk')}?do={do}&id={make_lead().pk}&id={make_lead('won').pk}"


def _routed_lead() -> int:
    """A lead that rules gave to one of two."""
    pool = make_pool()
    make_routing(pool, routing_rule("Chiefs", "title", "chief", operator="contains", pool=pool))
    asked = TouchDraft("Asked for a demo", is_hand_raise=True)
    draft = Draft(name="Ada Okafor", title="Chief of staff", touches=(asked,))
    return receive(drafts=[draft], cause=Cause(CauseSource.API)).lead_ids[0]


def _routing_draft(page: str) -> str:
    """A page of a draft that was begun from published rules."""
    _routed_lead()
    versions.begin(RoutingVersion, by=None)
    return reverse(page)


# Pages that show more to somebody else than RevOps, or of a lead that has a history.
TOLD: dict[str, tuple[str, Callable[[], str]]] = {
    "bulk_reject": ("revops", lambda: _chosen("reject")),
    "bulk_facts": ("revops", lambda: _chosen("facts")),
    "leads_of_view": ("revops", lambda: make_view().get_absolute_url()),
    "leads_alike": ("rep", lambda: f"{reverse('leads')}?q=brihgtwater"),
    "routing_of_lead": ("manager", lambda: reverse("lead_routing", args=[_routed_lead()])),
    "lead_routed": ("manager", lambda: reverse("lead", args=[_routed_lead()])),
    "routing_draft": ("revops", lambda: _routing_draft("setup_routing_draft")),
    "routing_dry_run": ("revops", lambda: _routing_draft("setup_routing_dry_run")),
    "routing_rule": ("revops", lambda: _routing_draft("setup_routing_rule_new")),
    "routing_ledger_told": ("manager", lambda: f"{reverse('routing_ledger')}?days={_routed_lead() and 7}"),
    "search_found": ("rep", lambda: f"{reverse('search')}?q=logistics"),
    "search_alike": ("rep", lambda: f"{reverse('search')}?q=brihgtwater"),
    "setup_form_sent": ("marketer", lambda: reverse("setup_form", args=[_sent_form().pk])),
    "lead_of_form": (
        "marketer",
        lambda: reverse("lead", args=[_sent_form().submissions.get(outcome="received").lead_id]),
    ),
    "deal_told": ("manager", lambda: reverse("deal", args=[_told_deal().pk])),
    "account_told": ("rep", lambda: reverse("account", args=[_told_deal().account_id])),
    "lead_merge_two": ("revops", _known_twice),
    "lead_known_twice": ("revops", lambda: reverse("lead", args=[make_pair().first_id])),
    "data_pairs_found": ("revops", lambda: make_pair() and reverse("data_pairs", args=["exact"])),
    "web_form_thanks": ("marketer", lambda: f"{address(make_web_form())}?thanks"),
}


# What the API answers is no page, but for that of its documentation.
PAGES = [pattern for pattern in PATTERNS if not pattern.name.startswith("api_") or pattern.name == "api_docs"]

# Addresses that the first test found to show no page; the others need not ask again.
PAGELESS: set[URLPattern] = set()


@pytest.fixture(params=[*PAGES, *TOLD], ids=lambda param: getattr(param, "name", param))
def path_and_visitor(request, people) -> tuple[str, User | None]:
    """An address that shows a page, and somebody to whom it does."""
    if isinstance(request.param, str):
        role, path = TOLD[request.param]
        return path(), people[role]
    return _page_of(request.param, people)


def _page_of(pattern: URLPattern, people: dict[str, User]) -> tuple[str, User | None]:
    if pattern in PAGELESS:
        pytest.skip("shows no page")
    path = reverse(pattern.name, kwargs=address_of(pattern).kwargs)
    for visitor in (people["revops"], None):
        client = Client()
        if visitor:
            client.force_login(visitor)
        response = client.get(path)
        if response.status_code == 200 and b"<!doctype html" in response.getvalue():
            return path, visitor
    PAGELESS.add(pattern)
    pytest.skip("shows no page")


def test_page(path_and_visitor, visit):
    path, visitor = path_and_visitor
    window = visit(visitor)
    html = window.open(path).text()
    faults = looks.inline_code(html) + looks.barriers(window.page)
    faults += looks.small_texts(window.page) + looks.small_targets(window.page, MOUSE)
    window.page.emulate_media(color_scheme="dark")
    # The new colours are there with the next frame.
    window.page.wait_for_function("matchMedia('(prefers-color-scheme: dark)').matches")
    window.page.evaluate(looks.NEXT_FRAME)
    faults += looks.contrasts(window.page)
    faults += looks.keyboard_traps(window.page)
    faults += looks.overflows(window.page, WIDTHS)
    assert not faults, "\n".join([path, *faults])


def test_page_on_a_phone(path_and_visitor, visit):
    path, visitor = path_and_visitor
    window = visit(visitor, width=390, has_touch=True, is_mobile=True)
    window.open(path)
    faults = looks.barriers(window.page) + looks.small_texts(window.page) + looks.small_targets(window.page, FINGER)
    assert not faults, "\n".join([path, *faults])


def test_page_without_scripts(path_and_visitor, visit):
    """All of it is there, and nothing is that only a script could serve."""
    path, visitor = path_and_visitor
    window = visit(visitor, java_script_enabled=False)
    window.page.goto(path)
    assert window.find("h1").first.is_visible()
    assert window.find(".if-script:visible").count() == 0
    scripted = window.find(":is(button[type=button]:not([popovertarget]), [data-open-dialog]):visible")
    assert scripted.evaluate_all("(all) => all.map((each) => each.outerHTML)") == [], path
    assert window.find("main :is(form, a[href], table, p)").count() > 0
