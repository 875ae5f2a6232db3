"""A form of a website on another origin, as it is copied from the set-up page: from the visitor to the rep's queue."""

import re

import pytest
from django.db.models import F
from playwright.sync_api import expect

from alignment.integrations.web_forms.models import Submission, WebForm
from alignment.integrations.web_forms.setup import Wording
from leads.models import Lead
from tests.browser import looks, stories
from tests.browser.websites import website
from tests.incoming import key_of, make_web_form

FETCH = """
    async ([url, data]) => {
        const answer = await fetch(url, {
            method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(data),
        });
        return [answer.status, await answer.json()];
    }
"""


@pytest.fixture
def company_site(company):
    with website() as site:
        site.pages["/thanks"] = "<h1>Thanks from the company</h1>"
        yield site


@pytest.fixture
def form(company, people, company_site) -> WebForm:
    return make_web_form(
        by=people["marketer"],
        is_hand_raise=True,
        thank_you_url=f"{company_site.url}/thanks",
        allowed_origins=[company_site.url],
        wordings=[Wording(1, "You may write to me about your products.", is_required=True)],
    )


def copied(visit, people, form, label="HTML") -> str:
    """What somebody has in the clipboard who presses the copy button of the set-up page."""
    window = visit(people["marketer"], permissions=["clipboard-read", "clipboard-write"])
    window.open(f"/setup/forms/{form.pk}/")
    if label != "HTML":
        window.page.get_by_text("Campaign tags, JSON and fetch").click()
    window.page.get_by_role("button", name=f"Copy the {label}").click()
    expect(window.page.get_by_role("button", name="Copied")).to_be_visible()
    return window.page.evaluate("navigator.clipboard.readText()")


def fill(page, number: int) -> str:
    name = f"Visitor {number}"
    page.get_by_label("Name (optional)").fill(name)
    page.get_by_label("E-mail").fill(f"visitor{number}@website.example")
    page.get_by_label("You may write to me").check()
    return name


def test_a_visitor_of_the_website_is_in_the_queue_at_once(visit, people, company_site, form, site):
    company_site.pages["/demo"] = (
        "<main>" + copied(visit, people, form) + "</main>" + copied(visit, people, form, "script")
    )
    rep = stories.rep()
    stories.given_to(rep)
    queue = visit(rep)
    queue.open("/queue/")
    visitor = visit()
    visitor.page.goto(f"{company_site.url}/demo?utm_campaign=spring&utm_source=news")
    assert looks.barriers(visitor.page) == []
    name = fill(visitor.page, 1)
    visitor.page.get_by_role("button", name="Send").click()

    # Without a reload; how long that takes is told by the machine, and measured in `benchmarks`.
    expect(queue.page.get_by_role("link", name=name, exact=True)).to_be_visible()
    expect(visitor.page.get_by_role("heading", name="Thanks from the company")).to_be_visible()
    lead = Lead.objects.select_related("source").get(name=name)
    row = Submission.objects.get(lead=lead)
    assert lead.source.name == "Website"
    assert row.campaign_tags == {"utm_campaign": "spring", "utm_source": "news"}
    assert row.page_url.startswith(f"{company_site.url}/demo?")
    assert visitor.page.context.cookies() == []


@pytest.mark.parametrize("style", ["", "<style>* { display: block; visibility: visible }</style>"])
def test_the_trap_for_robots_is_out_of_everybodys_way(visit, people, company_site, form, style):
    company_site.pages["/demo"] = style + copied(visit, people, form)
    visitor = visit(java_script_enabled=False)
    visitor.page.goto(f"{company_site.url}/demo")

    reached = []
    for _ in range(8):
        visitor.press("Tab")
        reached.append(
            visitor.page.locator(":focus").get_attribute("name") if visitor.page.locator(":focus").count() else None
        )

    assert {"name", "email", "company_name", "consent_1"} <= set(reached)
    assert "homepage_2" not in reached


def test_without_scripts_a_mistake_is_explained_and_nothing_is_lost(visit, people, company_site, form):
    company_site.pages["/demo"] = re.sub(" required", "", copied(visit, people, form))
    visitor = visit(java_script_enabled=False, expects=(422,))
    visitor.page.goto(f"{company_site.url}/demo")
    visitor.page.get_by_label("Name (optional)").fill("Visitor 2")
    visitor.page.get_by_label("E-mail").fill("visitor2@website.example")
    visitor.page.get_by_role("button", name="Send").click()

    expect(visitor.page.get_by_text("We need your agreement to this.")).to_be_visible()
    expect(visitor.page.get_by_label("E-mail")).to_have_value("visitor2@website.example")
    assert not Lead.objects.filter(name="Visitor 2").exists()
    visitor.page.get_by_label("You may write to me").check()
    visitor.page.get_by_role("button", name="Send").click()
    expect(visitor.page.get_by_role("heading", name="Thanks from the company")).to_be_visible()
    assert Lead.objects.filter(name="Visitor 2").exists()


def test_a_script_of_an_allowed_website_may_send_and_read(visit, people, company_site, form, site):
    company_site.pages["/demo"] = "<h1>Demo</h1>"
    address = f"{site}/forms/{key_of(form)}/"
    visitor = visit(expects=(422,))
    visitor.page.goto(f"{company_site.url}/demo")

    wrong = visitor.page.evaluate(FETCH, [address, {"email": "x"}])
    right = visitor.page.evaluate(FETCH, [address, {"email": "visitor3@website.example", "consent_1": True}])

    assert (wrong[0], sorted(wrong[1]["errors"])) == (422, ["consent_1", "email"])
    assert right == [201, {"status": "received", "thank_you_url": form.thank_you_url}]


def test_a_script_of_another_website_can_not(visit, company_site, form, site):
    company_site.pages["/demo"] = "<h1>Demo</h1>"
    WebForm.objects.filter(pk=form.pk).update(allowed_origins=["https://elsewhere.example"])
    before = Submission.objects.filter(form=F("form")).count()
    visitor = visit()
    visitor.page.goto(f"{company_site.url}/demo")

    failed = visitor.page.evaluate(
        "([url, data]) => fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' })"
        ".then(() => 'read', () => 'refused')",
        [f"{site}/forms/{key_of(form)}/", {}],
    )

    assert failed == "refused"
    assert Submission.objects.count() == before
    # The browser says so in its console, as it should.
    visitor.complaints.clear()


def test_a_marketer_makes_a_form_with_the_keyboard_and_tries_it(visit, people):
    window = visit(people["marketer"])
    window.open("/setup/forms/new/")
    window.page.get_by_label("Name", exact=True).first.fill("Contact us")
    window.find("#id_source").select_option(index=1)
    window.page.get_by_label("Who sends it asks to talk to sales").check()
    window.page.get_by_role("button", name="Make the form").press("Enter")
    window.page.wait_for_url(re.compile(r"/setup/forms/\d+/$"))
    before = Lead.objects.count()
    window.page.get_by_role("button", name="Try it").press("Enter")

    expect(window.page.get_by_role("heading", name="It works")).to_be_visible()
    assert Lead.objects.count() == before
