"""The form of a draft of the profiles. Profiles are added and taken away with or without JavaScript."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.text import slugify

from leads.conditions import ABOUT_ACCOUNT, ABOUT_PROFILED_ACCOUNT, Names
from leads.conditions.editor import Editor
from leads.profiles.rules import LONGEST_TEXT, MOST_PROFILES, TEXTS, TIERS, ProfileError, read


class FactsForm(forms.Form):
    """What both teams know of one profile."""

    key = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    name = forms.CharField(max_length=80)
    tier = forms.TypedChoiceField(
        choices=[(tier, f"Tier {tier}") for tier in TIERS], coerce=int, help_text="1 is the best."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in TEXTS.items():
            self.fields[name] = forms.CharField(
                label=label, required=False, max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 3})
            )


class Part:
    """One profile of the form: its facts and its condition."""

    def __init__(self, at: int, data: Any, stored: Mapping[str, Any] | None, names: Names) -> None:
        self.at, self.prefix = at, f"profile-{at}"
        self.facts = FactsForm(data, prefix=self.prefix, initial=dict(stored or {}))
        self.editor = Editor(
            ABOUT_ACCOUNT, prefix=f"{self.prefix}-if", data=data, stored=(stored or {}).get("if"), names=names
        )

    error = ""

    @property
    def title(self) -> str:
        """Its name, as far as it has one."""
        return str(self.facts["name"].value() or "A new profile")

    def as_json(self) -> dict[str, Any]:
        """What the body stores."""
        data, condition = self.facts.cleaned_data, self.editor.value
        key = data["key"] or slugify(data["name"]).replace("-", "_")[:40] or f"profile_{self.at}"
        return {**data, "key": key, "if": condition.as_json() if condition else self.editor.as_json()}


class ProfilesForm:
    """All profiles and the rule for target accounts; `body` is what is stored, `data` what was posted."""

    def __init__(self, body: Mapping[str, Any], data: MultiValueDict[str, str] | None = None) -> None:
        self.data, self.names = data, Names()
        self.parts = self._parts(body)
        self.targets = Editor(
            ABOUT_PROFILED_ACCOUNT, prefix="targets", data=data, stored=body["targets"], names=self.names,
            may_be_empty=True,
        )  # fmt: skip

    def _parts(self, body: Mapping[str, Any]) -> list[Part]:
        if self.data is None:
            return [Part(at, None, one, self.names) for at, one in enumerate(body["profiles"])]
        asked, count = self.data.get("edit", ""), self.data.get("profiles", "")
        known = min(int(count) if count.isascii() and count.isdecimal() and len(count) < 4 else 0, MOST_PROFILES)
        kept = [Part(at, self.data, None, self.names) for at in range(known) if asked != f"profile:remove:{at}"]
        if asked == "profile:add" and len(kept) < MOST_PROFILES:
            kept.append(Part(known, None, None, self.names))
        for at, part in enumerate(kept):
            if part.at != at:
                part.at, part.prefix, part.facts.prefix = at, f"profile-{at}", f"profile-{at}"
                values = {name: part.facts.data.get(f"profile-{at + 1}-{name}", "") for name in part.facts.fields}
                part.facts = FactsForm(prefix=f"profile-{at}", initial=values)
                part.editor.rename(f"profile-{at}-if")
        return kept

    @property
    def is_being_edited(self) -> bool:
        """Whether a profile or a condition is added or removed, so that nothing is to be stored."""
        return bool(self.data and self.data.get("edit"))

    error = ""

    def is_valid(self) -> bool:
        """Whether the profiles can be stored; else each wrong part says why."""
        parts = [ok for part in self.parts for ok in (part.facts.is_valid(), part.editor.is_valid())]
        if not all([*parts, self.targets.is_valid()]):
            return False
        try:
            read(self.body)
        except ProfileError as refusal:
            if refusal.index is None:
                self.error = str(refusal.message)
            else:
                self.parts[refusal.index].error = str(refusal.message)
            return False
        return True

    @cached_property
    def body(self) -> dict[str, Any]:
        """What was filled in, as a version stores it."""
        targets = self.targets.value
        return {
            "profiles": [part.as_json() for part in self.parts],
            "targets": targets.as_json() if targets and targets.of else None,
        }
