"""Routing through the API: the rules, why a lead went to whom, and leads that change hands."""

import pytest

from alignment.people.models import Role
from leads import lifecycle
from leads.models import HolderInterval, Lead, Reason
from tests.api.asking import api, pointers, problem
from tests.factories import make_absence, make_calendar, make_lead, make_pool, make_routing, make_user, routing_rule
from tests.leads.test_routing import LIVE, come_in

pytestmark = pytest.mark.django_db


def test_the_rules_are_read_as_sentences_and_as_they_are_stored():
    empty = api(Role.REP).get("routing/").json()
    assert (empty["version"], empty["rules"]) == (None, [])
    pool = make_pool(rep := make_user(), name="Everybody")
    rule = routing_rule("Chiefs", "title", "chief", operator="contains", pool=pool, language="de")
    make_routing(pool, rule)

    told = api(Role.REP).get("routing/").json()

    assert (told["version"], told["otherwise"], told["attach"]) == (1, pool.pk, True)
    [stated] = told["rules"]
    assert (stated["sentence"], stated["condition"]) == ("the title contains chief", rule["when"])
    assert (stated["pool"], stated["person"], stated["language"]) == (pool.pk, None, "de")
    assert told["pools"] == [{"id": pool.pk, "name": "Everybody", "fallback": pool.fallback_id, "members": [rep.pk]}]


def test_a_lead_tells_why_it_went_to_whom():
    chosen, away = make_user(), make_user()
    last_on = make_absence(away).last_on
    pool = make_pool(chosen, away, name="Everybody")
    make_routing(pool)
    [lead] = come_in()

    [told] = api(Role.REP).get(f"leads/{lead.pk}/routing/").json()["results"]

    assert (told["how"], told["person"], told["pool"], told["version"]) == ("pool", chosen.pk, pool.pk, 1)
    assert (told["why"], told["rule"]) == (f"{chosen} was next in the pool Everybody.", "No rule is about it")
    assert [(each["person"], each["verdict"], each["text"]) for each in told["candidates"]] == [
        (chosen.pk, "chosen", "was next"),
        (away.pk, "away", f"was away until {last_on:%-d %b}"),
    ]
    named = make_lead(owner=chosen)
    assert api(Role.REP).get(f"leads/{named.pk}/routing/").json() == {"results": []}


def test_many_leads_change_hands_with_a_reason():
    rep, other = make_user(), make_user()
    leads = [make_lead(owner=other).pk for _ in range(3)]
    asking = api(Role.MANAGER)
    told = asking.post("leads/reassign/", {"leads": leads, "owner": rep.pk, "why": "New patch"}).json()
    assert told == {"reassigned": leads}
    assert set(HolderInterval.objects.filter(held__upper_inf=True).values_list("user_id", "why")) == {
        (rep.pk, "New patch")
    }
    assert asking.post("leads/reassign/", {"leads": leads, "owner": rep.pk, "why": "Again"}).json() == {
        "reassigned": []
    }

    make_routing(make_pool(other))
    told = asking.post("leads/reassign/", {"leads": leads[:2], "by_rules": True, "why": "Left"}).json()
    assert told == {"reassigned": leads[:2]}
    assert asking.post(f"leads/{leads[2]}/route/", {"why": "Left"}).json()["results"][0]["person"] == other.pk
    assert not Lead.objects.exclude(owner=other).exists()


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"why": ""}, "/why"),
        ({"leads": []}, "/leads"),
        ({"leads": [10**9]}, "/leads"),
        ({"owner": None, "by_rules": True}, "/owner"),
        ({"owner": 10**6}, "/owner"),
        ({"by_rules": True}, "/by_rules"),
    ],
)
def test_what_cannot_change_hands_is_explained(given, pointer):
    lead = make_lead()
    body = {"leads": [lead.pk], "why": "New patch"} | ({"owner": None} if "by_rules" not in given else {}) | given
    assert pointers(api(Role.MANAGER).post("leads/reassign/", body)) == {pointer}


def test_a_closed_lead_is_not_routed_and_a_rep_routes_nobodys():
    make_routing(make_pool())
    lead = make_lead(owner=make_user())
    problem(api(Role.REP).post(f"leads/{lead.pk}/route/", {"why": "Mine"}), 403)
    problem(api(Role.REP).post("leads/reassign/", {"leads": [lead.pk], "owner": None, "why": "Mine"}), 403)
    reason = Reason.objects.offered("reject").first()
    lifecycle.reject(lead_ids=[lead.pk], reason_id=reason.pk, cause=LIVE)
    assert pointers(api(Role.MANAGER).post(f"leads/{lead.pk}/route/", {"why": "Again"})) == {"/why"}


def test_calendars_and_absences_are_read():
    calendar = make_calendar("Berlin")
    rep = make_user(calendar=calendar, languages=["de"])
    absence = make_absence(rep, note="Wedding")
    asking = api(Role.REP)
    [told] = asking.get("calendars/").json()["results"]
    assert (told["name"], told["week"]["1"], "6" in told["week"]) == ("Berlin", ["09:00–12:00", "13:00–17:00"], False)
    [away] = asking.get("absences/", {"person": rep.pk}).json()["results"]
    assert away == {
        "id": absence.pk, "person": rep.pk, "first_on": absence.first_on.isoformat(),
        "last_on": absence.last_on.isoformat(),
    }  # fmt: skip
    assert asking.get("absences/", {"since": "2090-01-01"}).json()["results"] == []
    person = next(each for each in asking.get("people/").json()["results"] if each["id"] == rep.pk)
    assert (person["calendar"], person["languages"]) == (calendar.pk, ["de"])
