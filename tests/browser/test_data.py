"""Merging in the browser: from the evidence to one lead, and back."""

from playwright.sync_api import expect

from leads.models import Lead
from tests.factories import make_pair


def test_two_leads_become_one_by_keyboard_and_are_two_again(company, people, visit):
    pair = make_pair()
    window = visit(people["revops"])
    window.open("/data/duplicates/exact/")
    window.find(f"a[href*='lead={pair.first_id}&lead={pair.second_id}']").press("Enter")
    expect(window.find("h1")).to_have_text("Merge 2 leads")
    email = window.find("input[name=choose_email]:not(:checked)")
    other = email.input_value()
    email.press("Space")
    window.find("button.btn-primary").press("Enter")
    expect(window.find("[data-toast]").last).to_contain_text("merged into")
    kept = Lead.objects.get(pk=window.page.url.rstrip("/").rpartition("/")[2])
    assert kept.email_key == Lead.objects.get(pk=other).email_key
    window.find("[data-toast] [data-undo] button").press("Enter")
    expect(window.find("[data-toast]").last).to_contain_text("The merge is undone")
    assert not Lead.objects.filter(pk__in=[pair.first_id, pair.second_id], merged_into__isnull=False).exists()
