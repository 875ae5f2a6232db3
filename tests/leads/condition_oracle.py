"""Conditions evaluated row by row in plain Python, written apart from the SQL that they are compared with."""

import re
from decimal import Decimal


def holds(group, row):
    """Whether the stored form of a condition holds for `row` (field key → value; flags are booleans)."""
    results = [holds(part, row) if "of" in part else _test(part, row) for part in group["of"]]
    return all(results) if group["match"] == "all" or not results else any(results)


def _test(test, row):
    operator, values, value = test["operator"], test.get("values", []), row[test["field"]]
    if operator in ("yes", "no"):
        return bool(value) == (operator == "yes")
    if operator == "known":
        return value not in (None, "")
    if operator == "blank":
        return value in (None, "")
    if operator in ("at_least", "at_most", "between"):
        return _number(operator, [Decimal(str(one)) for one in values], value)
    text = (value or "").lower()
    asked = [one.lower() for one in values]
    return {
        "is": lambda: text in asked and text != "",
        "is_not": lambda: text not in asked,
        "contains": lambda: any(one in text for one in asked),
        "lacks": lambda: not any(one in text for one in asked),
        "starts_with": lambda: any(text.startswith(one) for one in asked),
        "has_word": lambda: any(_has_words(text, one) for one in asked),
    }[operator]()


def _has_words(text, asked):
    words, wanted = (re.findall(r"[^\W_]+", one) for one in (text, asked))
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words)))


def _number(operator, values, value):
    if value is None:
        return False
    if operator == "between":
        return values[0] <= value <= values[1]
    return value >= values[0] if operator == "at_least" else value <= values[0]
