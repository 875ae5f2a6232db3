"""Search everywhere: what it finds for whom, as a page and as the palette's results."""

import re

import pytest
from django.urls import reverse

from alignment.desk.search import ACTIONS, MOST_LEADS, PAGES, Search, parse_recent
from alignment.people.models import Role
from leads.models import Account, Campaign
from tests.factories import make_lead, make_user

pytestmark = pytest.mark.django_db


def labels(user, words, recent=()):
    return {group.name: [hit.label for hit in group.hits] for group in Search(user, words, recent).groups}


def everything(user, words):
    return [label for hits in labels(user, words).values() for label in hits]


def test_leads_accounts_and_campaigns_are_found_together():
    make_lead(name="Ana Souza", email="ana@spring.example", company_name="Spring AG", campaign="Spring fair")

    assert labels(make_user(), "spring") == {
        "Leads": ["Ana Souza"],
        "Accounts": ["Spring AG"],
        "Campaigns": ["Spring fair"],
    }


def test_where_a_result_leads(client):
    lead = make_lead(name="Ana Souza", email="ana@spring.example", company_name="Spring AG", campaign="Spring fair")
    client.force_login(make_user())
    urls = [hit.url for group in Search(make_user(), "spring").groups for hit in group.hits]

    account, campaign = Account.objects.get(), Campaign.objects.get()
    assert urls == [f"/leads/{lead.pk}/", f"/accounts/{account.pk}/", f"/leads/?campaign={campaign.key}"]
    assert "Ana Souza" in client.get(urls[1]).content.decode()
    for url in urls[2:]:
        assert [one.name for one in client.get(url).context["list"].page] == ["Ana Souza"]


def test_what_contains_the_words_comes_before_what_is_spelled_alike():
    make_lead(name="Spting Sprling", company_name="Nobody")
    make_lead(name="Ana", campaign="Spring fair")

    assert list(labels(make_user(), "spring")) == ["Campaigns", "Leads spelled alike"]


def test_the_address_is_told_where_it_is_what_fits():
    make_lead(name="Ana Souza", email="a.s@spring.example", company_name="Brightwater")
    smalls = [[hit.small for hit in Search(make_user(), words).groups[0].hits] for words in ("souza", "a.s@spr")]

    assert smalls == [["Brightwater"], ["Brightwater, a.s@spring.example"]]


def test_a_merged_lead_is_not_offered():
    survivor = make_lead(name="Ana Souza")
    merged = make_lead(name="Ana Souza, again")
    type(merged).objects.filter(pk=merged.pk).update(merged_into=survivor)

    assert labels(make_user(), "souza")["Leads"] == ["Ana Souza"]


def test_more_leads_than_are_shown_are_a_link_away(client):
    for n in range(MOST_LEADS + 1):
        make_lead(name=f"Souza {n}")

    assert [group.name for group in Search(make_user(), "souzza").groups] == ["Leads spelled alike"]
    assert "all-leads" not in {hit.id for hit in Search(make_user(), "souzza").groups[0].hits}
    *shown, more = Search(make_user(), "souza").groups[0].hits
    assert (len(shown), more.label, more.url) == (MOST_LEADS, "All leads with “souza”", "/leads/?q=souza")


@pytest.mark.parametrize(
    ("words", "label", "roles"),
    [
        ("add lead", "Add a lead", set(Role) - {Role.EXECUTIVE}),
        ("add person", "Add a person", {Role.REVOPS}),
        ("new web form", "New web form", {Role.REVOPS, Role.MARKETER}),
        ("company", "Company", {Role.REVOPS}),
        ("last quarter", "Funnel of the last quarter", set(Role)),
        ("logout", "Sign out", set(Role)),
        ("funel", "Funnel", set(Role)),
        ("notifcations", "Notifications", set(Role)),
        ("q", "My queue", set(Role)),
    ],
)
def test_pages_and_actions_are_offered_first_to_who_may(words, label, roles):
    offered = {role: everything(make_user(role), words) for role in Role}

    assert {role for role in Role if label in offered[role]} == roles
    assert {role for role in Role if offered[role][:1] == [label]} == roles


@pytest.mark.parametrize("place", [*ACTIONS, *PAGES], ids=lambda place: place.label)
def test_every_place_opens_for_who_is_offered_it(client, place):
    for role in Role:
        user = make_user(role)
        if place.label in everything(user, place.label):
            client.force_login(user)
            assert client.get(place.url).status_code == 200, role


def test_without_words_the_last_opened_and_the_pages():
    first, second = make_lead(name="First"), make_lead(name="Second")

    blank = labels(make_user(), "  ", [second.pk, first.pk, 10**9])

    assert blank["Opened last"] == ["Second", "First"]
    assert blank["Pages"][:3] == ["My queue", "Leads", "Target accounts"]
    assert "Sign out" in blank["Actions"]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", []),
        ("3,1,3", [3, 1]),
        ("a,-1,٣,2", [2]),
        ("9" * 40, []),
        (",".join(map(str, range(50))), [0, 1, 2, 3, 4, 5]),
    ],
)
def test_what_was_opened_is_read_with_care(text, keys):
    assert parse_recent(text) == keys


def test_a_keystroke_costs_six_queries_whatever_it_finds(client, django_assert_max_num_queries):
    client.force_login(make_user(Role.REVOPS))
    palette = {"HX-Request": "true", "HX-Target": "palette-results"}
    for n in range(12):
        make_lead(name=f"Souza {n}", company_name=f"Souza {n}", campaign=f"Souza {n}")

    for words, recent in (("souza", ""), ("suoza", ""), ("", "1,2,3"), ("zzzz", ""), ("souza 1", "")):
        with django_assert_max_num_queries(6):
            client.get(reverse("search"), {"q": words, "recent": recent}, headers=palette)


def test_the_palette_gets_the_results_alone(client):
    client.force_login(make_user())
    make_lead(name="<b>Ana</b>")

    page = client.get(reverse("search"), {"q": "<b>an"}, headers={"HX-Request": "true", "HX-Target": "palette-results"})
    html = page.content.decode()

    assert html.lstrip().startswith('<div class="palette-results"')
    assert "&lt;b&gt;Ana&lt;/b&gt;" in html
    assert "<b>Ana</b>" not in html
    assert 'data-said="1 result"' in html
    assert len(set(re.findall(r' id="([^"]+)"', html))) == len(re.findall(r' id="([^"]+)"', html))


@pytest.mark.parametrize(("words", "said"), [("zzzzzz", "Nothing fits “zzzzzz”"), ("zz", "Three letters are enough")])
def test_nothing_found_says_what_to_do(client, words, said):
    client.force_login(make_user())

    assert said in client.get(reverse("search"), {"q": words}).content.decode()


@pytest.mark.parametrize("words", ["\0", "%", "'" * 300, "\\", "{{", "😀😀", "a" * 5000, "‮abc"])
def test_anything_can_be_typed(client, words):
    client.force_login(make_user())

    assert client.get(reverse("search"), {"q": words}).status_code == 200
