"""Finding by what somebody types: exact before contained before nearly."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.finding import find_leads, find_named
from leads.models import Account, Campaign, Lead
from tests.factories import make_lead
from tests.plans import rows_read

pytestmark = pytest.mark.django_db


def names(words, limit=10):
    found = [one.pk for one in find_leads(words, limit=limit)]
    leads = Lead.objects.in_bulk(found)
    return [leads[pk].name for pk in found]


def named(words, limit=10):
    return [(one.kind, one.name) for one in find_named(words, limit=limit)]


@pytest.fixture
def people():
    make_lead(name="Ana Souza", email="ana@brightwater.example", company_name="Brightwater")
    make_lead(name="Ana Lima", email="lima@northwind.example", company_name="Northwind")
    make_lead(name="Jörg Müller", email="jm@contoso.example", company_name="Contoso GmbH")


@pytest.mark.parametrize("words", ["souza", "SOUZA", "ana bright", "brightwater ana", "ana@brightwater.example", "ouz"])
def test_every_word_is_in_name_address_or_company(people, words):
    assert names(words) == ["Ana Souza"]


@pytest.mark.parametrize("words", ["Brihgtwater", "brigthwater", "Ana Suoza", "souzza", "bright water"])
def test_a_typo_finds_the_lead_first(people, words):
    assert names(words)[0] == "Ana Souza"


@pytest.mark.parametrize(("words", "is_near"), [("brightwater", False), ("brihgtwater", True)])
def test_what_is_only_spelled_alike_says_so(people, words, is_near):
    assert [one.is_near for one in (*find_leads(words, limit=5), *find_named(words, limit=5))] == [is_near] * 2


def test_a_short_word_is_not_like_every_other(people):
    make_lead(name="Farid")

    assert names("fair") == []


def test_an_accent_left_out_is_a_typo_too(people):
    assert names("muller")[0] == "Jörg Müller"


@pytest.mark.parametrize(
    "words", ["xyzzyqwert", "%%%", "___", "\\\\\\", "a", "an", "", "  ", "\0\0\0", "'; DROP TABLE", "{words}", "%(x)s"]
)
def test_what_fits_nobody_finds_nobody(people, words):
    assert names(words) == []


def test_near_misses_are_not_looked_for_where_something_contains_the_words(people):
    make_lead(name="Sousza")

    assert names("souza") == ["Ana Souza"]
    assert names("souzas") == ["Ana Souza", "Sousza"]


def test_the_number_and_the_address_itself_come_first(people):
    exact = make_lead(name="Zoe", email="zoe@z.example")
    make_lead(name=f"Lead of {exact.pk}{exact.pk}")
    make_lead(name="zoe@z.example wrote")

    assert names("ZOE@z.example")[0] == "Zoe"
    assert names(str(exact.pk))[0] == names(f"#{exact.pk}")[0] == "Zoe"
    assert names("9" * 30) == []


def test_accounts_are_found_by_name_domain_and_typo(people):
    assert named("northw") == [("account", "Northwind")]
    for domain in (
        "brightwater.example",
        "ana@brightwater.example",
        "https://www.brightwater.example/",
        "brightwater.ex",
    ):
        assert named(domain)[0] == ("account", "Brightwater"), domain
    assert named("brihgtwater")[0] == ("account", "Brightwater")


def test_a_whole_domain_comes_before_a_name_that_contains_it():
    Account.objects.create(name="A", name_key="a", domain="acme.example", created_at="2026-01-01T00:00Z")
    Account.objects.create(name="Not acme.example", name_key="not", domain="b.example", created_at="2026-01-01T00:00Z")

    assert named("acme.example") == [("account", "A"), ("account", "Not acme.example")]


def test_campaigns_are_found_by_name_and_typo():
    Campaign.objects.create(key="spring_fair", name="Spring fair")
    Campaign.objects.create(key="webinar", name="Autumn webinar")

    assert named("fair") == [("campaign", "Spring fair")]
    assert named("sprnig fair") == [("campaign", "Spring fair")]
    assert find_named("webin", limit=5)[0].key == "webinar"


def test_each_question_is_one_statement(people):
    for words in ("ana", "brihgtwater"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            find_leads(words, limit=5)
            find_named(words, limit=5)
        assert len(queries) == 2


@pytest.mark.parametrize("words", ["brightwater", "brihgtwater"])
def test_questions_read_the_trigram_indexes(people, words):
    with CaptureQueriesContext(connection) as queries:
        find_leads(words, limit=5)
        find_named(words, limit=5)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plans = []
        for query in queries:
            statement = query["sql"].rpartition(";")[2]
            cursor.execute(f"EXPLAIN {statement}")
            plans.append("\n".join(line for (line,) in cursor.fetchall()))

    assert plans[0].count("lead_search_trigrams") >= 2
    assert plans[1].count("account_search_trigrams") >= 2
    assert "Seq Scan on leads_leadsearch" not in plans[0]


def test_of_several_words_one_may_be_mistyped(people):
    make_lead(name="Bea Lund", company_name="Juniper Software")
    make_lead(name="Cem Kaya", company_name="Willow Software")

    assert names("junipper software") == ["Bea Lund"]
    assert names("bea softwrae") == ["Bea Lund"]


def test_of_several_words_all_may_be_mistyped_a_little(people):
    make_lead(name="Felipe Fontaine", company_name="Alder")
    make_lead(name="Felipe Lund", company_name="Birch")

    assert names("felippe fontane") == ["Felipe Fontaine"]


def test_words_that_are_no_address_read_no_lead_for_one(people):
    with CaptureQueriesContext(connection) as captured:
        find_leads("Souza", limit=10)

    statement = captured[0]["sql"].partition("WITH contained")
    assert rows_read("".join(statement[1:]))["leads_lead"] == 0
