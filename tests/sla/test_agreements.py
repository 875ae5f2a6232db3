"""The agreement: what publishing and signing change, what cannot count, and which plan a week goes by."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from alignment.ops.models import AuditEntry, Notification
from alignment.ops.versions import StaleDraftError
from alignment.people.models import Company
from sla import agreements
from sla.models import Agreement
from sla.promises import in_force, weekly_plan
from sla.terms import WON, Rate
from tests.factories import make_user
from tests.sla.agreements import TERMS, by_hand, make_agreement, make_heads, quarter_of

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 18)
"""In the fourth quarter of 2026, whose first week begins on 28 September."""
MONDAYS = [date(2026, 9, 28) + timedelta(weeks=at) for at in range(14)]


@pytest.fixture
def heads():
    return make_heads()


class TestPublish:
    def test_the_plan_is_stored_and_adds_up(self, heads):
        body = make_agreement(DAY).body
        assert [each["week"] for each in body["plan"]] == [str(day) for day in MONDAYS]
        assert sum(each["mqls"] for each in body["plan"]) == 667

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"target": None}, "revenue target"),
            ({"share": Decimal(2)}, "Marketing's part"),
            ({"quality": Decimal(0)}, "quality"),
            ({"rates": {**TERMS.rates, WON: by_hand("0")}}, "Win rate"),
            ({"rates": {**TERMS.rates, WON: by_hand("1.01")}}, "Win rate"),
            ({"rates": {**TERMS.rates, WON: Rate(Decimal("0.2"))}}, "say why"),
            ({"rates": {**TERMS.rates, WON: by_hand("0.000001")}}, "MQLs"),
            ({"season": [Decimal(1)] * 3}, "14 weeks"),
            ({"season": [Decimal(0)] * 14}, "one above 0"),
            ({"per_rep": 0}, "Capacity"),
            ({"review_on": None}, "review"),
            ({"review_on": date(2026, 9, 30)}, "review"),
            ({"texts": {"penalties": "x" * 6001}}, "at most 6000"),
        ],
    )
    def test_what_cannot_count_is_refused_with_a_sentence(self, changes, sentence):
        with pytest.raises(ValidationError, match=sentence):
            make_agreement(DAY, **changes)
        assert Agreement.published("2026-10-01") is None

    def test_a_draft_that_moved_on_is_refused(self):
        draft = agreements.begin(quarter=quarter_of(DAY), by=None)
        draft = agreements.change(draft=draft, terms=TERMS, by=None)
        seen = Agreement.objects.get(pk=draft.pk)
        agreements.change(draft=draft, terms=TERMS, by=None)
        with pytest.raises(StaleDraftError):
            agreements.publish(draft=seen, by=None)

    def test_a_published_version_stands(self):
        version = make_agreement(DAY)
        with pytest.raises(IntegrityError, match="stands as it is"), transaction.atomic():
            Agreement.objects.filter(pk=version.pk).update(body={})

    def test_both_heads_are_asked_to_sign(self, heads):
        make_agreement(DAY)
        asked = Notification.objects.filter(kind="agreement_published")
        assert sorted(asked.values_list("user", flat=True)) == sorted(head.pk for head in heads)
        assert {each.title for each in asked} == {"The agreement for Q4 2026 waits for your signature"}

    def test_the_next_quarter_begins_with_the_terms_of_this_one(self):
        make_agreement(DAY, per_rep=8, season=[Decimal(1)] * 14)
        draft = agreements.begin(quarter=quarter_of(date(2027, 2, 1)), by=None)
        assert draft.body["per_rep"] == 8
        assert draft.body["rates"]["won"]["value"] == "0.25"
        assert (draft.body["season"], draft.body["plan"], draft.body["review_on"]) == ([], [], None)


class TestSign:
    def test_it_is_in_force_when_both_have_signed(self, heads):
        version = make_agreement(DAY, heads[0])
        assert in_force(quarter_of(DAY)) is None
        agreements.sign(version_id=version.pk, by=heads[1])
        assert in_force(quarter_of(DAY)) == version
        signed = AuditEntry.objects.filter(action="agreement_signed").order_by("pk").values_list("actor", flat=True)
        assert list(signed) == [head.pk for head in heads]

    def test_who_heads_both_sides_signs_for_both(self):
        head = make_user(role="manager")
        Company.objects.update(marketing_head=head, sales_head=head)
        version = make_agreement(DAY)
        assert agreements.sign(version_id=version.pk, by=head) == ["marketing", "sales"]
        assert in_force(quarter_of(DAY)) == version

    def test_nobody_signs_twice_for_the_other_or_what_is_no_longer_the_newest(self, heads):
        version = make_agreement(DAY, heads[0])
        with pytest.raises(ValidationError, match="nothing left"):
            agreements.sign(version_id=version.pk, by=heads[0])
        with pytest.raises(ValidationError, match="nothing left"):
            agreements.sign(version_id=version.pk, by=make_user(role="revops"))
        make_agreement(DAY)
        with pytest.raises(ValidationError, match="newest"):
            agreements.sign(version_id=version.pk, by=heads[1])

    def test_a_signature_stays(self, heads):
        row = make_agreement(DAY, *heads).signatures.first()
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            row.delete()


class TestReview:
    def test_both_heads_hear_of_it_a_week_before_and_on_the_day(self, heads):
        make_agreement(DAY, *heads, review_on=date(2026, 12, 14))
        days = [datetime(2026, 12, day, 9, tzinfo=UTC) for day in (6, 7, 8, 14, 15)]
        told = [agreements.remind_of_reviews(at=day) for day in days]
        assert told == [0, 2, 0, 2, 0]
        titles = Notification.objects.filter(user=heads[0], kind="agreement_review").order_by("pk")
        assert [each.title for each in titles] == [
            "The review of your agreement is due on 14 December", "The review of your agreement is due today",
        ]  # fmt: skip

    def test_only_the_newest_version_is_reviewed(self, heads):
        make_agreement(DAY, *heads, review_on=date(2026, 12, 14))
        make_agreement(DAY, review_on=date(2027, 3, 1))
        assert agreements.remind_of_reviews(at=datetime(2026, 12, 14, 9, tzinfo=UTC)) == 0

    def test_it_costs_two_queries_while_no_review_is_near(self, heads, django_assert_max_num_queries):
        make_agreement(DAY, *heads, review_on=date(2026, 12, 14))
        with django_assert_max_num_queries(4):  # with the savepoint
            assert agreements.remind_of_reviews(at=datetime(2026, 11, 18, 9, tzinfo=UTC)) == 0


class TestWeeklyPlan:
    def test_only_what_both_signed_is_a_plan(self, heads):
        make_agreement(DAY, heads[1])
        assert weekly_plan(MONDAYS) == {}
        assert weekly_plan([]) == {}

    def test_a_week_without_plan_is_absent(self, heads):
        version = make_agreement(DAY, *heads)
        plan = weekly_plan([MONDAYS[0] - timedelta(days=7), *MONDAYS, MONDAYS[-1] + timedelta(days=7)])
        assert list(plan) == MONDAYS
        assert sum(week.mqls for week in plan.values()) == 667
        assert {(week.acceptance, week.version_id) for week in plan.values()} == {(Decimal("0.75"), version.pk)}

    def test_a_version_that_only_one_head_signed_leaves_the_one_before_in_force(self, heads):
        first = make_agreement(DAY, *heads)
        make_agreement(DAY, heads[0], target=Decimal(1_200_000))
        assert {week.version_id for week in weekly_plan(MONDAYS).values()} == {first.pk}

    def test_what_is_signed_in_a_running_quarter_rewrites_no_week_that_is_over(self, heads):
        first = make_agreement(DAY, *heads, at=datetime(2026, 10, 12, 9, tzinfo=UTC))
        second = make_agreement(DAY, *heads, at=datetime(2026, 11, 18, 9, tzinfo=UTC), target=Decimal(1_200_000))
        found = [week.version_id for week in weekly_plan(MONDAYS).values()]
        assert found == [first.pk] * 7 + [second.pk] * 7

    def test_the_queries_do_not_grow_with_the_weeks(self, heads):
        make_agreement(DAY, *heads)
        make_agreement(date(2026, 8, 18), *heads)
        with CaptureQueriesContext(connection) as queries:
            weekly_plan([MONDAYS[0] - timedelta(weeks=10), *MONDAYS])
        assert len(queries) == 2
