"""Forms of people, teams and the company. They validate; `accounts` writes."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.db.models import Q

from alignment.lib.currencies import CURRENCIES
from alignment.lib.languages import language_list, read_languages
from alignment.lib.phones import REGIONS, calling_code
from alignment.lib.time_zones import zone_names
from alignment.people.models import Company, Role, Scope, Team, User, WorkingCalendar

FULL_SHARE = 100
TEAM_ROLES = {Role.MARKETER, Role.REP, Role.MANAGER}


def zone_choices(blank: str | None = None) -> list[tuple[str, str]]:
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

    def label_from_instance(self, obj: User) -> str:
        return str(obj) if obj.is_active and obj.has_usable_password() else f"{obj} (cannot sign in)"


class ColleaguesForm(forms.ModelForm):
    """Whoever stands in one of its fields of colleagues can stay there, also without a login."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            standing = getattr(self.instance, f"{name}_id", None)
            if isinstance(field, ColleagueField) and standing:
                field.queryset = field.queryset | User.objects.filter(pk=standing)


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


class CalendarField(forms.ModelChoiceField):
    """A working calendar that is not retired."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            WorkingCalendar.objects.filter(retired_at=None).order_by("name"),
            label="Working calendar",
            required=False,
            **kwargs,
        )


class LanguagesField(forms.CharField):
    """Names or codes of languages, parted by commas; a list of codes comes out."""

    def to_python(self, value: Any) -> Any:
        return read_languages(super().to_python(value) or "")

    def prepare_value(self, value: Any) -> Any:
        return language_list(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != data)


class EditPersonForm(PersonForm):
    class Meta(PersonForm.Meta):
        fields = [*PersonForm.Meta.fields, "time_zone", "calendar", "languages", "weight", "daily_cap", "open_cap"]

    time_zone = forms.ChoiceField(choices=lambda: zone_choices("The company's"), required=False)
    calendar = CalendarField(empty_label="The company's")
    languages = LanguagesField(required=False, help_text="What they speak with buyers, as “German, English”.")
    weight = forms.IntegerField(
        label="Share of routed leads",
        required=False,
        min_value=0,
        max_value=500,
        help_text="In per cent: 50 gets half as many as 100, 0 gets none. Blank: 100.",
    )
    daily_cap = forms.IntegerField(
        label="Routed leads a day, at most", required=False, min_value=0, max_value=32767, help_text="Blank: no limit."
    )
    open_cap = forms.IntegerField(
        label="Open leads, at most", required=False, min_value=0, max_value=10**9, help_text="Blank: no limit."
    )

    def clean_weight(self) -> int:
        weight: int | None = self.cleaned_data["weight"]
        return FULL_SHARE if weight is None else weight


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


class TeamForm(ColleaguesForm):
    class Meta:
        model = Team
        fields = ["name", "side", "manager"]

    manager = ColleagueField(help_text="Is told when the team breaks a promise.")


class CompanyForm(ColleaguesForm):
    class Meta:
        model = Company
        fields = [
            "name",
            "time_zone",
            "currency",
            "week_start",
            "fiscal_year_start_month",
            "calendar",
            "marketing_head",
            "sales_head",
            "marketing_steward",
            "sales_steward",
            "phone_region",
        ]

    time_zone = forms.ChoiceField(choices=zone_choices, help_text="Days and figures are counted in it.")
    calendar = CalendarField(
        empty_label="None: around the clock", help_text="When people without a calendar of their own work."
    )
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
        fields = ["name", "languages", "time_zone", "theme", "shortcuts"]

    languages = LanguagesField(required=False, help_text="What you speak with buyers, as “German, English”.")
    time_zone = forms.ChoiceField(choices=lambda: zone_choices("The company's"), required=False)
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
