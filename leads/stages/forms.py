"""What the pages of the stages' set-up ask for."""

from typing import Any

from django import forms

from alignment.people.models import Side
from leads import criteria
from leads.milestones import Milestone
from leads.models import Stage
from leads.stages.setup import LONGEST_CONFIRMATION, LONGEST_DEFINITION, LONGEST_NAME


def _choices(registry: Any) -> list[tuple[str, str]]:
    return [(key, words[0].upper() + words[1:]) for key, (words, _) in registry.items()]


class StageForm(forms.Form):
    """What a stage is and asks for; the conditions have an editor of their own."""

    name = forms.CharField(max_length=LONGEST_NAME)
    owning_side = forms.ChoiceField(label="Whose stage is it?", choices=Side.choices)
    definition = forms.CharField(
        max_length=LONGEST_DEFINITION, required=False, widget=forms.Textarea(attrs={"rows": 5}),
        help_text="In words that both teams mean the same by. Both heads sign it.",
    )  # fmt: skip
    fields_asked = forms.MultipleChoiceField(
        label="What must be known of the lead", required=False, widget=forms.CheckboxSelectMultiple,
        choices=_choices(criteria.FIELDS),
    )  # fmt: skip
    deal = forms.MultipleChoiceField(
        label="What must be known of the opportunity", required=False, widget=forms.CheckboxSelectMultiple,
        choices=_choices(criteria.DEAL_FIELDS),
    )  # fmt: skip
    confirmations = forms.MultipleChoiceField(
        label="What is confirmed with the buyer", required=False, widget=forms.CheckboxSelectMultiple,
        choices=[(key, words.capitalize()) for key, words in criteria.CONFIRMATIONS.items()],
    )  # fmt: skip
    further = forms.CharField(
        label="Further confirmations", required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=f"One a line, each of at most {LONGEST_CONFIRMATION} characters.",
    )  # fmt: skip

    def __init__(self, *args: Any, stage: Stage, body: dict[str, Any], **kwargs: Any) -> None:
        asked = body["criteria"]
        confirmations = asked.get("confirmations", [])
        kwargs["initial"] = {
            "name": body["name"], "owning_side": body["owning_side"], "definition": body["definition"],
            "fields_asked": asked.get("fields", []), "deal": asked.get("deal", []), "confirmations": confirmations,
            "further": "\n".join(name for name in confirmations if name not in criteria.CONFIRMATIONS),
        }  # fmt: skip
        super().__init__(*args, **kwargs)
        if stage.milestone != Milestone.SQO:
            for name in ("deal", "confirmations", "further"):
                del self.fields[name]

    def clean_further(self) -> list[str]:
        lines = [" ".join(line.split()) for line in self.cleaned_data["further"].splitlines()]
        if any(len(line) > LONGEST_CONFIRMATION for line in lines):
            raise forms.ValidationError(f"Each of at most {LONGEST_CONFIRMATION} characters.")
        return [line for line in lines if line]

    def body(self, conditions: dict[str, Any]) -> dict[str, Any]:
        """What a version stores, with these conditions."""
        data = self.cleaned_data
        asked = {
            "fields": data["fields_asked"], "deal": data.get("deal", []), "conditions": conditions,
            "confirmations": [*data.get("confirmations", []), *data.get("further", [])],
        }  # fmt: skip
        return {
            "name": data["name"], "owning_side": data["owning_side"], "definition": data["definition"],
            "criteria": asked,
        }  # fmt: skip


class NewStageForm(forms.Form):
    name = forms.CharField(max_length=LONGEST_NAME)
    after = forms.ModelChoiceField(
        Stage.objects.none(), label="Behind which stage?", empty_label=None,
        help_text="It belongs to the same milestone, so that figures stay comparable.",
    )  # fmt: skip
    owning_side = forms.ChoiceField(label="Whose stage is it?", choices=Side.choices, initial=Side.SALES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        after: Any = self.fields["after"]
        after.queryset = Stage.objects.in_use().filter(milestone__lt=Milestone.WON)
        after.label_from_instance = lambda stage: f"{stage} ({Milestone(stage.milestone).name})"


class RetireStageForm(forms.Form):
    to = forms.ModelChoiceField(Stage.objects.none(), label="Who stands in it moves to", empty_label=None)
    why = forms.CharField(
        label="Why", max_length=500, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="It stands beside each lead's move.",
    )  # fmt: skip

    def __init__(self, *args: Any, stage: Stage, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        to: Any = self.fields["to"]
        to.queryset = Stage.objects.in_use().filter(milestone=stage.milestone).exclude(pk=stage.pk)


class PublishForm(forms.Form):
    note = forms.CharField(
        label="What changed, and why", max_length=500, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Both heads read it before they sign.",
    )  # fmt: skip
