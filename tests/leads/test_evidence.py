"""Are these two leads one person? Names and companies as they really come, and what must never be taken for one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from alignment.lib.company_names import companies_alike, company_key
from alignment.lib.person_names import names_alike, person_key
from alignment.people.accounts import change_company
from leads import editing
from leads.drafts import Draft
from leads.hygiene import duplicates, scanning
from leads.hygiene.evidence import LIKELY, Evidence
from leads.intake import receive
from leads.models import DuplicatePair
from tests.leads.stories import HISTORY, arrived, by
from tests.plans import plan

ONE_PERSON = [
    ("Müller, Anna", "Anna Mueller"),
    ("A. Souza", "Ana Souza"),
    ("Ana Souza", "Anna Souza"),
    ("Ana Maria Souza", "Ana Souza"),
    ("Jean-Luc Moreau", "Jeanluc Moreau"),
    ("Jan van der Berg", "Jan Berg"),
    ("Søren Kjær", "Soren Kjaer"),
    ("Micheal Jones", "Michael Jones"),
    ("Sara Meier", "Sarah Meyer"),
    ("Bob Smith", "Robert Smith"),
    ("Dr. Zoë O'Neill", "Zoe O’Neill"),
    ("田中太郎", "田中太郎"),
]
TWO_PEOPLE = [
    ("Maria Müller", "Marta Müller"),
    ("Anna Schmidt", "Hanna Schmidt"),
    ("Lena Schmidt", "Lina Schmidt"),
    ("Paul Weber", "Paula Weber"),
    ("Mario Rossi", "Maria Rossi"),
    ("Julia Klein", "Julian Klein"),
    ("Anna Schmidt", "Anna Weber"),
    ("J. Smith", "A. Smith"),
    ("A. S.", "Ana Souza"),
    ("Ana", "Ana"),
    ("Ana", "Ana Souza"),
    ("Ana Souza", "Bo Lindqvist"),
    ("田中太郎", "田中花子"),
]


@pytest.mark.parametrize(("one", "other"), ONE_PERSON)
def test_names_of_one_person_in_one_company_are_worth_a_look(one, other):
    alike = names_alike(person_key(one), person_key(other))
    assert Evidence(same_account=True, names_alike=alike).is_likely


@pytest.mark.parametrize(("name", "is_same"), [("John F. Kennedy", True), ("Ana Souza B", True), ("J. Smith", False)])
def test_a_name_with_an_initial_is_the_same_if_two_parts_are_whole(name, is_same):
    alike = names_alike(person_key(name), person_key(name))
    assert Evidence(same_phone=True, names_alike=alike).is_exact is is_same


@pytest.mark.parametrize(("one", "other"), TWO_PEOPLE)
@pytest.mark.parametrize("same_phone", [False, True])
def test_names_of_two_people_are_not_though_they_share_company_and_switchboard(one, other, same_phone):
    alike = names_alike(person_key(one), person_key(other))
    assert not Evidence(same_phone=same_phone, same_account=True, names_alike=alike).is_likely


NAMES = st.lists(
    st.sampled_from("ana anna a souza sousa bob robert müller mueller van j".split()) | st.text("anehsk", max_size=7),
    max_size=4,
)


@given(NAMES, NAMES)
def test_names_are_as_alike_one_way_as_the_other(one, other):
    keys = person_key(" ".join(one)), person_key(" ".join(other))
    assert names_alike(*keys) == names_alike(*reversed(keys))


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Acme, Inc.", "ACME", True),
        ("Müller Bau GmbH", "Mueller Bau", True),
        ("Acme Deutschland GmbH", "Acme AG", True),
        ("Northwind Traders", "Northwind Trading GmbH", True),
        ("Northwind Health", "Northwind Bank", False),
        ("Alder Labs", "Birch Labs", False),
    ],
)
def test_companies_are_alike_by_what_they_are_called_not_by_their_legal_form(one, other, alike):
    share = companies_alike(company_key(one), company_key(other))
    assert Evidence(names_alike=1, companies_alike=share).is_likely is alike


def test_the_score_is_the_sum_of_the_parts_that_are_shown():
    evidence = Evidence(same_phone=True, same_account=True, names_alike=0.75)
    assert evidence.score == sum(part.points for part in evidence.parts) == 50
    assert evidence.sentence == "Same phone number, name by its initials, same account"


@given(
    st.builds(
        Evidence, st.booleans(), st.booleans(), st.booleans(), st.none() | st.floats(0, 1), st.none() | st.floats(0, 1)
    )
)
def test_what_is_exact_is_likely_too_and_says_why(evidence):
    assert evidence.score == sum(part.points for part in evidence.parts) <= 100
    assert evidence.is_likely or not evidence.is_exact
    assert not evidence.is_likely or (evidence.sentence and LIKELY <= evidence.score <= 100)


# On real rows ---------------------------------------------------------------------------------------------------


@pytest.fixture
def in_germany(db):
    change_company(changes={"phone_region": "DE"})


def pairs():
    return set(duplicates.to_decide().values_list("first_id", "second_id"))


def most_pairs():
    lead_ids = [lead_id for pair in pairs() for lead_id in pair]
    return max(map(lead_ids.count, lead_ids))


def test_of_a_whole_account_only_who_may_be_one_person_is_found(in_germany):
    people = [
        "Anna Müller",
        "Berta Müller",
        "Anna Schmidt",
        "Bernd Schmidt",
        "A. Mueller",
        "Müller, Anna Maria",
        "Anna",
    ]
    ids = [arrived(name=name, email=f"x{n}@acme.example", phone="030 1234567") for n, name in enumerate(people)]
    scanning.scan()
    assert pairs() == {(ids[0], ids[4]), (ids[0], ids[5])}


def test_a_common_name_alone_is_no_evidence(in_germany):
    for n in range(5):
        arrived(name="Maria Silva", email=f"maria{n}@gmail.com", company_name=f"{'ABCDE'[n]}rtis Foods")
        arrived(name="Maria Silva", email=f"maria{n}@silva{n}.example", company_name="")
    scanning.scan()
    assert not pairs()


def test_somebody_is_found_among_thousands_of_the_same_name_by_the_company(in_germany):
    drafts = [Draft(name="Maria Silva", email=f"m{n}@gmail.com", company_name=f"Firm{n} Foods") for n in range(300)]
    receive(drafts=drafts, cause=HISTORY)
    one = arrived(name="Maria Silva", email="maria@web.de", company_name="Zenith Foods Ltd.")
    scanning.catch_up()
    other = arrived(name="Silva, María", email="m@zenith.example", company_name="Zenith Foods")
    scanning.catch_up()
    assert pairs() == {(one, other)}


def test_a_lead_never_has_hundreds_of_candidates_and_chains_hang_together(in_germany):
    drafts = [Draft(name="Call Centre", email=f"agent{n}@agency.example", phone="030 9999") for n in range(150)]
    receive(drafts=drafts, cause=HISTORY)
    scanning.catch_up()
    assert most_pairs() <= 2 * duplicates.MOST_PAIRS
    assert len(duplicates.components(pairs())) == 1


def test_whose_keys_are_what_they_were_is_not_compared_again(in_germany):
    one = arrived(name="Ana Souza", phone="030 1234567")
    arrived(name="Ana Souza", phone="030 1234567")
    scanning.scan()
    found_at = DuplicatePair.objects.get().found_at
    editing.edit(lead_id=one, changes={"title": "CEO"}, cause=by())
    assert scanning.scan() == 1
    assert DuplicatePair.objects.get().found_at == found_at
    editing.edit(lead_id=one, changes={"name": "Ana M. Souza"}, cause=by())
    assert scanning.scan() == 1
    assert DuplicatePair.objects.get().found_at > found_at


def test_candidates_are_read_from_the_indexes_of_their_keys(in_germany):
    drafts = [Draft(name=f"Ana S{n}", email=f"ana@acme{n}.example", phone=f"030 55{n:05}") for n in range(50)]
    receive(drafts=drafts, cause=HISTORY)
    scanning.catch_up()
    with CaptureQueriesContext(connection) as captured:
        duplicates.of_draft(Draft(name="Ana Sx", email="ana@acme1.example", phone="030 5500001"))
    [statement] = [query["sql"] for query in captured if "leads_leadkeys keys" in query["sql"]]
    assert "Seq Scan" not in plan(statement)
