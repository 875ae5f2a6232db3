"""What every page shows around its content."""

from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.test import RequestFactory
from django.utils import timezone

from alignment.desk.context import Shell
from alignment.desk.errors import server_error
from alignment.ops.heartbeats import beat
from alignment.ops.notifications import Notice, mark_read, notify
from alignment.people.models import Role
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def shell_of(user):
    request = RequestFactory().get("/")
    request.user, request.resolver_match = user, None
    return Shell(request)


def settled_user(**fields):
    return make_user(joined_at=timezone.now() - timedelta(days=1), **fields)


def labels(user):
    return [link.entry.label for link in shell_of(user).links]


def test_only_revops_is_offered_the_set_up():
    assert "People and teams" in labels(make_user(Role.REVOPS))
    assert "People and teams" not in labels(make_user(Role.MANAGER))


def test_unread_notifications_are_counted_until_they_are_read():
    user = make_user()
    notify(notices=[Notice(user.pk, "breach", "Late", dedupe_key="one"), Notice(user.pk, "breach", "Late", "two")])

    assert shell_of(user).unread_count == 2
    mark_read(user=user)
    assert shell_of(user).unread_count == 0


def test_a_silent_process_is_named_once_the_start_is_over():
    beat("worker")
    beat("sweep")

    assert shell_of(settled_user()).silent_processes == ["the sending of mail"]
    assert shell_of(make_user(joined_at=timezone.now())).silent_processes == []


@pytest.mark.parametrize(("theme", "shown"), [("dark", "dark"), ("light", "light"), ("system", "")])
def test_the_theme_is_the_users(theme, shown):
    assert shell_of(make_user(theme=theme)).theme == shown


@pytest.mark.parametrize("template", ["400.html", "403.html", "403_csrf.html", "404.html", "405.html", "500.html"])
def test_error_pages_need_no_request(template):
    html = render_to_string(template)

    assert "<h1>" in html
    assert "<nav" not in html
    assert "<script" not in html


def test_a_failure_shows_the_id_that_the_log_holds(rf, caplog):
    response = server_error(rf.get("/queue/"))

    error_id = response["X-Error-Id"]
    assert response.status_code == 500
    assert error_id in response.content.decode()
    assert f"Error {error_id}" in caplog.text


def test_a_page_of_the_product_has_no_inline_script_or_style(client):
    client.force_login(make_user(Role.REVOPS))

    html = client.get("/setup/people/").content.decode()

    assert 'aria-current="page"' in html
    assert " style=" not in html
    assert " onclick" not in html
    assert "<script>" not in html


def test_browsers_find_the_icon_where_they_look_by_themselves(client):
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer["Cache-Control"]) == (302, "public, max-age=86400")
    assert answer["Location"] == static("img/mark.svg")


def test_the_address_of_a_form_says_so_when_it_is_opened(client):
    client.force_login(make_user(Role.MANAGER))
    answer = client.get("/clocks/1/pause/")
    assert answer.status_code == 405
    assert "Go back to the page with the form" in answer.content.decode()
