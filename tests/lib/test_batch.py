"""Rows in sets arrive as they were given."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from alignment.integrations.models import SavedMapping
from alignment.lib import batch
from leads.models import Campaign, ScoringVersion, Source

pytestmark = pytest.mark.django_db


def campaign(key, **fields):
    return {"key": key, "name": "Fair", "cost": None, "currency": ""} | fields


@pytest.mark.parametrize(
    "text",
    [
        "Müller & Søn “quoted” 'twice'", "a\\b", "line\nbreak\ttab", "\\u0000", "\\\\u0000", "\\", "{}[],:", "%s %%",
        "NULL", "🦊", "\x1f",
    ],
)  # fmt: skip
def test_text_is_kept_to_the_letter(text):
    batch.insert(Source, [{"key": "one", "name": text}])
    batch.insert(Source, [{"key": "two", "name": text}, {"key": "three", "name": "Other"}])
    assert list(Source.objects.order_by("pk").values_list("name", flat=True)) == [text, text, "Other"]


@pytest.mark.parametrize(
    ("given", "stored"), [("\0", ""), ("a\0b\0\0c", "abc"), ("\\\0", "\\"), ("\\\\u0000\0", "\\\\u0000")]
)
def test_only_nul_is_cut(given, stored):
    batch.insert(Source, [{"key": "one", "name": given}])
    assert Source.objects.get().name == stored


def test_values_keep_their_precision():
    batch.insert(Campaign, [campaign("fair", cost=Decimal("1234567890.12"), currency="EUR")])
    assert Campaign.objects.get().cost == Decimal("1234567890.12")
    moment = datetime(2026, 3, 29, 1, 59, 59, 999999, tzinfo=UTC)
    batch.update(Campaign, [{"id": Campaign.objects.get().pk, "retired_at": moment}])
    assert Campaign.objects.get().retired_at == moment


@pytest.mark.parametrize(
    "documents",
    [
        [{"a": 1}, {"a": True}, {"a": 1.0}], [{}, {"a": [None, "null"]}], ["null", "{}", ""], [0, "0"], [[], {}],
        [{"a": "1"}], [[1], [1]],
    ],
)  # fmt: skip
def test_documents_are_kept_to_the_letter(documents):
    rows = [{"header_key": "one", "name": str(number), "mapping": each} for number, each in enumerate(documents)]
    batch.insert(SavedMapping, rows)
    stored = SavedMapping.objects.order_by("pk").values_list("mapping", flat=True)
    assert json.dumps(list(stored)) == json.dumps(documents)


@pytest.mark.parametrize("lists", [[[], [1, 2]], [[7]], [[], []], [[1], [1]]])
def test_lists_are_kept(lists):
    rows = [
        {
            "scope": str(number), "audience": "", "number": 1, "state": "draft", "body": {}, "note": "", "revision": 1,
            "territories": each, "release": "by_touch",
        }
        for number, each in enumerate(lists)
    ]  # fmt: skip
    batch.insert(ScoringVersion, rows)
    stored = ScoringVersion.objects.filter(state="draft").order_by("pk").values_list("territories", flat=True)
    assert list(stored) == lists


def test_a_text_that_is_too_long_is_an_error_and_is_not_cut():
    for rows in ([{"key": "k" * 81, "name": "One"}], [{"key": "k" * 81, "name": "One"}, {"key": "k", "name": "Two"}]):
        with pytest.raises(DataError), transaction.atomic():
            batch.insert(Source, rows)


def test_what_all_rows_agree_on_is_written_to_all_of_them():
    batch.insert(Campaign, [campaign(str(number)) for number in range(3)])
    batch.update(
        Campaign,
        [{"id": pk, "cost": Decimal(5), "currency": "EUR"} for pk in Campaign.objects.values_list("pk", flat=True)],
    )
    assert list(Campaign.objects.values_list("cost", "currency")) == [(Decimal(5), "EUR")] * 3


def test_what_json_cannot_say_is_an_error_and_not_a_guess():
    with pytest.raises(TypeError):
        batch.insert(Source, [{"key": "one", "name": object()}])


def test_one_statement_whatever_the_number():
    with CaptureQueriesContext(connection) as captured:
        batch.insert(Source, [{"key": str(number), "name": "Any"} for number in range(500)])
        batch.insert(Source, [])
        batch.update(Source, [{"id": pk, "name": "Other"} for pk in Source.objects.values_list("pk", flat=True)])
    assert len(captured) == 3
    assert set(Source.objects.values_list("name", flat=True)) == {"Other"}


def test_rows_come_back_in_their_order():
    back = batch.insert(
        Source, [{"key": key, "name": key} for key in "cab"], conflict="ON CONFLICT DO NOTHING", returning=("key",)
    )
    assert back == [("c",), ("a",), ("b",)]
    again = [{"key": key, "name": key} for key in "abd"]
    assert batch.insert(Source, again, conflict="ON CONFLICT DO NOTHING", returning=("key",)) == [("d",)]


def test_an_update_counts_the_rows_that_it_wrote():
    batch.insert(Campaign, [campaign("fair"), campaign("show")])
    first, second = Campaign.objects.order_by("pk").values_list("pk", flat=True)
    changes = [{"id": first, "name": "Fair"}, {"id": second, "name": "Show"}, {"id": 0, "name": "Nobody"}]
    assert batch.update(Campaign, changes, where_differs=("name",)) == 1
    assert batch.update(Campaign, changes) == 2
    assert batch.update(Campaign, [{"key": "fair", "runs_on": None}], key=("key",)) == 1
