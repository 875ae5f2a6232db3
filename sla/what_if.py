"""“What if we promised 4 hours for a score of 90?”: a rule before those that count, tried on history alone."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from sla.models import PolicySet, SubjectKind, TargetUnit
from sla.models.policy import span
from sla.preview import Preview, on_history
from sla.rules import LONGEST, Rule, as_body, read


class WhatIfForm(forms.Form):
    """A promise that somebody thinks about, and to whom."""

    kind = forms.ChoiceField(label="Promise", choices=SubjectKind)
    target = forms.IntegerField(label="Within", min_value=1, max_value=LONGEST)
    unit = forms.ChoiceField(label="Counted in", choices=TargetUnit)
    score = forms.IntegerField(
        label="For leads with a score of at least", min_value=0, max_value=10_000, required=False,
        help_text="Blank: whatever the score.",
    )  # fmt: skip
    raised_hand = forms.BooleanField(label="Only leads that raised a hand", required=False)

    def as_rule(self) -> Rule:
        """The rule of a valid form."""
        data = self.cleaned_data
        tests = []
        if data["score"] is not None:
            tests.append({"field": "score", "operator": "at_least", "values": [str(data["score"])]})
        if data["raised_hand"]:
            tests.append({"field": "raised_hand", "operator": "yes", "values": []})
        name = f"What if: {span(data['target'], data['unit'])}"
        return Rule(name, when={"match": "all", "of": tests}, target=data["target"], unit=data["unit"])


USUAL: dict[str, Any] = {"kind": SubjectKind.DISPOSITION, "target": 4, "unit": TargetUnit.ELAPSED_HOURS, "score": 90}
"""What the form proposes."""


def try_out(rule: Rule, kind: str, *, at: datetime, zone: ZoneInfo) -> Preview:
    """The rule asked first, those that count after it, on the 90 days before `at`. Nothing is stored."""
    counting = PolicySet.published(kind)
    rules = [rule, *(read(counting.body) if counting else [])]
    return on_history(PolicySet(scope=kind, number=0, body=as_body(rules)), at=at, zone=zone)
