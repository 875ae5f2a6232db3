"""Forms of people, teams and the company. They validate; `accounts` writes."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.db.models import Q

from alignment.lib.currencies import CURRENCIES
from alignment.lib.phones import REGIONS, calling_code
from alignment.lib.time_zones import zone_names
from alignment.people.models import Company, Role, Scope, Team, User

TEAM_ROLES = {Role.MARKETER, Role.REP, Role.MANAGER}


def _zones(blank: str | None = None) -> list[tuple[str, str]]:
    first = [("", blank)] if blank else []
    return first + [(name, name.replace("_", " ")) for name in zone_names()]


def _typed(autocomplete: str) -> forms.TextInput:
    return forms.TextInput({"autocomplete": autocomplete})


class PasswordInput(forms.PasswordInput):
    def __init__(self) -> None:
        super().__init__({"autocomplete": "new-password"})


class ColleagueField(forms.ModelChoiceField):
    """Somebody who can sign in, or nobody yet."""

    def __init__(self, **kwargs: Any) -> None:
        colleagues = User.objects.active().with_login().order_by("name")
        super().__init__(colleagues, required=False, empty_label="Nobody yet", **kwargs)


class PersonForm(forms.ModelForm):
    """A user as RevOps describes them. Somebody who came with an import may stay without an e-mail."""

    class Meta:
        model = User
        fields = ["name", "email", "role", "team"]

    team = forms.ModelChoiceField(
        Team.objects.none(),
        required=False,
        empty_label="No team",
        help_text="Marketers, reps and managers belong to one.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        open_teams = Team.objects.filter(Q(retired_at=None) | Q(pk=self.instance.team_id)).order_by("side", "name")
        self.fields["team"].queryset = open_teams  # type: ignore[attr-defined]
        self.fields["email"].required = self.instance.external_id is None

    def clean_email(self) -> str | None:
        return (self.cleaned_data["email"] or "").lower() or None

    def clean(self) -> None:
        super().clean()
        role = self.cleaned_data.get("role")
        if role in TEAM_ROLES and not self.cleaned_data.get("team"):
            self.add_error("team", f"A {Role(role).label.lower()} belongs to a team.")


class EditPersonForm(PersonForm):
    class Meta(PersonForm.Meta):
        fields = [*PersonForm.Meta.fields, "time_zone"]

    time_zone = forms.ChoiceField(choices=lambda: _zones("The company's"), required=False)


class NewPersonForm(PersonForm):
    password = forms.CharField(
        label="First password",
        required=False,
        widget=PasswordInput,
        help_text="Blank: they set one by a link that you send them.",
    )

    def clean_password(self) -> str | None:
        password = self.cleaned_data["password"]
        if password:
            validate_password(password)
        return password or None


class PasswordForm(forms.Form):
    """A password for somebody else."""

    password = forms.CharField(label="New password", widget=PasswordInput)

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.person)
        return password


class TeamForm(forms.ModelForm):
    class Meta:
        model = Team
        fields = ["name", "side", "manager"]

    manager = ColleagueField(help_text="Is told when the team breaks a promise.")


class CompanyForm(forms.ModelForm):
    class Meta:
        model = Company
        fields = [
            "name",
            "time_zone",
            "currency",
            "week_start",
            "fiscal_year_start_month",
            "marketing_head",
            "sales_head",
            "marketing_steward",
            "sales_steward",
            "phone_region",
        ]

    time_zone = forms.ChoiceField(choices=_zones, help_text="Days and figures are counted in it.")
    currency = forms.ChoiceField(choices=[(code, code) for code in sorted(CURRENCIES)])
    marketing_head = ColleagueField(help_text="Signs for marketing.")
    sales_head = ColleagueField(help_text="Signs for sales.")
    marketing_steward = ColleagueField(help_text="Keeps the data clean, for marketing.")
    sales_steward = ColleagueField(help_text="Keeps the data clean, for sales.")
    phone_region = forms.ChoiceField(
        label="Country of phone numbers",
        required=False,
        choices=[("", "None"), *((region, f"{region} (+{calling_code(region)})") for region in REGIONS)],
        help_text="Phone numbers without a country code are read as numbers of this country.",
    )


class AccountForm(forms.ModelForm):
    """What people change of themselves."""

    class Meta:
        model = User
        fields = ["name", "time_zone", "theme", "shortcuts"]

    time_zone = forms.ChoiceField(choices=lambda: _zones("The company's"), required=False)
    shortcuts = forms.BooleanField(
        label="Keyboard shortcuts", required=False, help_text="Off: single keys do nothing on any page."
    )


class TokenForm(forms.Form):
    """A new API token. It does no more than its user may."""

    name = forms.CharField(max_length=80, help_text="What will use it, as “Website” or “Nightly export”.")
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=Scope.choices,
        initial=[Scope.READ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )
    days = forms.TypedChoiceField(
        label="Expires after",
        coerce=int,
        choices=[(30, "30 days"), (90, "90 days"), (365, "a year")],
        initial=90,
    )


class WelcomeForm(forms.Form):
    """The first admin and the name of the company."""

    company_name = forms.CharField(label="Company", max_length=120, widget=_typed("organization"))
    name = forms.CharField(label="Your name", max_length=120, widget=_typed("name"))
    email = forms.EmailField(label="Your e-mail", widget=forms.EmailInput({"autocomplete": "username"}))
    password = forms.CharField(label="Password", widget=PasswordInput, help_text="At least 10 characters.")
    password_again = forms.CharField(label="Password again", widget=PasswordInput)

    def clean(self) -> None:
        super().clean()
        password, again = self.cleaned_data.get("password"), self.cleaned_data.pop("password_again", None)
        if password and again and password != again:
            self.add_error("password_again", "The two passwords differ.")

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, User(name=self.cleaned_data.get("name", ""), email=self.cleaned_data.get("email")))
        return password
