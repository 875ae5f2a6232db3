"""The public files give exactly the facts that are known of them, and each file counts once."""

import io
import json
import os
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Count, Q, Sum

from leads.models import ExternalReference, Journey, Lead, Opportunity

MAPPINGS = Path(__file__).parent.parent / "data" / "mappings"
DATA = os.environ.get("ACCORD_PUBLIC_DATA", "")

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not DATA, reason="ACCORD_PUBLIC_DATA does not name the folder of the public data"),
]


def load(file: str, mapping: str, tmp_path: Path) -> dict:
    out = io.StringIO()
    path = Path(DATA) / file
    call_command(
        "import_csv", str(path), mapping=MAPPINGS / mapping, rejected=tmp_path / "rejected.csv", json=True, stdout=out
    )
    return json.loads(out.getvalue())


@pytest.fixture
def olist(tmp_path):
    leads = load("olist/olist_marketing_qualified_leads_dataset.csv", "olist_leads.json", tmp_path)
    return leads, load("olist/olist_closed_deals_dataset.csv", "olist_deals.json", tmp_path)


@pytest.fixture
def maven(tmp_path):
    load("maven/sales_teams.csv", "maven_teams.json", tmp_path)
    return load("maven/sales_pipeline.csv", "maven_pipeline.json", tmp_path)


def test_olist_by_origin(olist):
    rows = Journey.objects.values_list("source__key").annotate(
        leads=Count("id"), won=Count("id", filter=Q(outcome="won"))
    )
    assert set(rows) == {
        ("organic_search", 2296, 271), ("paid_search", 1586, 195), ("social", 1350, 75), ("unknown", 1099, 179),
        ("direct_traffic", 499, 56), ("email", 493, 15), ("referral", 284, 24), ("other", 150, 4),
        ("display", 118, 6), ("other_publicities", 65, 3), (None, 60, 14),
    }  # fmt: skip


def test_olist_invents_nothing(olist):
    won = Journey.objects.filter(outcome="won")
    assert won.count() == 842
    assert not Journey.objects.filter(
        Q(mgl_at__isnull=False) | Q(sql_at__isnull=False) | Q(sqo_at__isnull=False)
    ).exists()
    assert Journey.objects.filter(outcome="", reached=2).count() == 7_158


def test_olist_people_and_pages(olist):
    sold = Lead.objects.filter(owner__isnull=False)
    assert sold.values("owner").distinct().count() == 22
    assert sold.values("attributes__sdr_id").distinct().count() == 32
    assert Lead.objects.values("attributes__landing_page_id").distinct().count() == 495


def test_olist_by_month(olist):
    with connection.cursor() as cursor:
        counts = {}
        for column in ("mql_at", "won_at"):
            cursor.execute(
                f"SELECT to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM') AS month, count(*) FROM leads_journey "
                f"WHERE {column} IS NOT NULL GROUP BY month ORDER BY month"
            )
            counts[column] = [count for _, count in cursor.fetchall()]
    assert counts["mql_at"] == [4, 239, 386, 312, 416, 445, 200, 1141, 1028, 1174, 1352, 1303]
    assert counts["won_at"] == [3, 73, 113, 147, 207, 122, 57, 37, 33, 23, 21, 6]


def test_olist_days_to_won_and_its_contradiction(olist):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY days), round(avg(days), 4), max(days), min(days) FROM ("
            "SELECT (won_at AT TIME ZONE 'UTC')::date - (mql_at AT TIME ZONE 'UTC')::date AS days "
            "FROM leads_journey WHERE won_at IS NOT NULL) AS each"
        )
        assert cursor.fetchone() == (14, Decimal("48.4406"), 427, -2)
    early = ExternalReference.objects.get(external_id="b91cf8812365f50ff4bda4bcd6206b05").lead
    assert olist[1]["contradiction"] == 1
    assert early.journeys.get().outcome == "won"


def test_olist_twice_changes_nothing(olist, tmp_path):
    before = list(Journey.objects.order_by("pk").values())
    leads = load("olist/olist_marketing_qualified_leads_dataset.csv", "olist_leads.json", tmp_path)
    deals = load("olist/olist_closed_deals_dataset.csv", "olist_deals.json", tmp_path)
    assert (leads["unchanged"], leads["moves"], deals["unchanged"], deals["moves"]) == (8_000, 0, 842, 0)
    assert list(Journey.objects.order_by("pk").values()) == before


def test_maven_states_and_amounts(maven):
    by_state = dict(Opportunity.objects.values_list("state").annotate(Count("id")))
    assert by_state == {"won": 4_238, "lost": 2_473, "open": 1_589}
    assert Journey.objects.filter(outcome="", reached=3, entered_at=None).count() == 500
    won = Opportunity.objects.filter(state="won").aggregate(value=Sum("amount"))["value"]
    assert won == 10_005_534
    assert round(100 * 4_238 / (4_238 + 2_473), 2) == 63.15


def test_maven_by_quarter_and_office(maven):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(amount), count(*) FROM leads_opportunity WHERE state = 'won' "
            "GROUP BY date_trunc('quarter', closed_at AT TIME ZONE 'UTC') ORDER BY min(closed_at)"
        )
        quarters = cursor.fetchall()
    assert [int(value) for value, _ in quarters] == [1_134_672, 3_086_111, 2_982_255, 2_802_496]
    assert [count for _, count in quarters] == [531, 1_254, 1_257, 1_196]
    offices = Journey.objects.filter(outcome="won").values_list("team__name").annotate(Sum("opportunity__amount"))
    assert dict(offices) == {"West": 3_568_647, "Central": 3_346_293, "East": 3_090_594}


def test_maven_cycle_products_and_accounts(maven):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY closed_at::date - opened_at::date), "
            "round(avg(closed_at::date - opened_at::date), 2) FROM leads_opportunity WHERE state = 'won'"
        )
        assert cursor.fetchone() == (57, Decimal("51.78"))
    assert not Opportunity.objects.filter(product="GTXPro").exists()
    assert Lead.objects.filter(account=None).count() == 1_425
