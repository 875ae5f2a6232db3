"""Notifications: told once, in the app and by mail, and read on a page of one's own."""

import json

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.urls import reverse

from alignment.ops import mailing, outbox
from alignment.ops.mailing import MOST_LINES
from alignment.ops.models import MailMode, MailPreference, Notification, OutboxMessage
from alignment.ops.notifications import Notice, mark_read, notify, unread_count
from alignment.people.models import Role
from tests.factories import make_imported_user, make_user
from tests.ops.processes import Thread, listening

pytestmark = pytest.mark.django_db


def notice(user, key="breach:1", **fields):
    given = {"kind": "breach", "title": f"Late: {key}", "body": "Due at 10:00.", "url": "/leads/1/"}
    return Notice(user_id=user.pk, dedupe_key=key, **given | fields)


def tell(user, count=1, **fields):
    notify(notices=[notice(user, f"breach:{number}", **fields) for number in range(count)])
    return list(Notification.objects.of(user))


@pytest.fixture
def ada():
    return make_user(Role.REVOPS, name="Ada", email="ada@example.com")


@pytest.fixture
def page(client, ada):
    client.force_login(ada)
    return client


# Telling ------------------------------------------------------------------------------------------------------


def test_a_notice_is_told_in_the_app_and_by_mail(ada, settings):
    settings.BASE_URL = "https://accord.example"

    assert notify(notices=[notice(ada, subject_kind="lead", subject_id=1)]) == 1

    row = Notification.objects.get()
    assert (row.user, row.kind, row.title, row.url) == (ada, "breach", "Late: breach:1", "/leads/1/")
    assert (row.subject_kind, row.subject_id, row.read_at) == ("lead", 1, None)
    message = OutboxMessage.objects.get()
    assert (message.recipient, message.address, message.subject) == (ada, "ada@example.com", "Late: breach:1")
    assert message.body == "Late: breach:1\n\nDue at 10:00.\n\nhttps://accord.example/leads/1/\n"


def test_the_same_notice_is_told_once_for_ever(ada):
    bea = make_user()
    assert notify(notices=[notice(ada), notice(ada), notice(bea)]) == 2

    assert notify(notices=[notice(ada), notice(bea)]) == 0
    assert OutboxMessage.objects.count() == 2


def test_several_notices_to_one_user_are_one_mail(ada):
    tell(ada, MOST_LINES + 5)

    message = OutboxMessage.objects.get()
    assert message.subject == "Late: breach:0 and 24 more"
    assert "- Late: breach:19\n" in message.body
    assert "breach:20" not in message.body
    assert "and 5 more." in message.body
    assert message.body.endswith("/notifications/\n")


def test_a_later_list_is_a_mail_of_its_own(ada):
    tell(ada, 2)
    tell(ada, 4)

    assert [each.subject for each in OutboxMessage.objects.order_by("id")] == [
        "Late: breach:0 and 1 more",
        "Late: breach:2 and 1 more",
    ]


def test_who_has_no_mailbox_or_left_or_is_told_in_the_app_only_gets_no_mail(ada):
    left, imported = make_user(is_active=False), make_imported_user()

    notify(notices=[notice(left), notice(imported), notice(ada, by_mail=False)])

    assert Notification.objects.count() == 3
    assert OutboxMessage.objects.count() == 0


@pytest.mark.parametrize("count", [1, 1000])
def test_telling_takes_the_same_statements_for_one_and_for_a_thousand(ada, count, django_assert_num_queries):
    users = [ada, make_user(), make_user()]
    notices = [notice(users[number % 3], f"breach:{number}") for number in range(count)]

    # A savepoint around: notifications; time; addresses, the company's zone, wishes; channels; outbox; announcement.
    with django_assert_num_queries(10):
        assert notify(notices=notices) == count


def test_a_notice_of_a_transaction_that_failed_was_never_told(ada):
    with transaction.atomic():
        tell(ada)
        transaction.set_rollback(True)

    assert Notification.objects.count() == OutboxMessage.objects.count() == 0


def test_what_is_no_occasion_cannot_be_told(ada):
    with pytest.raises(LookupError, match="The list of occasions lacks “birthday”"):
        notify(notices=[notice(ada), notice(ada, "birthday:1", kind="birthday")])

    assert Notification.objects.count() == 0


# Sums ---------------------------------------------------------------------------------------------------------


def add_up(user, count, **fields):
    given = {"title": "{count} leads are overdue", "stands_for": count, "url": "/queue/"}
    return notify(notices=[notice(user, "breach:many:9", **given | fields)])


def test_a_sum_grows_is_unread_again_and_is_mailed_once_it_stands_still(ada):
    add_up(ada, 1200)
    mark_read(user=ada)
    add_up(ada, 34)

    row = Notification.objects.get()
    assert (row.title, row.stands_for, row.read_at) == ("1,234 leads are overdue", 1234, None)
    assert OutboxMessage.objects.count() == 0
    assert row.mail_at is not None

    Notification.objects.update(mail_at=Now())
    mailing.post_due()
    assert OutboxMessage.objects.get().subject == "1,234 leads are overdue"


def test_a_sum_that_grows_for_ever_is_mailed_all_the_same(ada):
    add_up(ada, 6)
    first = Notification.objects.get().mail_at
    add_up(ada, 6)

    assert Notification.objects.get().mail_at == first


def test_in_a_flood_mails_wait_for_each_other(ada):
    for number in range(3):
        notify(notices=[notice(ada, f"breach:{number}")], is_flood=True)

    assert OutboxMessage.objects.count() == 0
    Notification.objects.update(mail_at=Now())
    mailing.post_due()
    assert OutboxMessage.objects.get().subject == "Late: breach:0 and 2 more"


def test_a_sum_never_reaches_who_wants_no_mail(ada):
    MailPreference.objects.create(user=ada, occasion="breach", mode=MailMode.NEVER)
    add_up(ada, 6)

    assert Notification.objects.get().mail_at is None


@pytest.mark.django_db(transaction=True)
def test_two_who_add_to_the_same_sums_at_once_lose_nothing():
    users = [make_user() for _ in range(4)]

    def add(order):
        given = {"title": "{count} leads are overdue", "stands_for": 10}
        for _ in range(10):
            notify(notices=[notice(user, "breach:many:9", **given) for user in order])

    threads = [Thread(lambda order=order: add(order)) for order in (users, users[::-1])]
    for thread in threads:
        thread.end()

    assert list(Notification.objects.values_list("stands_for", "title")) == [(200, "200 leads are overdue")] * 4


@pytest.mark.django_db(transaction=True)
def test_what_was_told_arrives(ada):
    tell(ada)
    outbox.deliver()

    assert [sent.to for sent in mail.outbox] == [["ada@example.com"]]


@pytest.mark.django_db(transaction=True)
def test_one_announcement_a_transaction_to_the_pages_of_those_who_are_told(ada):
    bea = make_user()
    with listening() as listener:
        notify(notices=[notice(ada, "1"), notice(bea, "1"), notice(ada, "2")])
        [payload] = listener.heard()
        assert json.loads(payload) == {"topic": "notifications", "ids": None, "users": sorted([ada.pk, bea.pk])}

        notify(notices=[notice(ada, "1")])
        assert listener.heard() == [], "nothing new"

        with transaction.atomic():
            tell(ada, 3)
            mark_read(user=ada)
            assert listener.heard() == [], "not before the commit"
        assert len(listener.heard()) == 1

        with transaction.atomic():
            notify(notices=[notice(ada, "9")])
            transaction.set_rollback(True)
        assert listener.heard() == []


def test_a_subject_has_a_kind_and_a_key(ada):
    with pytest.raises(IntegrityError):
        notify(notices=[notice(ada, subject_kind="lead")])


# Reading ------------------------------------------------------------------------------------------------------


def test_reading_one_and_all_counts_only_the_own(ada):
    bea = make_user()
    first, *_ = tell(ada, 3)
    tell(bea, 2)

    assert mark_read(user=bea, notification_id=first.pk) == 0
    assert mark_read(user=ada, notification_id=first.pk) == 1
    assert mark_read(user=ada, notification_id=first.pk) == 0
    assert (unread_count(ada), unread_count(bea)) == (2, 2)
    assert mark_read(user=ada) == 2
    assert (unread_count(ada), unread_count(bea)) == (0, 2)


def test_the_page_shows_the_own_newest_first(page, ada):
    tell(ada, 2)
    tell(make_user(), 1, title="Not for Ada")

    html = page.get(reverse("notifications")).content.decode()

    assert html.index("Late: breach:1") < html.index("Late: breach:0")
    assert "Not for Ada" not in html
    assert "2 unread" in html


def test_the_page_says_when_there_is_nothing(page):
    html = page.get(reverse("notifications")).content.decode()

    assert "Nothing to tell you" in html
    assert "Mark all as read" not in html


def test_what_others_wrote_is_escaped(page, ada):
    tell(ada, title="<script>alert(1)</script>", body="<b>")

    html = page.get(reverse("notifications")).content.decode()

    assert "<script>alert" not in html
    assert "&lt;b&gt;" in html


def test_pages_follow_each_other_by_key(page, ada):
    rows = tell(ada, 120)
    seen, url = [], reverse("notifications")
    while url:
        response = page.get(url)
        seen += [row.pk for row in response.context["rows"]]
        older = response.context["has_older"]
        url = older and f"{reverse('notifications')}?before={seen[-1]}"
        assert ("Older" in response.content.decode()) is older
        if older:
            assert url.replace("&", "&amp;") in response.content.decode()

    assert seen == [row.pk for row in rows]


def test_reading_on_an_older_page_stays_there(page, ada):
    newest, *_, oldest = tell(ada, 60)

    response = page.post(
        reverse("notification", args=[oldest.pk]) + f"?before={oldest.pk + 1}", headers={"HX-Request": "true"}
    )

    assert [row.pk for row in response.context["rows"]] == [oldest.pk]
    assert f'hx-get="{reverse("notifications")}?before={oldest.pk + 1}"' in response.content.decode()
    assert newest.title not in response.content.decode()


@pytest.mark.parametrize("before", ["x", "-1", "99999999999999999999999999"])
def test_a_made_up_place_is_no_error(page, ada, before):
    tell(ada)

    assert page.get(reverse("notifications"), {"before": before}).status_code == 200


def test_the_page_takes_the_same_queries_for_one_and_for_many(page, ada, django_assert_max_num_queries):
    tell(ada, 60)

    # Session, user with team, the rows, the unread count, and what the shell counts in the queue.
    with django_assert_max_num_queries(6):
        page.get(reverse("notifications"))


def test_opening_one_reads_it_and_goes_to_its_page(page, ada):
    [row] = tell(ada)

    response = page.get(reverse("notification", args=[row.pk]))

    assert (response.status_code, response["Location"]) == (302, "/leads/1/")
    assert unread_count(ada) == 0


def test_somebody_elses_stays_unread_and_untold(page):
    bea = make_user()
    [row] = tell(bea, url="/leads/7/")

    for response in (
        page.get(reverse("notification", args=[row.pk])),
        page.post(reverse("notification", args=[row.pk])),
    ):
        assert response["Location"] == reverse("notifications")
    assert unread_count(bea) == 1


def test_one_without_a_page_leads_back_to_the_list(page, ada):
    [row] = tell(ada, url="")

    assert page.get(reverse("notification", args=[row.pk]))["Location"] == reverse("notifications")


def test_marking_works_without_javascript(page, ada):
    first, *_ = tell(ada, 3)

    assert page.post(reverse("notification", args=[first.pk]))["Location"] == reverse("notifications")
    assert unread_count(ada) == 2
    assert page.post(reverse("notifications"))["Location"] == reverse("notifications")
    assert unread_count(ada) == 0


def test_marking_by_htmx_answers_the_list_and_the_count(page, ada):
    first, *_ = tell(ada, 3)

    response = page.post(reverse("notification", args=[first.pk]), headers={"HX-Request": "true"})

    html = response.content.decode()
    assert html.lstrip().startswith("<section")
    assert 'hx-swap-oob="true"' in html
    assert "2 unread" in html
    assert "HX-Request" in page.get(reverse("notifications"))["Vary"]


def test_the_badge_counts_what_is_unread(page, ada):
    tell(ada, 3)
    assert ">3<" in page.get(reverse("notifications_unread")).content.decode()

    mark_read(user=ada)
    assert page.get(reverse("notifications_unread")).content.decode().strip().endswith("></span>")


def test_every_role_reads_its_own(client):
    for role in Role:
        client.force_login(make_user(role))
        assert client.get(reverse("notifications")).status_code == 200
