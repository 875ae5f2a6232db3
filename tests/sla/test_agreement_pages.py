"""The agreement as people use it: RevOps drafts, both heads sign, everybody reads."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from alignment.people.models import Company, Role
from leads.milestones import Milestone
from leads.models import Score
from sla.models import Agreement, Clock, PolicySet
from sla.promises import in_force
from sla.rules import Rule
from sla.terms import Terms
from tests.factories import make_agreement_draft, make_user
from tests.sla.agreements import make_agreement, make_heads, quarter_of
from tests.sla.stories import arrive, promise

pytestmark = pytest.mark.django_db

Q4 = "/agreement/2026-10-01/"
DAY = datetime(2026, 11, 18, tzinfo=UTC).date()


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def revops():
    return signed_in(make_user(Role.REVOPS))


def terms(**given):
    return {
        "target": "600000", "next_target": "", "share": "100", "quality": "75", "season": "even", "weights": "",
        "per_rep": "8", "review_on": "2026-12-14", "purpose": "One <b>target</b>", "penalties": "", "consequences": "",
        "deal": "12000", "deal_reason": "As last year", "won": "25", "won_reason": "As last year",
        "opportunity": "50", "opportunity_reason": "As last year", "accepted": "60", "accepted_reason": "As last year",
        "lag": "0", "lag_reason": "As last year", "revision": str(Agreement.draft("2026-10-01").revision), **given,
    }  # fmt: skip


def text(response):
    assert response.status_code == 200
    return response.content.decode()


class TestRead:
    def test_a_quarter_without_agreement_says_who_drafts_it(self):
        page = text(signed_in(make_user(Role.REP)).get(Q4))
        assert "Nothing is agreed for Q4 2026" in page
        assert "RevOps drafts it." in page

    def test_everybody_reads_both_promises_and_the_arithmetic(self):
        make_agreement(DAY, *make_heads(), per_rep=8)
        page = text(signed_in(make_user(Role.REP)).get(Q4))
        assert "<b>667</b> MQLs in Q4 2026, of which sales accepts <b>75%</b>" in page
        for words in ("÷ 12,000 EUR a deal", "÷ 25 % won", "666.7", "Set by hand: As last year"):
            assert words in page
        assert "Sales answers every marketing lead within 48 hours" in page
        assert "<b>8</b> leads for each rep and working day" in page
        assert "The steering committee hears of it." in page

    @pytest.mark.parametrize("scope", ["2026-10-02", "2026-13-01", "nonsense", "2026-11-01", "1890-01-01"])
    def test_what_is_no_quarter_is_not_found(self, revops, scope):
        assert revops.get(f"/agreement/{scope}/").status_code == 404

    def test_any_month_can_begin_the_fiscal_year(self, revops):
        Company.objects.update(fiscal_year_start_month=2)
        assert revops.get("/agreement/2026-11-01/").status_code == 200
        assert revops.get(Q4).status_code == 404

    def test_the_queries_do_not_grow_with_the_versions(self, revops, django_assert_max_num_queries):
        heads = make_heads()
        for target in (600_000, 700_000, 800_000):
            make_agreement(DAY, *heads, target=target)
        with django_assert_max_num_queries(45):
            text(revops.get(Q4))


class TestDraft:
    def test_it_is_drafted_previewed_and_published(self, revops):
        assert revops.post(f"{Q4}begin/").status_code == 302
        assert "Not enough data in history: 0 cases." in text(revops.get(f"{Q4}draft/"))
        assert revops.post(f"{Q4}draft/", terms()).status_code == 302
        preview = text(revops.get(f"{Q4}publish/"))
        assert "<b>667</b> MQLs" in preview
        assert "One &lt;b&gt;target&lt;/b&gt;" in preview
        assert Agreement.published("2026-10-01") is None
        revision = Agreement.draft("2026-10-01").revision
        assert revops.post(f"{Q4}publish/", {"revision": revision, "note": "First"}).status_code == 302
        assert sum(week["mqls"] for week in Agreement.published("2026-10-01").body["plan"]) == 667

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ({"target": ""}, "This field is required"),
            ({"won_reason": ""}, "It is not what history says: say why."),
            ({"season": "by_hand", "weights": "1, 2"}, "The quarter has 14 weeks"),
            ({"season": "by_hand", "weights": "1, x"}, "Write numbers with commas"),
            ({"season": "last_year"}, "Not enough data: 0 MQLs"),
            ({"won": "101"}, "less than or equal to 100"),
        ],
    )
    def test_mistakes_are_told_at_the_field_and_nothing_is_lost(self, revops, given, sentence):
        revops.post(f"{Q4}begin/")
        answer = revops.post(f"{Q4}draft/", terms(**given, penalties="Kept words"))
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
        assert "Kept words" in answer.content.decode()

    def test_weights_by_hand_make_the_weeks(self, revops):
        revops.post(f"{Q4}begin/")
        revops.post(f"{Q4}draft/", terms(season="by_hand", weights="1" + ", 0" * 13))
        revops.post(f"{Q4}publish/", {"revision": Agreement.draft("2026-10-01").revision})
        plan = Terms.read(Agreement.published("2026-10-01").body).plan
        assert [week.mqls for week in plan] == [667, *[0] * 13]

    def test_what_cannot_count_is_not_published(self, revops):
        revops.post(f"{Q4}begin/")
        answer = revops.post(f"{Q4}publish/", {"revision": 1})
        assert answer.status_code == 422
        assert "Give the revenue target of the quarter." in answer.content.decode()

    def test_two_who_edit_do_not_overwrite_each_other(self, revops):
        make_agreement_draft()
        stale = terms(target="1")
        revops.post(f"{Q4}draft/", terms(target="700000"))
        revops.post(f"{Q4}draft/", stale)
        assert Terms.read(Agreement.draft("2026-10-01").body).target == 700_000

    def test_a_draft_is_discarded(self, revops):
        draft = make_agreement_draft()
        revops.post(f"{Q4}discard/", {"revision": draft.revision})
        assert Agreement.draft("2026-10-01") is None
        assert revops.get(f"{Q4}draft/").status_code == 302


class TestSign:
    def test_only_the_heads_sign_and_both_put_it_in_force(self, revops):
        heads = make_heads()
        make_agreement(DAY)
        url = f"{Q4}1/"
        assert "Not in force: both heads sign first." in text(revops.get(url))
        assert revops.post(f"{url}sign/").status_code == 403
        for head in heads:
            client = signed_in(head)
            assert "Sign version 1" in text(client.get(url))
            assert client.post(f"{url}sign/").status_code == 302
            assert "Sign version 1" not in text(client.get(url))
        assert in_force(quarter_of(DAY)).number == 1
        page = text(revops.get(Q4))
        assert "In force since" in page
        assert all(head.name in page for head in heads)

    def test_a_side_without_head_is_told(self, revops):
        make_agreement(DAY)
        assert "Sales has no head who could sign." in text(revops.get(f"{Q4}1/"))

    def test_versions_show_what_changed(self, revops):
        heads = make_heads()
        make_agreement(DAY, *heads)
        make_agreement(DAY, target=1_200_000)
        page = text(revops.get(f"{Q4}2/"))
        assert "<del>600,000 EUR</del>" in page
        assert "<ins>1,200,000 EUR</ins>" in page
        assert "version 1</a> is." in page
        revops.post(f"{Q4}1/restore/")
        assert Agreement.draft("2026-10-01").body["target"] == "600000"


class TestWhatIf:
    ASK = "/agreement/what-if/?kind=disposition&target=4&unit=elapsed_hours&score=90"

    def test_it_tells_breaches_and_load_and_changes_nothing(self, revops):
        at = timezone.now() - timedelta(days=10)
        hot, _ = arrive((Milestone.MQL, at), leads=2)
        Score.objects.filter(lead_id=hot).update(points=95)
        before = list(Clock.objects.values_list("due_at", flat=True))
        versions = PolicySet.objects.count()
        page = text(revops.get(self.ASK))
        assert "If the score is at least 90" in page
        assert "about <b>1</b> lead: <b>0</b> kept, <b>1</b> broken" in page
        assert list(Clock.objects.values_list("due_at", flat=True)) == before
        assert PolicySet.objects.count() == versions

    def test_bad_input_is_told(self, revops):
        answer = revops.get(self.ASK.replace("target=4", "target=0"))
        assert answer.status_code == 422
        assert "greater than or equal to 1" in answer.content.decode()

    def test_nobody_like_this(self, revops):
        assert "No lead like this" in text(revops.get(self.ASK))


def test_both_sides_answers_to_disputes_and_updates_of_deals_are_listed(client):
    promise(Rule("Deals are kept up to date", target=24), kind="deal_update")
    make_agreement(timezone.localdate(), *make_heads())
    client.force_login(make_user(Role.REVOPS))
    page = client.get("/agreement/").content.decode()
    marketing, sales = page.split('id="sales-title"')
    assert "Answers to disputes" in marketing
    assert "Updates of an open deal" not in marketing
    assert "Answers to disputes" in sales
    assert "For every deal" in sales
