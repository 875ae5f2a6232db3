"""Forms of people, teams and the company. They validate; `accounts` writes."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password

from alignment.lib.currencies import CURRENCIES
from alignment.lib.time_zones import zone_names
from alignment.people.models import Company, Role, Team, User

TEAM_ROLES = {Role.MARKETER, Role.REP, Role.MANAGER}


def _zones(blank: str | None = None) -> list[tuple[str, str]]:
    first = [("", blank)] if blank else []
    return first + [(name, name.replace("_", " ")) for name in zone_names()]


def _people() -> Any:
    return User.objects.active().with_login().order_by("name")


class PasswordInput(forms.PasswordInput):
    def __init__(self, autocomplete: str = "new-password") -> None:
        super().__init__(attrs={"autocomplete": autocomplete})


class PersonForm(forms.ModelForm):
    """What RevOps edits of a user. Somebody who came with an import may stay without an e-mail."""

    class Meta:
        model = User
        fields = ("name", "email", "role", "team", "time_zone")

    time_zone = forms.ChoiceField(choices=lambda: _zones("The company's"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        open_teams = Team.objects.filter(retired_at=None) | Team.objects.filter(pk=self.instance.team_id)
        self.fields["team"].queryset = open_teams.order_by("side", "name")
        self.fields["team"].empty_label = "No team"
        self.fields["email"].required = self.instance.external_id is None

    def clean_email(self) -> str | None:
        return (self.cleaned_data["email"] or "").lower() or None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("role") in TEAM_ROLES and not cleaned.get("team"):
            self.add_error("team", f"A {Role(cleaned['role']).label.lower()} belongs to a team.")
        return cleaned


class NewPersonForm(PersonForm):
    class Meta(PersonForm.Meta):
        fields = ("name", "email", "role", "team")

    time_zone = None
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
        fields = ("name", "side", "manager")
        help_texts = {"manager": "Is told when the team breaks a promise."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["manager"].queryset = _people()
        self.fields["manager"].empty_label = "Nobody yet"


class CompanyForm(forms.ModelForm):
    time_zone = forms.ChoiceField(choices=_zones, help_text="Days and figures are counted in it.")
    currency = forms.ChoiceField(choices=[(code, code) for code in sorted(CURRENCIES)])

    class Meta:
        model = Company
        fields = (
            "name",
            "time_zone",
            "currency",
            "week_start",
            "fiscal_year_start_month",
            "marketing_head",
            "sales_head",
        )
        help_texts = {
            "marketing_head": "Signs for marketing.",
            "sales_head": "Signs for sales.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for head in ("marketing_head", "sales_head"):
            self.fields[head].queryset = _people()
            self.fields[head].empty_label = "Nobody yet"


class AccountForm(forms.ModelForm):
    """What people change of themselves."""

    class Meta:
        model = User
        fields = ("name", "time_zone", "theme", "shortcuts")

    time_zone = forms.ChoiceField(choices=lambda: _zones("The company's"), required=False)
    shortcuts = forms.BooleanField(
        label="Keyboard shortcuts", required=False, help_text="Off: single keys do nothing on any page."
    )


class WelcomeForm(forms.Form):
    """The first admin and the name of the company."""

    company_name = forms.CharField(label="Company", max_length=120)
    name = forms.CharField(label="Your name", max_length=120)
    email = forms.EmailField(label="Your e-mail")
    password = forms.CharField(label="Password", widget=PasswordInput, help_text="At least 10 characters.")
    password_again = forms.CharField(label="Password again", widget=PasswordInput)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        again = cleaned.pop("password_again", None)
        if "password" in cleaned and again is not None and cleaned["password"] != again:
            self.add_error("password_again", "The two passwords differ.")
        return cleaned

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, User(name=self.cleaned_data.get("name", ""), email=self.cleaned_data.get("email")))
        return password
