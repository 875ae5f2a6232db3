"""Forms of pools, rules, and of leads that change hands. They validate; the verbs of this package write."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from alignment.lib.languages import language_names
from alignment.people.models import User
from leads.hands import salespeople
from leads.models.route import AfterHours, Pool, PoolMember
from leads.routing.rules import LONGEST_NAME

WHY = "Say why: both the old and the new holder read it."


class PoolForm(forms.Form):
    """A pool and its members."""

    name = forms.CharField(max_length=80, help_text="As “Mid-market DACH”.")
    members = forms.ModelMultipleChoiceField(
        User.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "A pool needs at least one member."},
        help_text="Their share, caps, languages and calendar are set on their own page.",
    )
    fallback = forms.ModelChoiceField(
        User.objects.none(),
        empty_label=None,
        help_text="Gets the leads that nobody of the pool can take, and is told of each.",
    )
    after_hours = forms.ChoiceField(label="While nobody of it is at work", choices=AfterHours.choices)

    def __init__(self, data: Any = None, *, pool: Pool | None = None) -> None:
        self.pool = pool
        standing = list(PoolMember.objects.filter(pool=pool, left_at=None).values_list("user_id", flat=True))
        initial = {
            "name": pool.name, "fallback": pool.fallback_id, "after_hours": pool.after_hours, "members": standing,
        } if pool else {}  # fmt: skip
        super().__init__(data, initial=initial)
        _offer(self.fields["members"], salespeople() | User.objects.filter(pk__in=standing).order_by("name", "pk"))
        _offer(self.fields["fallback"], User.objects.active().order_by("name", "pk"))

    def clean_name(self) -> str:
        name: str = " ".join(self.cleaned_data["name"].split())
        others = Pool.objects.filter(name__iexact=name)
        if self.pool:
            others = others.exclude(pk=self.pool.pk)
        if others.exists():
            raise ValidationError("A pool of this name exists.")
        return name

    @property
    def facts(self) -> dict[str, Any]:
        """What the verbs take."""
        data = self.cleaned_data
        return {
            "name": data["name"], "fallback": data["fallback"], "after_hours": data["after_hours"],
            "member_ids": [each.pk for each in data["members"]],
        }  # fmt: skip


class RuleForm(forms.Form):
    """A rule without its condition: what it is called and where it sends leads."""

    name = forms.CharField(max_length=LONGEST_NAME, help_text="What a rep reads: “Why you? Rule 2, DACH.”")
    to = forms.ChoiceField(label="Send them to")
    language = forms.ChoiceField(
        label="Only to people who speak", required=False, help_text="Where it matters; set on each person's page."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        pools = [(f"pool:{pool.pk}", pool.name) for pool in _standing_pools()]
        people = [(f"person:{person.pk}", person.name) for person in salespeople()]
        self.fields["to"].choices = [("A pool", pools), ("One person", people)]  # type: ignore[attr-defined]
        languages = [("", "Anything"), *language_names().items()]
        self.fields["language"].choices = languages  # type: ignore[attr-defined]

    def as_json(self) -> dict[str, Any]:
        """The rule as a body stores it, without its condition."""
        kind, _, key = self.cleaned_data["to"].partition(":")
        return {"name": self.cleaned_data["name"], kind: int(key), "language": self.cleaned_data["language"]}


class BeforeRulesForm(forms.Form):
    """What happens before any rule is asked, and after all of them."""

    attach = forms.BooleanField(
        label="A lead of a company with an open deal joins it",
        required=False,
        help_text="Whoever works the deal gets the lead and is told; nobody else calls the company.",
    )
    account_owner = forms.BooleanField(label="The owner of an account gets its leads first", required=False)
    otherwise = forms.ModelChoiceField(
        Pool.objects.none(), label="What no rule is about goes to", empty_label="Choose a pool"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self.fields["otherwise"], _standing_pools())


class LeaveForm(forms.Form):
    """Where the open leads of somebody who leaves go."""

    to = forms.ModelChoiceField(
        User.objects.none(), label="Their open leads go to", required=False, empty_label="Whom the routing rules choose"
    )
    why = forms.CharField(max_length=200, initial="Left the company", error_messages={"required": WHY})

    def __init__(self, *args: Any, leaver: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self.fields["to"], salespeople().exclude(pk=leaver.pk))


class RouteAgainForm(forms.Form):
    """Why a lead is routed anew."""

    why = forms.CharField(max_length=200, error_messages={"required": WHY})


class LedgerForm(forms.Form):
    """The days and the pool that the ledger counts."""

    DAYS = ((7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "a year"))

    days = forms.TypedChoiceField(label="The last", coerce=int, choices=DAYS, initial=30)
    pool = forms.ModelChoiceField(Pool.objects.order_by("name"), required=False, empty_label="All pools")


def _standing_pools() -> Any:
    return Pool.objects.filter(retired_at=None).order_by("name")


def _offer(field: forms.Field, rows: Any) -> None:
    field.queryset = rows  # type: ignore[attr-defined]
