"""What holds for every model: nothing that happened can be deleted, names of dates say so, a docstring says the row."""

import re

from django.db import models

from alignment.lib.set_keys import KnownKeys, NeverDeleted
from tests.architecture.source import own_models

# Django's and knox's.
NAMED_BY_PACKAGES = {"people.User.last_login", "people.ApiToken.created", "people.ApiToken.expiry"}
# What is stored; a way to join rows by their columns is none of them.
FIELDS = {
    f"{model._meta.label}.{field.name}": field for model in own_models() for field in model._meta.local_concrete_fields
}


def test_rows_that_others_name_cannot_be_deleted():
    relations = {label: field.remote_field.on_delete for label, field in FIELDS.items() if field.remote_field}

    assert not {label for label, rule in relations.items() if rule is not models.PROTECT}


def test_keys_that_postgresql_does_not_check_are_checked_in_sets():
    unchecked = {label: field for label, field in FIELDS.items() if field.is_relation and not field.db_constraint}
    known = {
        f"{model._meta.label}.{field}"
        for model in own_models()
        for rule in model._meta.constraints
        if isinstance(rule, KnownKeys)
        for field in rule.fields
    }
    kept = {model for model in own_models() if any(isinstance(rule, NeverDeleted) for rule in model._meta.constraints)}

    assert unchecked.keys() == known
    assert {field.related_model for field in unchecked.values()} <= kept


def test_names_of_dates_say_what_they_are():
    moments = {label for label, field in FIELDS.items() if isinstance(field, models.DateTimeField)}
    dates = {label for label, field in FIELDS.items() if isinstance(field, models.DateField)} - moments

    assert {label for label in moments if not re.search(r"[._](at|until)$", label)} == NAMED_BY_PACKAGES
    assert not {label for label in dates if not label.endswith("_on")}


def test_keys_are_numbers_the_database_gives():
    """bigint for what happens, int4 for what it is grouped by; a few tables are keyed by what they belong to."""
    keys = {model._meta.label: model._meta.pk for model in own_models()}
    odd = {label for label, key in keys.items() if not isinstance(key, models.BigAutoField | models.AutoField)}

    assert odd == {
        "leads.DealRules",
        "leads.FollowUp",
        "leads.LeadKeys",
        "leads.LeadSearch",
        "leads.AccountProfile",
        "leads.Score",
        "leads.TransitionNote",
        "ops.Heartbeat",
        "ops.MailHours",
        "people.Company",
    }


def test_every_model_says_what_a_row_is():
    assert not [model._meta.label for model in own_models() if model.__doc__.startswith(f"{model.__name__}(")]
