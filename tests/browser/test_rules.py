"""Scoring and routing in the browser, by keyboard: from a draft over what it would have done to what counts."""

import pytest
from playwright.sync_api import expect

from alignment.ops import jobs
from alignment.ops.models import Job
from leads.models import RoutingVersion, ScoringVersion
from leads.scoring import previewing
from tests.factories import make_pool, make_routing


def test_scoring_from_a_draft_over_its_preview_to_what_counts(visit, people):
    window = visit(people["revops"])
    page = window.page
    window.open("/setup/scoring/")
    go_on = page.get_by_role("link", name="Go on with the draft")
    go_on.or_(page.get_by_role("button", name="Begin a draft")).press("Enter")
    page.wait_for_url("**/scoring/draft/")
    window.until_ready()
    with window.without_reload():
        page.locator("#rules-fit").get_by_role("button", name="Add a rule").press("Enter")
        expect(page.locator("#rules-fit .errors")).to_have_count(0)
        expect(page.locator("#rules-fit details[open]")).to_have_count(1)
        page.locator("#rules-fit details[open]").get_by_role("button", name="Remove").last.press("Enter")
        expect(page.locator("#rules-fit details[open]")).to_have_count(0)
    page.get_by_label("Points that make an MQL").fill("95")
    page.get_by_role("button", name="Save the draft").press("Enter")
    expect(window.find("[data-toast]").last).to_contain_text("Nothing changes until it is published.")
    assert ScoringVersion.published().body["threshold"] != 95

    page.get_by_role("button", name="Preview", exact=True).press("Enter")
    page.wait_for_url("**/scoring/previews/*/")
    window.until_ready()
    with window.without_reload():
        expect(window.find("main")).to_contain_text("Waiting for its turn")
        jobs.run(Job.objects.filter(kind=previewing.KIND).latest("pk").pk)
        expect(window.find("main")).to_contain_text("MQLs a week")
    page.get_by_role("link", name="Publish…").press("Enter")
    expect(window.find("main .notice")).to_contain_text("MQLs a week instead of")
    page.get_by_label("What changed, and why").fill("Sales drowns in weak leads")
    page.get_by_role("button", name="Publish version").press("Enter")
    page.wait_for_url("**/jobs/*/")
    published = ScoringVersion.published()
    assert (published.body["threshold"], published.note) == (95, "Sales drowns in weak leads")


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no scripts"])
def test_routing_from_a_draft_over_its_dry_run_to_what_counts(visit, people, has_scripts):
    pool = make_pool()
    make_routing(pool)
    RoutingVersion.objects.filter(state="draft").delete()
    window = visit(people["revops"], java_script_enabled=has_scripts)
    page = window.page
    page.goto("/setup/routing/")
    page.get_by_role("button", name="Change the rules").press("Enter")
    page.get_by_role("link", name="Add a rule").press("Enter")
    page.get_by_label("Name").fill("Chiefs")
    page.get_by_label("Send them to").select_option(label=pool.name)
    page.get_by_label("What to ask about").select_option("title")
    page.get_by_role("button", name="Add a condition").press("Enter")
    page.get_by_label("Job title: values").fill("chief, head of")
    expect(page.get_by_label("Name")).to_have_value("Chiefs")
    page.get_by_role("button", name="Save").press("Enter")
    expect(window.find(".rules")).to_contain_text("If the title contains chief or head of")

    page.get_by_role("link", name="Try it on last month").press("Enter")
    expect(window.find("h1")).to_have_text("What the draft would have done")
    expect(window.find("main")).to_contain_text("Nothing was changed.")
    page.get_by_role("link", name="Back to the draft").press("Enter")
    page.get_by_label("What changed, and why").fill("Chiefs to seniors")
    page.get_by_role("button", name="Publish version").press("Enter")
    expect(window.find("main")).to_contain_text("Chiefs to seniors")
    assert [rule["name"] for rule in RoutingVersion.published().body["rules"]] == ["Chiefs"]
