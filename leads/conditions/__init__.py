"""Conditions that people write: one language for scoring, profiles, target accounts, routing, nurture and promises.

A condition is stored as JSON: a test names a field, an operator and values, `{"field": "title", "operator": "contains",
"values": ["director"]}`; a group says `{"match": "all", "of": […]}` or `"any"` of its tests, and holds at most one
further level of groups. An empty group holds always.

`language` reads and checks it, `sentences` says it in words, `sql` compiles it to one boolean SQL expression, `reading`
asks which leads meet it, and `editor` is its form.
"""

from leads.conditions.fields import (
    ABOUT_ACCOUNT,
    ABOUT_LEAD,
    ABOUT_PROFILED_ACCOUNT,
    ABOUT_PROMISED_LEAD,
    ABOUT_SCORED_LEAD,
    ABOUT_TOUCH,
    FIELDS,
    Field,
    Kind,
)
from leads.conditions.language import ConditionError, Group, Operator, Test, parse
from leads.conditions.sentences import Names, sentence
from leads.conditions.sql import Sql, compiled

__all__ = [
    "ABOUT_ACCOUNT",
    "ABOUT_LEAD",
    "ABOUT_PROFILED_ACCOUNT",
    "ABOUT_PROMISED_LEAD",
    "ABOUT_SCORED_LEAD",
    "ABOUT_TOUCH",
    "FIELDS",
    "ConditionError",
    "Field",
    "Group",
    "Kind",
    "Names",
    "Operator",
    "Sql",
    "Test",
    "compiled",
    "parse",
    "sentence",
]
