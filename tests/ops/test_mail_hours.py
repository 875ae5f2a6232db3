"""When people are mailed: at once, in a daily list, after quiet hours; checked against a walk by the minute."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from alignment.ops import mail_hours, mailing, outbox
from alignment.ops.mail_hours import Hours
from alignment.ops.models import MailHours, MailMode, MailPreference, Notification, OutboxMessage
from alignment.ops.notifications import Notice, notify
from alignment.people.models import Role
from tests.factories import make_user

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Hours(quiet_from=time(20), quiet_until=time(7, 30))


def at(*numbers):
    return datetime(*numbers, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("now", "mode", "hours", "due"),
    [
        (at(2026, 3, 4, 12), MailMode.AT_ONCE, Hours(), at(2026, 3, 4, 12)),
        (at(2026, 3, 4, 12), MailMode.NEVER, Hours(), None),
        (at(2026, 3, 4, 12), MailMode.DIGEST, Hours(), at(2026, 3, 5, 8)),
        (at(2026, 3, 4, 8), MailMode.DIGEST, Hours(), at(2026, 3, 4, 8)),
        (at(2026, 3, 4, 19, 59), MailMode.AT_ONCE, NIGHT, at(2026, 3, 4, 19, 59)),
        (at(2026, 3, 4, 20), MailMode.AT_ONCE, NIGHT, at(2026, 3, 5, 7, 30)),
        (at(2026, 3, 4, 3), MailMode.AT_ONCE, NIGHT, at(2026, 3, 4, 7, 30)),
        (at(2026, 3, 4, 7, 30), MailMode.AT_ONCE, NIGHT, at(2026, 3, 4, 7, 30)),
        # Friday night, with quiet weekends, is Monday's morning.
        (at(2026, 3, 6, 22), MailMode.AT_ONCE, Hours(time(8), time(20), time(7, 30), True), at(2026, 3, 9, 7, 30)),
        (at(2026, 3, 7, 12), MailMode.DIGEST, Hours(quiet_weekends=True), at(2026, 3, 9)),
        (at(2026, 3, 4, 12), MailMode.DIGEST, Hours(time(22), time(20), time(7)), at(2026, 3, 5, 7)),
        # The night in which the clock goes forward.
        (at(2026, 3, 28, 23), MailMode.AT_ONCE, NIGHT, at(2026, 3, 29, 7, 30)),
    ],
)
def test_a_mail_is_due(now, mode, hours, due):
    assert mail_hours.due(now.astimezone(UTC), mode, hours, BERLIN) == due


TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))


@given(
    start=st.integers(0, 14 * 48),
    mode=st.sampled_from([MailMode.AT_ONCE, MailMode.DIGEST]),
    digest_at=TIMES,
    quiet=st.none() | st.tuples(TIMES, TIMES).filter(lambda pair: pair[0] != pair[1]),
    weekends=st.booleans(),
)
def test_it_is_the_first_half_hour_that_is_right(start, mode, digest_at, quiet, weekends):
    """In a fortnight without a change of the clock, walked by the half hour."""
    now = datetime(2026, 1, 5, tzinfo=BERLIN) + timedelta(minutes=30 * start)
    quiet_from, quiet_until = quiet or (None, None)

    def is_quiet(moment):
        clock = moment.time()
        night = quiet and (
            quiet_from <= clock < quiet_until if quiet_from < quiet_until else not quiet_until <= clock < quiet_from
        )
        return night or (weekends and moment.weekday() >= 5)

    moment = now
    while mode == MailMode.DIGEST and moment.time() != digest_at:
        moment += timedelta(minutes=30)
    while is_quiet(moment):
        moment += timedelta(minutes=30)
    hours = Hours(digest_at, quiet_from, quiet_until, weekends)
    assert mail_hours.due(now.astimezone(UTC), mode, hours, BERLIN) == moment


pytest_db = pytest.mark.django_db


@pytest.fixture
def ada():
    return make_user(Role.REP, name="Ada", email="ada@example.com")


def tell(user, count=1, kind="breach"):
    notify(
        notices=[
            Notice(user_id=user.pk, kind=kind, title=f"Late {number}", dedupe_key=f"{kind}:{number}", url="/leads/1/")
            for number in range(count)
        ]
    )


@pytest_db
def test_a_daily_list_is_one_mail_when_its_hour_comes(ada):
    MailPreference.objects.create(user=ada, occasion="breach", mode=MailMode.DIGEST)
    tell(ada, 3)

    assert mailing.post_due() == 0
    assert OutboxMessage.objects.count() == 0
    assert Notification.objects.unread().count() == 3, "in the app at once"

    Notification.objects.update(mail_at=Now())
    assert mailing.post_due() == 1
    assert mailing.post_due() == 0
    outbox.deliver()
    [sent] = mail.outbox
    assert sent.subject == "Late 0 and 2 more"
    assert "Late 2" in sent.body
    [(html, kind)] = sent.alternatives
    assert kind == "text/html"
    assert html.count("Open in Accord") == 3


@pytest_db
def test_who_wants_no_mail_about_it_gets_none(ada):
    MailPreference.objects.create(user=ada, occasion="breach", mode=MailMode.NEVER)
    tell(ada)
    tell(ada, kind="reminder")

    assert [message.subject for message in OutboxMessage.objects.all()] == ["Late 0"]
    assert not Notification.objects.filter(mail_at__isnull=False).exists()


@pytest_db
def test_who_left_before_the_list_gets_none(ada):
    MailPreference.objects.create(user=ada, occasion="breach", mode=MailMode.DIGEST)
    tell(ada)
    ada.is_active = False
    ada.save()
    Notification.objects.update(mail_at=Now())

    assert mailing.post_due() == 0
    assert not Notification.objects.filter(mail_at__isnull=False).exists()


@pytest_db
def test_preferences_are_kept_where_they_differ(client, ada):
    client.force_login(ada)
    page = reverse("account_notifications")
    given = {
        "digest_at": "09:30", "quiet_from": "20:00", "quiet_until": "07:00", "quiet_weekends": "on",
        "mode-breach": "digest",
    }  # fmt: skip
    shown = client.get(page).context["form"]
    given |= {name: shown[name].initial for name in shown.fields if name.startswith("mode-") and name not in given}

    assert client.post(page, given).status_code == 302
    assert list(MailPreference.objects.values_list("occasion", "mode")) == [("breach", "digest")]
    hours = MailHours.objects.get()
    assert (hours.digest_at, hours.quiet_from, hours.quiet_weekends) == (time(9, 30), time(20), True)

    response = client.post(page, given | {"quiet_until": ""})
    assert response.status_code == 422
    assert "Give both times, or neither." in response.text
    assert client.post(page, given | {"quiet_until": "20:00"}).status_code == 422


@pytest_db
def test_a_test_mail_reaches_whoever_asks_for_it(client, ada):
    client.force_login(ada)
    client.post(reverse("account_notifications_test"))
    outbox.deliver()

    [sent] = mail.outbox
    assert (sent.to, sent.subject) == (["ada@example.com"], "This is a test from Accord")


@pytest_db
@pytest.mark.parametrize("wrong", [{"quiet_from": time(8)}, {"quiet_from": time(8), "quiet_until": time(8)}])
def test_quiet_hours_that_make_no_sense_cannot_be_stored(ada, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        MailHours.objects.create(user=ada, **wrong)
