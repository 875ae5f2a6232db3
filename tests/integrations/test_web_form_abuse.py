"""Web forms in bad hands: nothing is stored that should not be, nobody is let past a limit, nothing fails."""

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from alignment.integrations.web_forms import setup
from alignment.integrations.web_forms.models import Outcome, PostCount, Submission, Tally
from alignment.integrations.web_forms.visitor import HONEYPOT
from leads.models import Lead, Touchpoint
from tests.factories import make_user
from tests.incoming import make_web_form
from tests.integrations.posts import ANA, address, counted, send, send_json

HTML = "text/html"
JSON = "application/json"
every_post = pytest.mark.parametrize("post", [send, send_json])


def errors(response):
    assert response.status_code == 422, response.content
    return response.json()["errors"]


# Fields -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"email": ""}, "email", "Please fill this in."),
        ({"email": "ana"}, "email", "This is not an e-mail address. It looks like name@company.com."),
        ({"email": "ana@b.example\nBcc: all@c.example"}, "email", "This is not an e-mail address."),
        ({"email": f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 20}.example"}, "email", "This is not an"),
        ({"email": "a" * 400 + "@b.example"}, "email", "This is not an"),
        ({"name": "x" * 201}, "name", "at most 200 characters"),
        ({"name": "a\0b"}, "name", "Null characters are not allowed."),
        ({"email": ["ana@b.example"]}, "email", "This is not an e-mail address."),
        ({"email": {"x": 1}}, "email", "This is not an e-mail address."),
        ({"email": 7}, "email", "This is not an e-mail address."),
    ],
)
def test_what_is_wrong_is_said_for_each_field(client, given, field, said):
    form = make_web_form()

    assert said in errors(send_json(client, form, ANA | given))[field][0]

    assert not Lead.objects.exists()
    row = Submission.objects.get()
    assert (row.outcome, list(row.problems), row.answers) == (Outcome.INVALID, [field], {})


@pytest.mark.django_db
def test_breaks_in_a_line_become_blanks(client):
    send_json(client, make_web_form(), ANA | {"name": "Ana\r\nBcc: all@c.example\x0b "})

    assert Lead.objects.get().name == "Ana Bcc: all@c.example"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["' OR 1=1 --", "<script>alert(1)</script>", "\ud83d", "𝕬𝖓𝖆 ﷺ", "=2+3", "{{ 7*7 }}"])
def test_text_is_text(client, name):
    form = make_web_form()
    assert send_json(client, form, ANA | {"name": name}).status_code == 201

    client.force_login(make_user("marketer"))
    page = client.get(f"/setup/forms/{form.pk}/").content.decode()

    assert "<script>alert" not in page
    assert Lead.objects.get().name == name.encode("utf-8", "replace").decode()


@pytest.mark.django_db
def test_labels_are_text_in_the_html_that_is_copied(client):
    field = {"kind": "line", "is_required": True, "choices": []}
    named = {"name": "email", "label": "</textarea><script>alert(1)</script>", "kind": "email"}
    form = make_web_form(
        fields=[field | named, field | {"name": "q_a", "label": "A", "kind": "choice", "choices": ['"><b>', "&lt;"]}],
        wordings=[setup.Wording(1, "Terms & <conditions>")],
    )
    client.force_login(make_user("marketer"))
    page = client.get(f"/setup/forms/{form.pk}/").content.decode()

    copied = unescape(re.search(r'<textarea id="snippet"[^>]*>(.*?)</textarea>', page, re.DOTALL)[1])
    for shown in (
        "&lt;/textarea&gt;&lt;script&gt;",
        "&quot;&gt;&lt;b&gt;",
        "&amp;lt;",
        "Terms &amp; &lt;conditions&gt;",
    ):
        assert shown in copied
    assert "<script>" not in page


@pytest.mark.django_db
def test_the_page_of_a_mistake_keeps_what_was_typed(client):
    form = make_web_form(wordings=[setup.Wording(1, "You may write to me.", is_required=True)])

    response = send(client, form, ANA | {"email": "ana@", "page_url": "https://www.company.com/a", "utm_term": "t"})
    page = response.content.decode()

    assert response.status_code == 422
    assert "Nothing was sent yet. Please look at the 2 fields marked below." in page
    for kept in ("Ana Souza", "ana@", "Brightwater", "https://www.company.com/a", 'name="utm_term" value="t"'):
        assert kept in page
    assert 'value="1"' in page
    assert page.count("<script") == 0


# The post itself ----------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("body", [" ", "{", "[]", "null", '"a"', "[" * 50_000, b"\xff\xfe", '{"a": NaN', "1e999"])
def test_what_is_no_json_object_is_refused(client, body):
    form = make_web_form()

    response = send_json(client, form, body)

    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert counted(form) == {Outcome.UNREADABLE: 1}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "", "application/octet-stream", "x" * 500])
def test_another_kind_of_content_is_refused(client, kind):
    response = client.post(address(make_web_form()), "email=ana@b.example", content_type=kind)

    assert response.status_code == 415
    assert not Submission.objects.exists()


@pytest.mark.django_db
@every_post
def test_too_much_is_refused_before_it_is_read(client, post):
    form = make_web_form()

    response = post(client, form, ANA | {"name": "x" * 70_000})

    assert response.status_code == 413
    assert counted(form) == {Outcome.UNREADABLE: 1}


@pytest.mark.django_db
def test_too_many_fields_are_refused(client):
    response = client.post(
        address(make_web_form()),
        "&".join(f"a{n}=" for n in range(2000)),
        content_type="application/x-www-form-urlencoded",
    )

    assert response.status_code == 400


@pytest.mark.django_db
def test_a_file_is_not_kept(client, tmp_path):
    path = tmp_path / "cv.pdf"
    path.write_bytes(b"%PDF")

    with path.open("rb") as file:
        assert send(client, make_web_form(), ANA | {"cv": file}).status_code == 303

    assert "cv" not in Submission.objects.get().answers


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_another_method_is_refused(client, method):
    response = client.generic(method, address(make_web_form()))

    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS, POST")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "key", ["unknown-key-0123456", "..%2f..%2fetc", "%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00"]
)
def test_an_unknown_key_is_no_form(client, key):
    assert client.post(f"/forms/{key}/", ANA).status_code == 404


@pytest.mark.django_db
def test_a_retired_form_is_gone_until_it_is_taken_up_again(client):
    form, admin = make_web_form(), make_user()
    setup.retire(form_id=form.pk, by=admin)
    assert [send(client, form).status_code, client.get(address(form)).status_code] == [410, 410]
    assert (counted(form), Lead.objects.exists()) == ({Outcome.CLOSED: 1}, False)

    setup.take_up(form_id=form.pk, by=admin)
    assert send(client, form).status_code == 303


@pytest.mark.django_db
def test_a_replaced_key_is_gone(client):
    form = make_web_form()
    before = address(form)
    setup.rotate_key(form_id=form.pk, by=make_user())

    assert client.post(before, ANA).status_code == 410
    assert send(client, form).status_code == 303


# Where to, and from where -------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["next", "redirect", "redirect_to", "thank_you_url", "url", "return"])
def test_a_post_cannot_choose_where_it_leads(client, name):
    form = make_web_form(thank_you_url="https://www.company.com/thanks")

    response = client.post(f"{address(form)}?{name}=https://evil.example", ANA | {name: "https://evil.example"})

    assert response.url == "https://www.company.com/thanks"


@pytest.mark.django_db
def test_without_a_thank_you_page_there_is_a_small_one(client):
    form = make_web_form(name="Demo <request>")

    response = client.post(address(form), ANA, follow=True)

    assert "We have received “Demo &lt;request&gt;”." in response.content.decode()


@pytest.mark.django_db
def test_cookies_are_neither_set_nor_needed():
    client = Client(enforce_csrf_checks=True)
    form = make_web_form()

    answers = [send(client, form), client.get(address(form)), send(client, form, {"email": "x"})]

    assert [answer.status_code for answer in answers] == [303, 200, 422]
    assert not client.cookies


@pytest.mark.django_db
def test_a_website_that_is_not_allowed_is_refused_and_listed(client):
    form = make_web_form(allowed_origins=["https://www.company.com"])

    response = send(client, form, Origin="https://evil.example")

    assert response.status_code == 403
    assert "Access-Control-Allow-Origin" not in response
    row = Submission.objects.get()
    assert (row.outcome, row.problems) == (Outcome.ORIGIN, {"": ["https://evil.example is not allowed."]})


@pytest.mark.django_db
@pytest.mark.parametrize("origin", ["https://www.company.com", "null", settings.BASE_URL, None])
def test_allowed_websites_and_those_that_do_not_say_are_received(client, origin):
    form = make_web_form(allowed_origins=["https://www.company.com"])

    response = send(client, form, **({"Origin": origin} if origin else {}))

    assert response.status_code == 303
    allowed = origin == "https://www.company.com"
    assert response.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)


@pytest.mark.django_db
@pytest.mark.parametrize(("origin", "allowed"), [("https://www.company.com", True), ("https://evil.example", False)])
def test_a_browser_that_asks_first_is_told_who_may(client, origin, allowed):
    form = make_web_form(allowed_origins=["https://www.company.com"])

    response = client.options(address(form), headers={"Origin": origin, "Access-Control-Request-Method": "POST"})

    assert response.status_code == 204
    assert response.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
    assert "Access-Control-Allow-Credentials" not in response
    assert "Origin" in response["Vary"]


@pytest.mark.django_db
def test_refusals_can_be_read_by_an_allowed_website(client):
    form = make_web_form(allowed_origins=["https://www.company.com"], limit_per_address=1)
    for _ in range(2):
        response = send_json(client, form, Origin="https://www.company.com")

    assert response.status_code == 429
    assert response["Access-Control-Allow-Origin"] == "https://www.company.com"


# Robots and floods --------------------------------------------------------------------------------------------


@pytest.mark.django_db
@every_post
def test_a_robot_is_thanked_and_forgotten(client, post):
    form = make_web_form()
    human = post(client, form, {"email": "bo@b.example"})

    robot = post(client, form, ANA | {HONEYPOT: "https://pills.example"})

    assert (robot.status_code, robot.content, robot.headers.get("Location")) == (
        human.status_code, human.content, human.headers.get("Location"),
    )  # fmt: skip
    assert list(Lead.objects.values_list("email", flat=True)) == ["bo@b.example"]
    assert counted(form) == {Outcome.RECEIVED: 1, Outcome.ROBOT: 1}
    assert Submission.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "status"), [("2", 422), ("3", 303), (None, 303), ("-1", 303), ("x", 303), ("9" * 30, 303)]
)
def test_who_is_too_fast_is_asked_to_look_again(client, told, status):
    form = make_web_form(least_seconds=3)

    response = send(client, form, ANA | ({"seconds_open": told} if told else {}))

    assert response.status_code == status
    assert Lead.objects.exists() == (status == 303)
    if status == 422:
        page = response.content.decode()
        assert "This was very quick." in page
        assert "Ana Souza" in page
        assert "seconds_open" not in page, "the second time it is received"
        assert counted(form) == {Outcome.ROBOT: 1}


@pytest.mark.django_db
def test_who_sends_too_often_is_told_when_to_try_again(client):
    form = make_web_form(limit_per_address=2)
    codes = [send(client, form, {"email": f"a{n}@b.example"}).status_code for n in range(3)]
    response = send(client, form)

    assert codes == [303, 303, 429]
    assert "Try again in 10 minutes." in response.content.decode()
    assert 590 <= int(response["Retry-After"]) <= 600
    assert client.post(address(form), ANA, REMOTE_ADDR="10.0.0.9").status_code == 303, "others are let in"


@pytest.mark.django_db
def test_all_addresses_together_have_a_limit(client):
    form = make_web_form(limit_in_all=3)

    codes = [
        client.post(address(form), {"email": f"a{n}@b.example"}, REMOTE_ADDR=f"10.0.0.{n}").status_code
        for n in range(5)
    ]

    assert codes == [303, 303, 303, 429, 429]


@pytest.mark.django_db
def test_a_household_of_ipv6_has_one_limit(client):
    form = make_web_form(limit_per_address=1)

    codes = [
        client.post(address(form), {"email": f"a{n}@b.example"}, REMOTE_ADDR=where).status_code
        for n, where in enumerate(["2001:db8:1:2::1", "2001:db8:1:2::ffff", "2001:db8:1:3::1"])
    ]

    assert codes == [303, 429, 303]


@pytest.mark.django_db
def test_counts_are_forgotten_and_name_nobody(client):
    form = make_web_form()
    send(client, form)
    assert not PostCount.objects.filter(address__contains="127").exists()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE integrations_postcount SET window_at = window_at - interval '21 minutes'")

    client.post(address(form), {"email": "x@y.example"}, REMOTE_ADDR="10.0.0.9")

    assert PostCount.objects.count() == 2, "one for all, one for the new address"


def at_once(form, data, times):
    """Statuses of posts that many threads send at the same time, each on a connection of its own."""

    def post(number):
        try:
            return send(Client(), form, data(number)).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(post, range(times)))


@pytest.mark.django_db(transaction=True)
def test_a_hundred_posts_at_once_do_not_pass_the_limit():
    form = make_web_form(limit_per_address=10)

    statuses = at_once(form, lambda n: {"email": f"a{n}@b.example"}, 100)

    assert (statuses.count(303), statuses.count(429)) == (10, 90)
    assert Lead.objects.count() == 10
    assert counted(form) == {Outcome.RECEIVED: 10, Outcome.LIMITED: 90}


@pytest.mark.django_db(transaction=True)
def test_a_frantic_click_is_one_lead_and_one_touch():
    form = make_web_form(is_hand_raise=True)

    statuses = at_once(form, lambda n: ANA, 20)

    assert set(statuses) == {303}
    assert (Lead.objects.count(), Touchpoint.objects.count(), Submission.objects.count()) == (1, 1, 1)
    assert sum(Tally.objects.values_list("posts", flat=True)) == 20


@pytest.mark.django_db(transaction=True)
def test_one_person_from_many_places_at_once_is_one_lead():
    form = make_web_form(is_hand_raise=True)

    statuses = at_once(form, lambda n: ANA | {"name": f"Ana {n}"}, 20)

    assert set(statuses) == {303}
    assert (Lead.objects.count(), Touchpoint.objects.count()) == (1, 20)
