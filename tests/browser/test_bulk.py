"""Many leads at once in the browser: chosen by their filter, changed with progress, looked at, and taken back."""

from playwright.sync_api import expect

from alignment.ops import jobs
from leads.bulk.running import AT_ONCE
from leads.causes import Cause
from leads.drafts import Draft
from leads.intake import receive
from leads.milestones import CauseSource
from leads.models import Lead
from leads.models.bulk import BulkChange

MANY = AT_ONCE + 1


def test_more_than_a_thousand_leads_are_changed_with_progress_and_taken_back(visit, people):
    drafts = [Draft(name=f"Fair {number}", email=f"{number}@fair.example", source="fair") for number in range(MANY)]
    receive(drafts=drafts, cause=Cause(CauseSource.API))
    window = visit(people["revops"])
    page = window.page
    window.open("/leads/?source=fair")
    page.get_by_label("Choose all on this page").press("Space")
    page.get_by_label("All 1,000+ that match").press("Space")
    page.get_by_label("With them").select_option(label="Change facts")
    page.get_by_role("button", name="Go on").press("Enter")
    expect(window.find("main")).to_contain_text("you can leave the page")
    page.get_by_label("Segment").first.select_option(index=1)
    page.get_by_role("button", name="Change facts").press("Enter")
    page.wait_for_url("**/leads/bulk/*/")
    window.until_ready()

    change = BulkChange.objects.latest("pk")
    with window.without_reload():
        expect(page.get_by_role("progressbar")).to_be_visible()
        jobs.run(change.job_id)
        expect(page.get_by_role("progressbar")).to_have_count(0)
        expect(window.find(".tally")).to_contain_text(f"{MANY:,}")
    assert Lead.objects.filter(source__key="fair", segment__isnull=False).count() == MANY

    page.get_by_role("button", name="Take it back").press("Enter")
    change.refresh_from_db()
    jobs.run(change.undo_job_id)
    window.page.reload()
    expect(window.find("main")).to_contain_text("Taken back")
    assert not Lead.objects.filter(source__key="fair", segment__isnull=False).exists()
