"""Sign in, sign out, change a password, guess too often, set a password by a link."""

import re
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import get_user
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alignment.people.accounts import password_link, set_password
from alignment.people.models import Role
from tests.factories import PASSWORD, make_imported_user, make_user

pytestmark = pytest.mark.django_db

LOGIN = "/account/login/"


def sign_in(client, email, password=PASSWORD, **more):
    return client.post(LOGIN, {"login": email, "password": password, **more})


def test_sign_in_by_email_in_any_case_leads_to_the_page_asked_for(client):
    user = make_user(email="ana@example.com")

    response = sign_in(client, " Ana@Example.COM ", next="/account/me/")

    assert response.url == "/account/me/"
    assert get_user(client) == user
    user.refresh_from_db()
    assert user.last_login


def test_sign_in_never_leads_to_another_site(client):
    make_user(email="ana@example.com")

    assert sign_in(client, "ana@example.com", next="https://evil.example/").url == reverse("home")


def test_a_wrong_password_gives_a_sentence_and_no_session(client):
    make_user(email="ana@example.com")

    response = sign_in(client, "ana@example.com", "not the password")

    assert "This e-mail and password do not belong together." in response.content.decode()
    assert get_user(client).is_anonymous


def test_a_closed_account_is_told_so(client):
    make_user(email="ana@example.com", is_active=False)

    response = client.post(LOGIN, {"login": "ana@example.com", "password": PASSWORD}, follow=True)

    assert "This account is closed" in response.content.decode()
    assert get_user(client).is_anonymous


def test_an_imported_owner_cannot_sign_in(client):
    make_user()
    make_imported_user(email="owner@example.com")

    assert sign_in(client, "owner@example.com", "").status_code == 200
    assert get_user(client).is_anonymous


def test_passwords_are_hashed_with_argon2id():
    assert make_user().password.startswith("argon2$argon2id$")


def test_signing_out_needs_a_post(client):
    user = make_user()
    client.force_login(user)

    assert client.get("/account/logout/").status_code == 200
    assert get_user(client) == user
    assert client.post("/account/logout/").url == LOGIN
    assert get_user(client).is_anonymous


def test_there_is_no_sign_up(client):
    make_user()

    assert client.get("/account/signup/").status_code == 404
    assert "sign up" not in client.get(LOGIN).content.decode().lower()


# Guessing -----------------------------------------------------------------------------------------------------


def guess(client, email, times):
    for _ in range(times):
        response = sign_in(client, email, "a wrong guess")
    return response


def test_five_wrong_guesses_lock_out_and_the_page_says_for_how_long(client):
    make_user(email="ana@example.com")

    assert guess(client, "ana@example.com", 4).status_code == 200
    locked = guess(client, "ANA@example.com", 1)

    assert locked.status_code == 429
    assert 0 < int(locked.headers["Retry-After"]) <= 15 * 60
    assert "Try again in 15 minutes" in locked.content.decode()
    assert sign_in(client, "ana@example.com").status_code == 429
    assert get_user(client).is_anonymous


def test_the_lock_out_ends_when_the_page_said_even_after_further_attempts(client):
    make_user(email="ana@example.com")
    guess(client, "ana@example.com", 5)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=12))

    assert "Try again in 3 minutes" in guess(client, "ana@example.com", 1).content.decode()
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))

    assert sign_in(client, "ana@example.com").status_code == 302


def test_a_lock_out_is_of_one_account_from_one_address(client):
    make_user(email="ana@example.com")
    make_user(email="ben@example.com")
    guess(client, "ana@example.com", 5)

    assert sign_in(Client(), "ben@example.com").status_code == 302
    assert sign_in(Client(REMOTE_ADDR="192.0.2.7"), "ana@example.com").status_code == 302


def test_a_new_password_by_revops_lifts_the_lock_out(client):
    user = make_user(email="ana@example.com")
    guess(client, "ana@example.com", 5)

    set_password(user_id=user.pk, password="another good password")

    assert sign_in(client, "ana@example.com", "another good password").status_code == 302


def test_a_locked_out_guess_stores_no_password(client):
    make_user(email="ana@example.com")
    guess(client, "ana@example.com", 2)

    assert "a wrong guess" not in AccessAttempt.objects.get().post_data


# Changing a password ------------------------------------------------------------------------------------------


def change_password(client, old, new):
    return client.post(reverse("account_change_password"), {"oldpassword": old, "password1": new, "password2": new})


def test_a_changed_password_keeps_this_session_and_ends_the_others(client):
    user = make_user(email="ana@example.com")
    client.force_login(user)
    elsewhere = Client()
    elsewhere.force_login(user)

    assert change_password(client, PASSWORD, "another good password").url == reverse("account_me")

    assert get_user(client) == user
    assert get_user(elsewhere).is_anonymous
    assert sign_in(Client(), "ana@example.com", "another good password").status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("not mine", "another good password", "This is not your current password."),
        (PASSWORD, "short", "This password is too short."),
        (PASSWORD, "1234567890123", "This password is entirely numeric."),
    ],
)
def test_a_bad_password_change_says_why(client, old, new, sentence):
    user = make_user()
    client.force_login(user)

    assert sentence in change_password(client, old, new).content.decode()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


# The link from RevOps -----------------------------------------------------------------------------------------


def path_of(link):
    return re.sub(r"^https?://[^/]+", "", link)


def test_a_link_sets_the_first_password_signs_in_and_works_once(client):
    make_user(Role.REVOPS)
    user = make_user(password=None, email="new@example.com")
    link = path_of(password_link(person=user))
    form = client.get(link, follow=True)
    action = form.redirect_chain[-1][0]

    done = client.post(action, {"new_password1": "my very own words", "new_password2": "my very own words"})

    assert done.url == reverse("home")
    assert get_user(client) == user
    assert "This link no longer works" in Client().get(link).content.decode()
    assert sign_in(Client(), "new@example.com", "my very own words").status_code == 302


def test_a_link_of_a_closed_account_does_not_work(client):
    make_user(Role.REVOPS)
    user = make_user(password=None)
    link = path_of(password_link(person=user))
    user.is_active = False
    user.save()

    assert "This link no longer works" in client.get(link).content.decode()
