"""The rep's queue: answers with one key, at once, and back again; refusals in words."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from leads import holders, lifecycle
from leads.causes import Cause
from leads.holders import Assignment
from leads.milestones import CauseSource
from leads.models import Merge, Reason
from tests.browser import stories
from tests.browser.stories import state

HOUR = timedelta(hours=1)
# From the key to the row's end, in a browser that shares its machine; the wait for the server is longer than this.
AT_ONCE_MS = 100
SLOW_SERVER_MS = 1500

MEASURE = """
    (row) => new Promise((done) => {
        let pressed;
        addEventListener("keydown", () => { pressed = performance.now(); }, { once: true, capture: true });
        const left = () => !row.isConnected || row.hidden;
        new MutationObserver((_, observer) => {
            if (left()) { observer.disconnect(); done(performance.now() - pressed); }
        }).observe(document.body, { subtree: true, childList: true, attributes: true });
    })
"""


@pytest.fixture
def somebody(company):
    return stories.rep()


def selected(window) -> str:
    return window.find("[data-row][data-selected] [data-select]").inner_text()


def rows(window) -> list[str]:
    return window.find("[data-row]:not([hidden]) [data-select]").all_inner_texts()


def toast(window):
    return window.find("[data-toast]").last


def wait_for_preview(window, lead) -> None:
    expect(window.find("#preview h2")).to_have_text(lead.name)


def test_what_is_late_comes_first_and_says_so(visit, somebody):
    later, late, soon = stories.handed_over(somebody, 30 * HOUR, -3 * HOUR, 2 * HOUR)
    window = visit(somebody)
    window.open("/queue/")
    assert rows(window) == [late.name, soon.name, later.name]
    headings = [" ".join(text.split()) for text in window.find("[data-group] h2").all_inner_texts()]
    assert headings == ["Overdue 1", "Due in the next 8 hours 1", "Due later 1"]
    over = window.find(f"#lead-{late.pk} .countdown")
    expect(over).to_contain_text(re.compile(r"2 h 59 m over|3 h 00 m over"))
    assert over.locator("svg").first.is_visible(), "red comes with an icon"


def test_a_accepts_and_z_restores(visit, somebody):
    first, second = stories.handed_over(somebody, HOUR, 2 * HOUR)
    window = visit(somebody)
    window.open("/queue/")
    window.page.route("**/accept/", lambda route: (window.page.wait_for_timeout(SLOW_SERVER_MS), route.continue_())[1])
    window.press("j", "k")
    assert selected(window) == first.name
    took = window.find(f"#lead-{first.pk}").evaluate_handle(f"(row) => ({{ left: ({MEASURE})(row) }})")
    window.press("a")
    assert took.evaluate("({ left }) => left") < AT_ONCE_MS
    assert selected(window) == second.name, "the next row has the focus"
    assert window.page.evaluate("document.activeElement.closest('[data-row]').id") == f"lead-{second.pk}"

    expect(toast(window)).to_contain_text(f"Accepted {first.name}")
    assert state(first) == ("SQL", "")
    with window.without_reload():
        window.press("z")
        expect(window.find(f"#lead-{first.pk}")).to_be_visible()
    assert state(first) == ("MQL", "")


def test_of_many_answers_the_last_are_told_and_each_can_be_taken_back(visit, somebody):
    leads = stories.handed_over(somebody, *(hours * HOUR for hours in range(1, 6)))
    window = visit(somebody)
    # However slow this machine is, no note leaves by itself.
    window.page.add_init_script(
        "const wait = setTimeout; window.setTimeout = (f, ms) => wait(f, ms === 10_000 ? 6e5 : ms)"
    )
    window.open("/queue/")
    notes = window.find("[data-toast]:visible")
    for lead in leads:
        wait_for_preview(window, lead)
        window.press("a")
        expect(toast(window)).to_contain_text(f"Accepted {lead.name}")
    expect(notes).to_have_count(3)
    window.find("[data-more-toasts]").click()
    expect(notes).to_have_count(5)
    window.find("[data-more-toasts]").click()
    for lead in reversed(leads):
        window.press("z")
        expect(toast(window)).to_contain_text(f"{lead.name} is back")
    for lead in leads:
        assert state(lead)[0] == "MQL"


def asked_for_a_reason(visit, somebody):
    """The queue, after R on its first lead."""
    window = visit(somebody, expects=(422,))
    window.open("/queue/")
    window.press("j", "k", "r")
    expect(window.find("[data-reasons]")).to_be_visible()
    window.page.wait_for_function(SETTLED)
    return window


def test_reject_asks_for_a_reason_and_takes_a_digit(visit, somebody):
    first, second = stories.handed_over(somebody, HOUR, 2 * HOUR)
    window = asked_for_a_reason(visit, somebody)
    with window.without_reload():
        window.page.get_by_role("button", name="Reject", exact=False).last.press("Enter")
        expect(window.find("[data-reasons] .errors")).to_have_text("Choose a reason: both teams learn from it.")
    assert state(first) == ("MQL", "")
    expect(window.find(f"#lead-{first.pk}")).to_be_visible()

    window.press("2")
    label = window.find("[data-reasons] label").nth(1)
    assert label.locator("input").is_checked()
    window.press("Enter")
    expect(toast(window)).to_contain_text(f"Rejected {first.name}: {label.inner_text().splitlines()[0].lower()}")
    assert state(first) == ("MQL", "rejected")
    assert rows(window) == [second.name]


def test_enter_is_for_the_reasons_that_wait_for_a_choice(visit, somebody):
    first, _ = stories.handed_over(somebody, HOUR, 2 * HOUR)
    window = asked_for_a_reason(visit, somebody)
    with window.without_reload():
        window.press("Enter")
        expect(window.find("[data-reasons] .errors")).to_have_text("Choose a reason: both teams learn from it.")
    assert state(first) == ("MQL", "")


def test_n_recycles(visit, somebody):
    first, _ = stories.handed_over(somebody, HOUR, 2 * HOUR)
    window = visit(somebody)
    window.open("/queue/")
    window.press("j", "k", "n")
    expect(window.page.get_by_label("Nurture track")).to_be_visible()
    window.page.get_by_role("button", name="Recycle").last.click()
    expect(toast(window)).to_contain_text(f"Recycled {first.name}")
    assert state(first) == ("MQL", "recycled")


def test_the_keyboard_alone_is_enough(visit, somebody):
    one, two, three = stories.handed_over(somebody, HOUR, 2 * HOUR, 3 * HOUR)
    window = visit(somebody)
    window.open("/queue/")
    window.press("j", "j", "k")
    assert selected(window) == two.name
    wait_for_preview(window, two)
    window.press("?")
    expect(window.find("dialog#keys")).to_be_visible()
    window.press("j", "Escape")
    expect(window.find("dialog#keys")).to_be_hidden()
    assert selected(window) == two.name, "a dialog keeps the keys to itself"

    window.press("a")
    expect(toast(window)).to_contain_text("Accepted")
    assert selected(window) == three.name
    wait_for_preview(window, three)
    window.press("r", "Escape")
    window.press("k")
    assert selected(window) == one.name
    window.press("Enter")
    window.page.wait_for_url(f"**/leads/{one.pk}/")
    window.until_ready()
    window.press("g", "q")
    window.page.wait_for_url("**/queue/")
    window.until_ready()
    window.press("/")
    window.press("j", "a")
    assert window.page.evaluate("document.activeElement.value") == "ja", "keys in a field are letters"
    assert rows(window) == [one.name, three.name]


def test_shortcuts_can_be_switched_off(visit, company):
    somebody = stories.rep(shortcuts=False)
    (lead,) = stories.handed_over(somebody)
    window = visit(somebody)
    window.open("/queue/")
    window.press("j", "a", "?")
    assert not window.find("dialog#keys").is_visible()
    assert rows(window) == [lead.name]
    assert state(lead) == ("MQL", "")


def test_a_row_returns_when_the_server_cannot_be_reached(visit, somebody):
    first, second = stories.handed_over(somebody, HOUR, 2 * HOUR)
    window = visit(somebody)
    window.page.route("**/accept/", lambda route: route.abort())
    window.open("/queue/")
    window.press("j", "k", "a")
    expect(toast(window)).to_contain_text("Nothing was changed")
    assert rows(window) == [first.name, second.name]
    assert selected(window) == first.name
    window.press("a")
    expect(window.find("[data-toast]")).to_have_count(1)
    window.press("k", "a")
    window.until_ready()
    expect(window.find("[data-toast]")).to_have_count(1)
    window.complaints.clear()  # the lost requests themselves


def test_the_second_of_two_hears_who_was_first(visit, people, somebody):
    lead, other = stories.handed_over(somebody, HOUR, 2 * HOUR)
    window = visit(somebody, expects=(409,))
    window.open("/queue/")
    window.press("j", "k")
    window.find("[data-live-toggle]").click()  # paused: this window still shows what was
    window.press("k")
    lifecycle.recycle(lead_ids=[lead.pk], cause=Cause(CauseSource.PAGE, actor_id=people["manager"].pk))
    window.find(f"#lead-{lead.pk}").get_by_role("button", name="Accept").click()
    expect(toast(window)).to_contain_text(people["manager"].name)
    assert state(lead) == ("MQL", "recycled")
    assert rows(window) == [other.name], "the lead is not ours any more"


def test_of_two_reps_who_accept_the_same_lead_one_wins(visit, company):
    reps = [stories.rep(name="Ada First"), stories.rep(name="Ben Second")]
    stories.given_to(*reps)
    (lead,) = stories.handed_over(None, HOUR)
    # The rules found somebody; nobody holds it any more.
    holders.hold(assignments=[Assignment(lead.pk, None)], cause=Cause(CauseSource.API))
    windows = [visit(each, expects=(409,)) for each in reps]
    for window in windows:
        # All of it: other tests leave leads that are due earlier.
        window.open("/queue/?view=team&rows=500")
        window.find("[data-live-toggle]").click()
    for window in windows:
        window.find(f"#lead-{lead.pk}").get_by_role("button", name="Accept").click()
        expect(toast(window)).to_be_visible()
    assert f"Accepted {lead.name}" in toast(windows[0]).inner_text()
    assert "Ada First" in toast(windows[1]).inner_text()
    lead.refresh_from_db()
    assert (lead.owner, state(lead)) == (reps[0], ("SQL", ""))


def test_the_list_can_be_ordered_and_filtered_and_the_address_keeps_it(visit, people):
    window = visit(people["rep"])
    window.open("/queue/")
    everyone = rows(window)
    window.page.get_by_label("Sort").select_option("next")
    window.page.wait_for_url("**sort=next**")
    window.until_ready()
    ordered = rows(window)
    assert sorted(ordered) == sorted(everyone)
    for group in window.find("[data-group]").all():
        raised = ["Raised a hand" in text for text in group.locator(".queue-why").all_inner_texts()]
        assert raised == sorted(raised, reverse=True), "who raised a hand comes first"
    window.page.reload()
    assert rows(window) == ordered
    window.page.go_back()
    window.until_ready()
    assert rows(window) == everyone


# Time ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong_by", [-HOUR, HOUR])
def test_time_left_does_not_trust_the_clients_clock(visit, somebody, wrong_by):
    (lead,) = stories.handed_over(somebody, 3 * HOUR)
    window = visit(somebody)
    window.page.clock.install(time=datetime.now(UTC) + wrong_by)
    window.open("/queue/")
    assert abs(window.page.evaluate("Date.now()") / 1000 - (datetime.now(UTC) + wrong_by).timestamp()) < 60
    window.page.clock.run_for(2_000)
    expect(window.find(f"#lead-{lead.pk} [data-left]")).to_have_text(re.compile(r"2 h 59 m|3 h 00 m"))
    window.find(f"#lead-{lead.pk} [data-select]").click()
    wait_for_preview(window, lead)
    expect(window.find("#preview .clock [data-left]")).to_have_text(re.compile(r"(2 h 59 m|3 h 00 m) left"))


def test_a_row_becomes_overdue_without_a_reload(visit, somebody):
    (lead,) = stories.handed_over(somebody, timedelta(seconds=8))
    window = visit(somebody)
    window.open("/queue/")
    row = window.find(f"#lead-{lead.pk} .countdown")
    with window.without_reload():
        expect(row).to_have_attribute("data-state", "soon")
        expect(row).to_have_attribute("data-state", "over", timeout=20_000)
        expect(row).to_contain_text("over")
        assert row.locator("svg").first.is_visible()
        expect(window.find("[data-group] h2")).to_have_text(re.compile(r"Overdue"), timeout=5_000)


# Live ---------------------------------------------------------------------------------------------------------


def test_news_take_neither_focus_nor_place_nor_text(visit, somebody):
    stories.handed_over(somebody, *(each * HOUR for each in range(2, 26)))
    window = visit(somebody)
    window.open("/queue/")
    window.press("j", "j", "j")
    before = rows(window)
    held = window.page.evaluate("document.activeElement.closest('[data-row]').id")
    window.find(".queue-list").evaluate("(list) => list.scrollTo(0, 120)")
    with window.without_reload():
        (fresh,) = stories.handed_over(somebody, HOUR)
        expect(window.find("[data-live-news]")).to_have_text("1 new lead")
        assert rows(window) == before
        assert window.page.evaluate("document.activeElement.closest('[data-row]').id") == held
        assert window.find(".queue-list").evaluate("(list) => list.scrollTop") == 120
        window.find("[data-live-news]").click()
        expect(window.find(f"#lead-{fresh.pk}")).to_be_visible()


def test_news_leave_typed_text_alone(visit, somebody):
    first, _ = stories.handed_over(somebody, HOUR, 2 * HOUR)
    window = visit(somebody)
    window.open("/queue/")
    window.press("j", "k", "r")
    note = window.find("#decide textarea").first
    note.fill("No budget before")
    with window.without_reload():
        (fresh,) = stories.handed_over(somebody, 3 * HOUR)
        expect(window.find(f"#lead-{fresh.pk}, [data-live-news]:not([hidden])").first).to_be_visible()
        note.press_sequentially(" summer")
        assert note.input_value() == "No budget before summer"
        assert window.page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    assert state(first) == ("MQL", "")


# Without scripts ----------------------------------------------------------------------------------------------


def test_all_three_answers_work_without_scripts(visit, somebody):
    one, two, three = stories.handed_over(somebody, HOUR, 2 * HOUR, 3 * HOUR)
    window = visit(somebody, java_script_enabled=False, expects=(422,))
    window.page.goto("/queue/")
    window.find(f"#lead-{one.pk}").get_by_role("button", name="Accept").click()
    expect(window.find("[data-toast]")).to_contain_text(f"Accepted {one.name}")

    window.find(f"#lead-{two.pk}").get_by_role("link", name="Reject").click()
    window.find("#decide").get_by_role("button", name="Reject").click()
    expect(window.find(".errors").first).to_contain_text("Choose a reason")
    window.find("[data-reasons] input").first.check()
    window.page.get_by_role("button", name="Reject", exact=False).last.click()
    expect(window.find("[data-toast]")).to_contain_text(f"Rejected {two.name}")

    window.find(f"#lead-{three.pk}").get_by_role("link", name="Recycle").click()
    window.find("#decide").get_by_role("button", name="Recycle").click()
    expect(window.find("[data-toast]")).to_contain_text(f"Recycled {three.name}")
    assert [state(lead) for lead in (one, two, three)] == [("SQL", ""), ("MQL", "rejected"), ("MQL", "recycled")]

    window.page.get_by_role("button", name="Undo").last.click()
    assert state(three) == ("MQL", "")


def test_plotly_is_not_loaded_where_nothing_is_drawn(visit, somebody):
    (lead,) = stories.handed_over(somebody)
    window = visit(somebody)
    for path in ("/queue/", f"/leads/{lead.pk}/"):
        window.open(path)
    assert not [url for url in window.requests if "plotly" in url]


# A form that was just swapped in is sent as a page until htmx has seen it; nobody types as fast as a test.
SETTLED = "() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling, .htmx-added')"


def test_what_was_done_and_what_comes_next_take_one_key_each(visit, somebody):
    [lead] = stories.handed_over(somebody, HOUR)
    lifecycle.accept(lead_ids=[lead.pk], cause=Cause(CauseSource.PAGE, somebody.pk))
    window = visit(somebody)
    window.open("/queue/?view=accepted")
    window.press("j")
    wait_for_preview(window, lead)
    page = window.page
    with window.without_reload():
        for key, said in (("c", "Connected"), ("o", "No answer"), ("v", "Voicemail"), ("e", "E-mailed")):
            window.press(key)
            expect(toast(window)).to_contain_text(said)
            page.wait_for_function(SETTLED)
        note = page.get_by_placeholder("Note, before you press")
        note.press_sequentially("c is a letter here")
        note.press("Escape")
        window.press("c")
        expect(note).to_have_value("")
        page.wait_for_function(SETTLED)

        window.press("t")
        page.keyboard.type("Send the offer")
        window.press("Enter")
        expect(window.find("#follow-up .next-step")).to_contain_text("Send the offer")
        page.wait_for_function(SETTLED)
        window.press("s")
        expect(toast(window)).to_contain_text("sleeps until")
        expect(window.find("#follow-up")).to_contain_text("Sleeps until")
        page.wait_for_function(SETTLED)
        window.press("s")
        expect(toast(window)).to_contain_text("is awake")
    told = lead.touchpoints.filter(direction="outbound").order_by("pk").values_list("kind", "title")
    assert [kind for kind, _ in told] == ["call", "call", "call", "e-mail", "call"]
    assert "c is a letter here" in told[4][1]


def test_after_a_lead_went_elsewhere_in_the_list_the_next_one_is_that_below_its_place(visit, somebody):
    leads = stories.handed_over(somebody, HOUR, 2 * HOUR, 3 * HOUR)
    lifecycle.accept(lead_ids=[lead.pk for lead in leads], cause=Cause(CauseSource.PAGE, somebody.pk))
    window = visit(somebody)
    window.open("/queue/?view=accepted")
    one, two, three = rows(window)
    window.press("c")
    expect(toast(window)).to_contain_text(f"Logged for {one}")
    expect(window.find("[data-row]:not([hidden]) [data-select]")).to_have_text([two, three, one])
    window.page.wait_for_function(SETTLED)

    window.press("j")
    assert selected(window) == two
    expect(window.find("#preview h2")).to_have_text(two)
    window.press("j", "k")
    assert selected(window) == two


def test_a_duplicate_is_merged_in_place_and_z_takes_it_back(visit, somebody):
    lead, other = stories.handed_over(somebody, HOUR, 2 * HOUR)
    window = visit(somebody)
    window.open("/queue/")
    window.press("j", "k", "r")
    window.find("[data-reasons] [data-means-duplicate] input").check()
    window.page.get_by_label("Which lead is it?").fill(other.email)
    window.page.get_by_label("Note for marketing").fill("Wrote from both addresses.")
    window.page.get_by_role("button", name="Reject", exact=False).last.press("Enter")
    expect(toast(window)).to_contain_text("are one lead now")
    merge = Merge.objects.latest("pk")
    assert merge.note == "Wrote from both addresses."
    with window.without_reload():
        window.press("z")
        expect(toast(window)).to_contain_text("The merge is undone")
        expect(window.find(f"#lead-{lead.pk}")).to_be_visible()
        expect(window.find(f"#lead-{other.pk}")).to_be_visible()


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_rejection_is_contested_on_the_lead_page_and_reopened(visit, people, somebody, has_scripts):
    [lead] = stories.handed_over(somebody, HOUR)
    reason = Reason.objects.offered("reject")[0]
    lifecycle.reject(lead_ids=[lead.pk], reason_id=reason.pk, cause=Cause(CauseSource.PAGE, somebody.pk))
    window = visit(people["marketer"], java_script_enabled=has_scripts)
    window.page.goto(f"/leads/{lead.pk}/")
    window.page.get_by_role("link", name="Contest the rejection").press("Enter")
    window.page.get_by_label("What speaks against it").fill("They asked for a price yesterday.")
    window.page.get_by_role("button", name="Contest").press("Enter")
    expect(window.find("main")).to_contain_text("They asked for a price yesterday.")

    manager = visit(people["manager"], java_script_enabled=has_scripts)
    manager.page.goto(f"/leads/{lead.pk}/")
    manager.page.get_by_role("link", name="The rejection was contested").press("Enter")
    manager.page.get_by_role("textbox").fill("Right, we missed that.")
    manager.page.get_by_role("button", name="Agree and reopen the lead").press("Enter")
    expect(manager.find("main")).to_contain_text("The lead is open again.")
    assert state(lead) == ("MQL", "")


def test_what_is_undone_shows_at_once_while_the_preview_of_another_lead_is_on_its_way(visit, somebody):
    first, second = (lead.pk for lead in stories.handed_over(somebody, HOUR, 2 * HOUR))
    window = visit(somebody)
    window.open("/queue/")
    window.press("j", "k", "a")
    expect(toast(window)).to_contain_text("Accepted")
    expect(window.find(f"#lead-{first}")).to_be_hidden()
    window.page.route(
        "**/queue/?lead=**", lambda route: (window.page.wait_for_timeout(SLOW_SERVER_MS), route.continue_())
    )
    window.find(f"#lead-{second} [data-select]").click()
    with window.without_reload():
        window.press("z")
        expect(window.find(f"#lead-{first}")).to_be_visible()
