"""Who brought a deal: by rule, with its evidence, against a judge of its own, and corrected until the books close."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from alignment.ops.models import AuditEntry
from leads import lifecycle, touches
from leads.deals import customers, deals, sourcing
from leads.drafts import DealDraft
from leads.models import DealRules, Opportunity, Source, Sourcing
from leads.touches import Touch
from tests.factories import make_account, make_free_deal, make_user
from tests.leads.stories import HISTORY, arrive, arrived, by, learn, to

pytestmark = pytest.mark.django_db

SQO = datetime(2026, 5, 20, 12, tzinfo=UTC)


def deal_of(lead, at=SQO, **fields):
    """A deal that the lead carries, an opportunity since `at`."""
    [pk] = deals.open_deals(drafts=[DealDraft("Deal", "EUR", lead_id=lead, opened_at=at, **fields)], cause=HISTORY)
    learn(lead, to("sqo", at, opportunity_id=pk), cause=HISTORY)
    return Opportunity.objects.get(pk=pk)


def touched(lead, days_before, **fields):
    given = {"kind": "visit", "title": "Visited", "at": SQO - timedelta(days=days_before)} | fields
    touches.record(touches=[Touch(lead, **given)], cause=HISTORY)


def said(deal):
    return Sourcing.objects.filter(opportunity=deal).latest("id")


class TestRule:
    def test_the_first_engaged_touch_within_the_look_back_decides(self):
        lead = arrived(to("mgl"))
        touched(lead, 181, title="Too old", direction="outbound")
        touched(lead, 100, title="Opened", is_engaged=False)
        touched(lead, 90, title="Webinar")
        touched(lead, 20, title="Called", direction="outbound")
        deal = deal_of(lead)
        row = said(deal)
        assert (deal.sourced_by, row.rule, row.touch.title, row.lead_id) == ("marketing", "touch", "Webinar", lead)
        assert (row.sqo_at, row.days, row.touched_at) == (SQO, 180, SQO - timedelta(days=90))

    def test_a_touch_of_anybody_in_the_buying_group_counts(self):
        lead, [colleague] = arrived(to("mgl")), arrive(to("mgl"))
        touched(lead, 20)
        touched(colleague, 50, direction="outbound")
        [pk] = deals.open_deals(drafts=[DealDraft("Deal", "EUR", lead_id=lead, opened_at=SQO)], cause=HISTORY)
        Opportunity.objects.get(pk=pk).contacts.create(lead_id=colleague)
        learn(lead, to("sqo", SQO, opportunity_id=pk), cause=HISTORY)
        assert said(Opportunity.objects.get(pk=pk)).lead_id == colleague
        assert Opportunity.objects.get(pk=pk).sourced_by == "sales"

    def test_sources_of_partners_and_of_sales_are_theirs(self):
        partner, fair = Source.objects.create(key="partner"), Source.objects.create(key="fair")
        DealRules.objects.get().partner_sources.add(partner)
        DealRules.objects.get().sales_sources.add(fair)
        for channel, who in ((partner, "partner"), (fair, "sales"), (None, "marketing")):
            lead = arrived(to("mgl"))
            touched(lead, 9, channel_id=channel and channel.pk)
            assert deal_of(lead).sourced_by == who

    def test_without_a_touch_the_channel_of_the_lead_decides_and_else_sales_found_it(self):
        came = arrived(to("mgl", SQO - timedelta(days=30)), source="Web")
        alone = arrived(to("mgl", SQO - timedelta(days=30)))
        first, second = deal_of(came), deal_of(alone)
        assert (first.sourced_by, said(first).rule, said(first).channel.key) == ("marketing", "entry", "web")
        assert (second.sourced_by, said(second).rule) == ("sales", "nothing")

    def test_what_is_sold_to_a_customer_comes_from_the_customer(self):
        account = make_account()
        assert said(make_free_deal(kind="renewal")).rule == "kind"
        customers.say(
            account_id=account.pk, began_on=date(2026, 5, 1), ended_on=date(2026, 5, 19), note="", cause=by(),
            today=date(2026, 6, 1),
        )  # fmt: skip
        while_it_was = make_free_deal(account=account, opened_at=SQO - timedelta(days=1))
        afterwards = make_free_deal(account=account, opened_at=SQO)
        assert (while_it_was.sourced_by, said(while_it_was).rule) == ("customer", "customer")
        assert (afterwards.sourced_by, said(afterwards).rule) == ("sales", "nothing")

    def test_of_a_deal_without_a_date_nobody_can_say(self):
        [pk] = deals.open_deals(drafts=[DealDraft("Deal", "EUR", is_undated=True)], cause=HISTORY)
        assert Opportunity.objects.get(pk=pk).sourced_by == ""
        assert not Sourcing.objects.exists()

    def test_it_is_said_once(self):
        lead = arrived(to("mgl"))
        deal = deal_of(lead)
        touched(lead, 9)
        lifecycle.advance(lead_ids=[lead], to=deal.stage, cause=by())
        assert Sourcing.objects.filter(opportunity=deal).count() == 1

    @given(
        history=st.lists(
            st.tuples(
                st.integers(-2, 40), st.booleans(), st.sampled_from(["inbound", "outbound", "intent"]),
                st.sampled_from(["", "partner", "fair", "web"]),
            ),
            max_size=6,
            unique_by=lambda touch: touch[0],
        ),
        days=st.integers(1, 40),
    )  # fmt: skip
    def test_it_agrees_with_a_judge_of_its_own(self, history, days):
        with transaction.atomic():
            sources = {key: Source.objects.create(key=key) for key in ("partner", "fair", "web")}
            rules = DealRules.objects.get()
            DealRules.objects.update(lookback_days=days)
            rules.partner_sources.add(sources["partner"])
            rules.sales_sources.add(sources["fair"])
            lead = arrived(to("mgl"))
            for before, is_engaged, direction, channel in history:
                channel_id = sources[channel].pk if channel else None
                touched(lead, before, is_engaged=is_engaged, direction=direction, channel_id=channel_id)
            assert deal_of(lead).sourced_by == _judge(history, days)
            transaction.set_rollback(True)


def _judge(history, days):
    """The rule in plain Python: the oldest engaged touch that is not too old and not after the deal."""
    counting = [touch for touch in history if touch[1] and 0 <= touch[0] <= days]
    if not counting:
        return "sales"
    _, _, direction, channel = max(counting)
    if channel in ("partner", "fair"):
        return {"partner": "partner", "fair": "sales"}[channel]
    return "sales" if direction == "outbound" else "marketing"


class TestBooks:
    @pytest.mark.parametrize(
        ("sqo_at", "closing_day", "closes_at"),
        [
            ("2026-05-20T12:00+00:00", 5, "2026-06-06T00:00+02:00"),
            # Already June in Berlin.
            ("2026-05-31T22:30+00:00", 1, "2026-07-02T00:00+02:00"),
            # The clocks change between.
            ("2026-10-25T00:30+00:00", 28, "2026-11-29T00:00+01:00"),
            ("2026-12-31T10:00+00:00", 5, "2027-01-06T00:00+01:00"),
        ],
    )
    def test_they_close_after_a_day_of_the_next_month_in_the_companys_zone(self, sqo_at, closing_day, closes_at):
        closed = sourcing.books_close_at(
            datetime.fromisoformat(sqo_at), zone=ZoneInfo("Europe/Berlin"), closing_day=closing_day
        )
        assert closed == datetime.fromisoformat(closes_at)

    def test_a_correction_is_a_row_of_its_own_and_in_the_audit_log(self):
        deal, manager = make_free_deal(), make_user()
        sourcing.correct(opportunity_id=deal.pk, sourced_by="marketing", why="Met at our booth", cause=by(manager.pk))
        deal.refresh_from_db()
        assert [(row.sourced_by, row.rule) for row in deal.sourcings.order_by("id")] == [
            ("sales", "nothing"), ("marketing", "correction"),
        ]  # fmt: skip
        assert deal.sourced_by == "marketing"
        entry = AuditEntry.objects.get(action="sourcing_corrected")
        assert (entry.actor, entry.subject_id, entry.detail["why"]) == (manager, deal.pk, "Met at our booth")

    def test_closed_books_stay_as_they_are(self):
        deal = make_free_deal(opened_at=timezone.now() - timedelta(days=70))
        with pytest.raises(sourcing.SourcingError, match="closed on"):
            sourcing.correct(opportunity_id=deal.pk, sourced_by="marketing", why="Late", cause=by())
        assert deal.sourcings.count() == 1

    def test_the_same_again_is_none(self):
        with pytest.raises(sourcing.SourcingError, match="sales already"):
            sourcing.correct(opportunity_id=make_free_deal().pk, sourced_by="sales", why="So it is", cause=by())


def test_one_statement_for_any_number():
    def decided(count):
        opened = deals.open_deals(
            drafts=[DealDraft("Deal", "EUR", lead_id=pk, amount=Decimal(9)) for pk in arrive(to("mgl"), leads=count)],
            cause=by(),
        )
        with CaptureQueriesContext(connection) as captured:
            assert sourcing.decide(opportunity_ids=opened, cause=by(), now=timezone.now()) == count
        return len(captured)

    assert decided(1) == decided(9) == 1
