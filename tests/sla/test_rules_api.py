"""The rules of promises by the API: what counts for each kind, with its ladder and who signed it."""

import pytest

from alignment.people.models import Role
from leads.models import Segment
from sla import signing
from sla.rules import Rule
from tests.api.asking import api
from tests.sla.agreements import make_heads
from tests.sla.stories import promise

pytestmark = pytest.mark.django_db


def rules():
    return {each["kind"]: each for each in api(Role.REP).get("promise-rules/").json()["results"]}


def test_each_kind_has_its_rules_in_their_order():
    Segment.objects.create(key="retail", name="Retail")
    about = {"match": "all", "of": [{"field": "segment", "operator": "is", "values": ["retail"]}]}
    promise(Rule("Retail", when=about, target=4, reminders=(75,), pauses=("away",)), Rule("Others", is_promised=False))
    told = rules()
    first, second = told["disposition"]["rules"]
    assert (first["within"], first["reminders"], first["pauses"]) == ("4 hours", [75], ["away"])
    assert first["says"] == "If the segment is Retail"
    assert (second["says"], second["is_promised"]) == ("For every lead", False)
    assert (told["deal_update"]["version"], told["deal_update"]["rules"]) == (None, [])
    assert told["dispute_answer"]["sides"] == ["marketing", "sales"]
    assert told["worked"]["begins"] == "sales accepts a lead"


def test_who_signed_the_ladder_is_told():
    [policy] = promise(Rule("Within a day", target=24, hands_over=True))
    marketing, _ = make_heads()
    signing.sign(version_id=policy.version_id, by=marketing)
    [signature] = rules()["disposition"]["signatures"]
    assert (signature["side"], signature["signer"]) == ("marketing", marketing.name)


def test_reasons_for_a_pause():
    found = {each["key"]: each for each in api(Role.MARKETER).get("pause-reasons/").json()["results"]}
    assert found["away"]["cap_hours"] > 0


def test_the_number_of_queries_does_not_grow(django_assert_max_num_queries):
    promise(*[Rule(f"Rule {number}") for number in range(12)])
    client = api()
    with django_assert_max_num_queries(12):
        client.get("promise-rules/")
