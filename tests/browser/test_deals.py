"""Deals and stages in a browser: what another person writes is there within two seconds; a rule from draft to sign."""

from decimal import Decimal

from django.urls import reverse
from playwright.sync_api import expect

from leads.causes import Cause
from leads.deals import deals
from leads.milestones import CauseSource
from leads.models import Stage, StageVersion
from tests.factories import make_free_deal


def test_a_deal_that_somebody_else_changes_changes_on_the_page(visit, people):
    deal = make_free_deal(owner_id=people["rep"].pk)
    window = visit(people["rep"])
    window.open(reverse("deal", args=[deal.pk]))
    with window.without_reload():
        deals.change(
            opportunity_id=deal.pk, changes={"amount": Decimal(12_345)},
            cause=Cause(CauseSource.PAGE, people["manager"].pk),
        )  # fmt: skip
        expect(window.find("#deal")).to_contain_text("+2,745.00 EUR")


def test_a_stage_asks_for_more_from_a_draft_to_a_signature(visit, people):
    window = visit(people["revops"])
    window.open(reverse("setup_stage_edit", args=["proposal"]))
    page = window.page
    with window.without_reload():
        page.get_by_label("What to ask about").select_option("industry")
        page.get_by_role("button", name="Add a condition").click()
        page.get_by_label("Industry: values").fill("Retail, Logistics")
    page.get_by_label("A phone number").check()
    page.get_by_role("button", name="Save and preview").click()
    expect(page.get_by_role("heading", name="What it would mean")).to_be_visible()
    expect(window.find("main")).to_contain_text("That the industry contains Retail or Logistics")
    page.get_by_label("What changed, and why").fill("Only who we can call")
    page.get_by_role("button", name="Publish").click()
    expect(window.find("main")).to_contain_text("Version 2")
    assert Stage.objects.get(key="proposal").criteria["fields"] == ["phone"]

    head = visit(people["manager"])
    head.open(reverse("setup_stage", args=["proposal"]))
    head.page.get_by_role("button", name="Sign version 2").click()
    expect(head.find(".signed").first).to_contain_text(people["manager"].name)
    assert StageVersion.published("proposal").signatures.get().side == "sales"
