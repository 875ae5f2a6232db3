"""What somebody says about a view that they save."""

from typing import Any

from django import forms

from alignment.desk.models import SavedView, Sharing
from alignment.people.models import User


class SavedViewForm(forms.Form):
    name = forms.CharField(max_length=60)
    sharing = forms.ChoiceField(label="Who sees it", choices=Sharing.choices, initial=Sharing.ME)
    is_default = forms.BooleanField(label="My list of leads begins with it", required=False)

    def __init__(self, *args: Any, owner: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if owner.team_id is None:
            offered = [(key, label) for key, label in Sharing.choices if key != Sharing.TEAM]
            self.fields["sharing"].choices = offered  # type: ignore[attr-defined]


def initial(view: SavedView, *, is_default: bool) -> dict[str, Any]:
    """What the form of a view begins with."""
    return {"name": view.name, "sharing": view.sharing, "is_default": is_default}
