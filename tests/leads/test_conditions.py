"""The condition language: what it reads and refuses, what it says, and that its SQL agrees with plain Python."""

import pytest
from django.utils.datastructures import MultiValueDict
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from leads.conditions import ABOUT_ACCOUNT, ABOUT_LEAD, ConditionError, Names, parse, sentence
from leads.conditions.editor import Editor
from leads.conditions.reading import accounts_that_meet, leads_that_meet, met_by
from leads.models import Account, Lead, Source
from tests.leads.condition_oracle import holds
from tests.leads.condition_strategies import NOW, all_of, any_of, asks, groups, make, rows, seen


class TestAgreesWithPlainPython(TestCase):
    @given(st.lists(rows, min_size=1, max_size=5), st.lists(groups, min_size=1, max_size=4))
    def test_on_random_leads_and_conditions(self, people, conditions):
        leads = [make(number, row) for number, row in enumerate(people)]
        read = [parse(condition, ABOUT_LEAD) for condition in conditions]

        found = met_by(read, [lead.pk for lead in leads])

        assert found == {
            lead.pk: [index for index, condition in enumerate(conditions) if holds(condition, seen(row))]
            for lead, row in zip(leads, people, strict=True)
        }
        first = Lead.objects.filter(pk__in=leads_that_meet(read[0])).values_list("pk", flat=True)
        assert set(first) == {pk for pk, met in found.items() if 0 in met}
        assert [one.as_json() for one in read] == [parse(one.as_json(), ABOUT_LEAD).as_json() for one in read]


@pytest.mark.django_db
def test_any_number_of_conditions_and_leads_is_one_query(django_assert_num_queries):
    leads = [make(number, dict.fromkeys(("title", "source", "segment", "email_domain"), "") | {
        "has_account": False, "consent": "unknown", "do_not_contact": False, "returning": False,
    }) for number in range(20)]  # fmt: skip
    read = [parse(all_of(asks("industry", "blank")), ABOUT_LEAD)] * 10

    with django_assert_num_queries(1):
        found = met_by(read, [lead.pk for lead in leads])

    assert all(met == list(range(10)) for met in found.values())


@pytest.mark.django_db
def test_accounts_are_found_by_conditions_about_accounts():
    retail = Account.objects.create(name="A", name_key="a", industry="Retail", created_at=NOW)
    Account.objects.create(name="B", name_key="b", industry="Food", created_at=NOW)
    condition = parse(all_of(asks("industry", "is", "retail")), ABOUT_ACCOUNT)

    assert list(Account.objects.filter(pk__in=accounts_that_meet(condition))) == [retail]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("condition", "says"),
    [
        (all_of(asks("title", "contains", "director"), asks("industry", "is", "retail")),
         "the title contains director and the industry is retail"),
        (any_of(asks("country", "is", "Portugal", "Spain", "Italy"), asks("employees", "between", 50, 1000)),
         "the country is Portugal, Spain or Italy or the number of employees is between 50 and 1,000"),
        (all_of(asks("free_email", "no"), any_of(asks("source", "is_not", "fair"), asks("phone", "known"))),
         "the e-mail address is no free mailbox and (the source is not Autumn fair or the phone number is known)"),
    ],
)  # fmt: skip
def test_conditions_read_as_sentences(condition, says):
    Source.objects.create(key="fair", name="Autumn fair")

    assert sentence(parse(condition, ABOUT_LEAD), Names()) == says


@pytest.mark.parametrize(
    ("condition", "says", "place"),
    [
        ({}, "A group of conditions says which of them must hold.", ()),
        (all_of(), "Add at least one condition.", ()),
        ({"match": "some", "of": []}, "Say whether all or any of these conditions must hold.", ()),
        (all_of(asks("shoe_size", "is", "42")), "“shoe_size” cannot be asked about here.", (0,)),
        (all_of(asks("title", "known"), asks("title", "at_least", 3)), "Job title cannot be asked that way.", (1,)),
        (all_of(asks("employees", "at_least", "many")), "Employees: “many” is not a number.", (0,)),
        (all_of(asks("employees", "at_least", float("nan"))), "Employees: “nan” is not a number.", (0,)),
        (all_of(asks("employees", "between", 9)), "Employees: give two numbers.", (0,)),
        (all_of(asks("employees", "between", 9, 3)), "Employees: the first number must not be above the second.", (0,)),
        (all_of(asks("title", "contains")), "Job title: say what to look for.", (0,)),
        (all_of(asks("title", "contains", " ")), "Job title: say what to look for.", (0,)),
        (all_of(asks("title", "has_word", "&")), "Job title: a word has letters or digits.", (0,)),
        (all_of(asks("consent", "is", "perhaps")), "Consent: choose from the list.", (0,)),
        (all_of(asks("title", "known"), any_of(asks("source", "is"))), "Source: choose at least one value.", (1, 0)),
        (all_of(any_of()), "Add a condition to this group, or remove it.", (0,)),
        (all_of(any_of(all_of(asks("title", "known")))), "Groups cannot be nested any deeper.", (0, 0)),
        (all_of(*[asks("title", "known")] * 31), "A rule can have 30 conditions at most.", ()),
        (all_of(asks("lead.id); DROP TABLE leads_lead; --", "known")),
         "“lead.id); DROP TABLE leads_lead; --” cannot be asked about here.", (0,)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_is(condition, says, place):
    with pytest.raises(ConditionError) as refusal:
        parse(condition, ABOUT_LEAD)

    assert (refusal.value.message, refusal.value.place) == (says, place)


# The form -------------------------------------------------------------------------------------------------------


def posted(editor, **more):
    """What a browser would send for the rows that the editor shows."""
    data = MultiValueDict({
        f"{editor.prefix}-match": [editor.match],
        f"{editor.prefix}-rows": [str(len(editor.rows))],
        f"{editor.prefix}-groups": [str(editor.groups)],
    })  # fmt: skip
    for row in editor.rows:
        data[f"{row.name}-field"] = row.field.key
        data[f"{row.name}-group"] = str(row.group)
        data[f"{row.name}-operator"] = row.operator
        values = row.values if row.is_choice or row.is_number else [row.text]
        data.setlist(f"{row.name}-value", values)
    for name, value in more.items():
        data[name] = value
    return data


def editor(data=None, stored=None):
    return Editor(ABOUT_LEAD, prefix="if", data=data, stored=stored)


@pytest.mark.django_db
def test_the_form_shows_what_is_stored_and_sends_it_back():
    Source.objects.create(key="fair", name="Autumn fair")
    stored = all_of(
        asks("title", "contains", "director", "head"),
        asks("employees", "between", 50, 100),
        any_of(asks("source", "is", "fair"), asks("free_email", "no")),
    )

    again = editor(posted(editor(stored=stored)))

    assert not again.is_being_edited
    assert again.value.as_json() == stored


@pytest.mark.django_db
def test_rows_and_groups_are_added_and_removed_without_losing_the_others():
    shown = editor(stored=all_of(asks("title", "contains", "director")))

    grouped = editor(posted(shown, edit="if:group"))
    added = editor(posted(grouped, edit="if:add:1", **{"if-new-1": "industry"}))
    removed = editor(posted(added, edit="if:remove:0"))

    assert grouped.is_being_edited
    assert [(row.field.key, row.group) for row in added.rows] == [("title", 0), ("industry", 1)]
    assert [(row.field.key, row.group) for row in removed.rows] == [("industry", 1)]


def test_a_wrong_row_is_marked():
    wrong = editor(posted(editor(stored=all_of(asks("title", "known"), asks("employees", "at_least", "x")))))

    assert not wrong.is_valid()
    assert [row.error for row in wrong.rows] == ["", "Employees: “x” is not a number."]
