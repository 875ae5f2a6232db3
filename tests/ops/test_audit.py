"""The audit log: written by one verb, and never changed."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from alignment.ops import audit
from alignment.ops.models import AuditEntry
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db


def entries():
    return list(
        AuditEntry.objects.order_by("id").values_list("action", "actor", "subject_kind", "subject_id", "detail")
    )


def test_an_entry_says_who_did_what_to_whom():
    actor = make_user()

    audit.record(
        action="role_changed",
        actor=actor,
        subject_kind="user",
        subject_ids=[5],
        detail={"from": "rep", "to": "manager"},
    )

    assert entries() == [("role_changed", actor.pk, "user", 5, {"from": "rep", "to": "manager"})]


def test_many_subjects_are_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        audit.record(action="override", actor=None, subject_kind="lead", subject_ids=range(1000))

    assert AuditEntry.objects.count() == 1000


@pytest.mark.parametrize("change", ["UPDATE ops_auditentry SET action = 'nothing'", "DELETE FROM ops_auditentry"])
def test_entries_are_never_changed(change):
    audit.record(action="export", actor=None)

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def sign_in(client, login, password=PASSWORD):
    form = {"login": login, "password": password, "next": reverse("account_me")}
    return client.post(reverse("account_login"), form)


def test_signing_in_and_out_is_recorded(client):
    user = make_user(email="ada@example.com")
    sign_in(client, "ada@example.com")
    client.post(reverse("account_logout"))
    client.post(reverse("account_logout"))

    detail = {"ip": "127.0.0.1"}
    assert entries() == [("logged_in", user.pk, "", None, detail), ("logged_out", user.pk, "", None, detail)]


def test_a_failed_login_names_the_account_and_not_what_was_typed(client):
    user = make_user(email="ada@example.com")
    sign_in(client, "Ada@Example.com", "wrong")
    sign_in(client, "my-secret@password.example", "wrong")

    detail = {"ip": "127.0.0.1"}
    assert entries() == [("login_failed", None, "user", user.pk, detail), ("login_failed", None, "user", None, detail)]


def test_guesses_during_a_lock_out_do_not_fill_the_log(client, settings):
    make_user(email="ada@example.com")
    for _ in range(settings.AXES_FAILURE_LIMIT + 3):
        sign_in(client, "ada@example.com", "wrong")

    assert len(entries()) == settings.AXES_FAILURE_LIMIT
