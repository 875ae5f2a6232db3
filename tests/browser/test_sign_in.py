"""Coming in, being kept out, going out again."""

from alignment.people.models import User
from tests.browser import looks, stories
from tests.factories import PASSWORD


def sign_in(window, email, password):
    window.page.get_by_label("E-mail").fill(email)
    window.page.get_by_label("Password").fill(password)
    window.page.get_by_role("button", name="Sign in").click()


def test_a_rep_signs_in_to_the_queue_and_out_again(visit):
    window = visit()
    window.open("/")
    assert "/account/login/" in window.page.url
    sign_in(window, "rep@accord.example", "accord-demo")
    window.page.wait_for_url("**/queue/")
    window.until_ready()
    window.page.get_by_role("button", name="your account and settings").click()
    window.page.get_by_role("button", name="Sign out").click()
    window.page.wait_for_url("**/account/login/")
    window.open("/queue/")
    assert "/account/login/" in window.page.url


def test_a_manager_signs_in_to_the_page_that_was_asked_for(visit, people):
    window = visit()
    window.open("/leads/?q=iversen")
    sign_in(window, "manager@accord.example", "accord-demo")
    window.page.wait_for_url("**/leads/?q=iversen")


def test_who_guesses_too_often_is_locked_out_and_told_for_how_long(visit):
    somebody = stories.rep()
    window = visit(expects=(429,))
    for _ in range(5):
        window.open("/account/login/")
        sign_in(window, somebody.email, "a wrong guess")
        window.page.wait_for_load_state()
    assert "Try again in 15 minutes" in window.find("main").inner_text()
    assert looks.barriers(window.page) == []
    window.open("/account/login/")
    sign_in(window, somebody.email, PASSWORD)
    window.page.wait_for_load_state()
    assert "Too many attempts" in window.page.title()


def test_the_first_visitor_makes_the_admin_account(empty_site, visit):
    window = visit(base_url=empty_site)
    window.open("/")
    faults = looks.barriers(window.page) + looks.small_texts(window.page) + looks.overflows(window.page, (1440, 320))
    assert not faults, "\n".join(faults)
    window.page.get_by_label("Company").fill("Brightwater")
    window.page.get_by_label("Your name").fill("Ada Okafor")
    window.page.get_by_label("Your e-mail").fill("ada@brightwater.example")
    for field in ("Password", "Password again"):
        window.page.get_by_label(field, exact=True).fill("a password of ours")
    window.page.get_by_role("button", name="Start").click()
    window.page.wait_for_url("**/dash/funnel/")
    window.until_ready()
    assert "Ada Okafor" in window.find(".side").inner_text()
    assert not User.objects.filter(email="ada@brightwater.example").exists(), "it was another install"


def test_an_ended_session_leads_to_the_login_and_back(visit, people):
    window = visit(people["rep"])
    window.open("/queue/")
    window.page.context.clear_cookies(name="sessionid")
    window.find("[data-select]").nth(1).click()
    window.page.wait_for_url("**/account/login/?next=/queue/*")
    sign_in(window, "rep@accord.example", "accord-demo")
    window.page.wait_for_url("**/queue/**")
