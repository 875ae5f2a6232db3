"""The form of a draft of the scoring rules. Rules are added and taken away with or without JavaScript."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.text import slugify

from leads.conditions import ABOUT_LEAD, ABOUT_TOUCH, Names, sentence
from leads.conditions.editor import Editor
from leads.conditions.fields import Field
from leads.models.score import Grade
from leads.scoring.rules import MOST_GROUPS, MOST_POINTS, MOST_RULES, RuleError, points_of, read

SPARE_GROUPS = 1


class BasicsForm(forms.Form):
    """Threshold, grades and whom nobody sells to."""

    threshold = forms.IntegerField(label="Points that make an MQL", min_value=1, max_value=MOST_POINTS)
    minimum_fit = forms.ChoiceField(label="Least fit", choices=[(grade, f"{grade} or better") for grade in "ABC"]
                                    + [("D", "Any")])  # fmt: skip
    grade_a = forms.IntegerField(label="A from", min_value=-MOST_POINTS, max_value=MOST_POINTS)
    grade_b = forms.IntegerField(label="B from", min_value=-MOST_POINTS, max_value=MOST_POINTS)
    grade_c = forms.IntegerField(label="C from", min_value=-MOST_POINTS, max_value=MOST_POINTS)
    suppress_customers = forms.BooleanField(label="Leave out people of customers", required=False)
    competitors = forms.CharField(
        label="Domains of competitors", required=False, max_length=8000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="With commas or one a line. Their people are scored and never handed over.",
    )  # fmt: skip
    staff = forms.CharField(
        label="Our own domains", required=False, max_length=8000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Who has a login here is left out anyway.",
    )  # fmt: skip

    @classmethod
    def shown(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body as initial values."""
        return {
            **{name: body[name] for name in ("threshold", "minimum_fit", "suppress_customers")},
            **{f"grade_{grade.lower()}": body["grades"][grade] for grade in Grade.values[:-1]},
            **{name: ", ".join(body[name]) for name in ("competitors", "staff")},
        }

    @property
    def values(self) -> dict[str, Any]:
        """What was filled in, as the body stores it."""
        data = self.cleaned_data
        return {
            **{name: data[name] for name in ("threshold", "minimum_fit", "suppress_customers")},
            "grades": {grade: data[f"grade_{grade.lower()}"] for grade in Grade.values[:-1]},
            **{name: data[name].replace(",", " ").lower().split() for name in ("competitors", "staff")},
        }


class GroupForm(forms.Form):
    """One group of touches; a blank one is left out."""

    key = forms.CharField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(max_length=60, required=False)
    cap = forms.IntegerField(label="At most", min_value=1, max_value=MOST_POINTS, required=False)
    half_life_days = forms.IntegerField(label="Halves every … days", min_value=1, max_value=3650, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("name"):
            for name in ("cap", "half_life_days"):
                if name in data and data[name] is None:
                    self.add_error(name, "Give a whole number.")
        elif data.get("cap") or data.get("half_life_days"):
            self.add_error("name", "Name the group, or leave it blank as a whole.")
        return data


class Rule:
    """One rule of the form: its condition, its points, and for touches its group."""

    def __init__(
        self, part: str, at: int, about: Sequence[Field], data: Any, stored: Mapping[str, Any] | None, names: Names
    ) -> None:
        self.part, self.at, self.prefix, self.names = part, at, f"{part}-{at}", names
        self.editor = Editor(about, prefix=self.prefix, data=data, stored=(stored or {}).get("if"), names=names)
        posted = data is not None and f"{self.prefix}-points" in data
        self.points = data.get(f"{self.prefix}-points", "") if posted else str((stored or {}).get("points", ""))
        self.group = data.get(f"{self.prefix}-group", "") if posted else (stored or {}).get("group", "")
        self.is_new = stored is None and not posted
        self.error = ""

    @property
    def is_open(self) -> bool:
        """Whether its inputs are shown at once."""
        return bool(self.is_new or self.error or self.editor.is_wrong or self.editor.is_being_edited)

    @property
    def says(self) -> str:
        """The rule in words, as far as it can be read."""
        condition = self.editor.readable
        unsaid = "A new rule" if self.is_new else "A rule that is not complete"
        return f"If {sentence(condition, self.names)}" if condition else unsaid

    def is_valid(self) -> bool:
        """Whether it has a condition and points; else its parts say what is wrong."""
        try:
            points_of(self.as_json()["points"], self.part, self.at)
        except RuleError as refusal:
            self.error = str(refusal.message)
        return self.editor.is_valid() and not self.error

    def as_json(self) -> dict[str, Any]:
        """What the body stores."""
        try:
            points: Any = int(self.points)
        except ValueError:
            points = self.points
        condition = self.editor.value
        found = {"if": condition.as_json() if condition else self.editor.as_json(), "points": points}
        return found | {"group": self.group} if self.part == "engagement" else found


class RulesForm:
    """All of a set of rules; `body` is what is stored, `data` what was posted."""

    ABOUT = {"fit": ABOUT_LEAD, "engagement": ABOUT_TOUCH}

    def __init__(self, body: Mapping[str, Any], data: MultiValueDict[str, str] | None = None) -> None:
        self.data, self.names = data, Names()
        self.basics = BasicsForm(data, initial=BasicsForm.shown(body))
        self.groups = self._groups(body)
        self.rules = {part: self._rules(part, body) for part in self.ABOUT}

    def _groups(self, body: Mapping[str, Any]) -> list[GroupForm]:
        count = min(len(body["groups"]) + SPARE_GROUPS, MOST_GROUPS)
        if self.data is not None:
            count = min(_number(self.data.get("groups", "")), MOST_GROUPS)
        padded = [*body["groups"], *[None] * count][:count]
        return [GroupForm(self.data, prefix=f"group-{at}", initial=group or {}) for at, group in enumerate(padded)]

    def _rules(self, part: str, body: Mapping[str, Any]) -> list[Rule]:
        about, stored = self.ABOUT[part], body[part]
        if self.data is None:
            return [Rule(part, at, about, None, rule, self.names) for at, rule in enumerate(stored)]
        asked = self.data.get("edit", "")
        count = min(_number(self.data.get(part, "")), MOST_RULES)
        kept = [at for at in range(count) if asked != f"rule:{part}:remove:{at}"]
        rules = [Rule(part, at, about, self.data, None, self.names) for at in kept]
        if asked == f"rule:{part}:add" and len(rules) < MOST_RULES:
            rules.append(Rule(part, max(kept, default=-1) + 1, about, None, None, self.names))
        return _renumbered(rules)

    @property
    def is_being_edited(self) -> bool:
        """Whether a rule or a condition is added or removed, so that nothing is to be stored."""
        return bool(self.data and self.data.get("edit"))

    @property
    def fit(self) -> list[Rule]:
        """The rules about leads."""
        return self.rules["fit"]

    @property
    def engagement(self) -> list[Rule]:
        """The rules about touches."""
        return self.rules["engagement"]

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The groups that a rule can be in."""
        return [(key, name) for form in self.groups if (key := _key(form)) and (name := _named(form))]

    error = ""

    def is_valid(self) -> bool:
        """Whether the rules can be stored; else each wrong part says why."""
        parts = [self.basics.is_valid(), *[group.is_valid() for group in self.groups]]
        parts += [rule.is_valid() for rules in self.rules.values() for rule in rules]
        if not all(parts):
            return False
        try:
            read(self.body)
        except RuleError as refusal:
            self._place(refusal)
            return False
        return True

    @cached_property
    def body(self) -> dict[str, Any]:
        """What was filled in, as a version stores it."""
        return {
            **self.basics.values,
            "groups": [
                {"key": _key(form), **{name: form.cleaned_data[name] for name in ("name", "cap", "half_life_days")}}
                for form in self.groups
                if form.cleaned_data["name"]
            ],
            **{part: [rule.as_json() for rule in rules] for part, rules in self.rules.items()},
        }

    def _place(self, refusal: RuleError) -> None:
        message = str(refusal.message)
        if refusal.part in self.rules and refusal.index is not None:
            self.rules[refusal.part][refusal.index].error = message
        elif refusal.part == "grades":
            self.basics.add_error("grade_a", message)
        elif refusal.part in self.basics.fields:
            self.basics.add_error(refusal.part, message)
        else:
            self.error = message


def _renumbered(rules: list[Rule]) -> list[Rule]:
    """After one was removed the others close up."""
    for at, rule in enumerate(rules):
        if rule.at != at:
            rule.at, rule.prefix = at, f"{rule.part}-{at}"
            rule.editor.rename(rule.prefix)
    return rules


def _named(form: GroupForm) -> str:
    return str(form["name"].value() or "")


def _key(form: GroupForm) -> str:
    return str(form["key"].value() or "") or slugify(_named(form)).replace("-", "_")[:40]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0
