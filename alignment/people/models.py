"""Company, teams, users and their API tokens."""

from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now
from knox.models import AbstractAuthToken

from alignment.lib.currencies import validate_currency
from alignment.lib.languages import validate_language
from alignment.lib.set_keys import NeverDeleted
from alignment.lib.time_zones import validate_time_zone
from alignment.people.calendar_models import Absence, CalendarDate, WorkingCalendar, WorkingHours, WorkingSpan

__all__ = [
    "Absence",
    "ApiToken",
    "CalendarDate",
    "Company",
    "Month",
    "Role",
    "Scope",
    "Side",
    "Team",
    "Theme",
    "User",
    "Weekday",
    "WorkingCalendar",
    "WorkingHours",
    "WorkingSpan",
]


class Side(models.TextChoices):
    """Which half of the hand-off a team stands on."""

    MARKETING = "marketing", "Marketing"
    SALES = "sales", "Sales"


class Role(models.TextChoices):
    """What a user does here; the policy table turns it into rights."""

    MARKETER = "marketer", "Marketer"
    REP = "rep", "Rep"
    MANAGER = "manager", "Manager"
    REVOPS = "revops", "RevOps admin"
    EXECUTIVE = "executive", "Executive"


class Theme(models.TextChoices):
    SYSTEM = "system", "As the device"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class Weekday(models.IntegerChoices):
    """ISO 8601 numbers."""

    MONDAY = 1, "Monday"
    TUESDAY = 2, "Tuesday"
    WEDNESDAY = 3, "Wednesday"
    THURSDAY = 4, "Thursday"
    FRIDAY = 5, "Friday"
    SATURDAY = 6, "Saturday"
    SUNDAY = 7, "Sunday"


class Month(models.IntegerChoices):
    JANUARY = 1, "January"
    FEBRUARY = 2, "February"
    MARCH = 3, "March"
    APRIL = 4, "April"
    MAY = 5, "May"
    JUNE = 6, "June"
    JULY = 7, "July"
    AUGUST = 8, "August"
    SEPTEMBER = 9, "September"
    OCTOBER = 10, "October"
    NOVEMBER = 11, "November"
    DECEMBER = 12, "December"


class Company(models.Model):
    """The one company of this install: the zone and currency its figures are in, and who signs for each side."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(max_length=120, default="Our company")
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    currency = models.CharField(max_length=3, default="EUR", validators=[validate_currency])
    week_start = models.PositiveSmallIntegerField("first day of the week", choices=Weekday, default=Weekday.MONDAY)
    fiscal_year_start_month = models.PositiveSmallIntegerField(
        "fiscal year starts in", choices=Month, default=Month.JANUARY
    )
    calendar = models.ForeignKey(
        WorkingCalendar,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="working calendar",
        help_text="When people without one of their own work. None: around the clock.",
    )
    marketing_head = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    sales_head = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    marketing_steward = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    sales_steward = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    phone_region = models.CharField(
        "country of phone numbers", max_length=2, blank=True, help_text="For numbers without a country code."
    )

    class Meta:
        verbose_name_plural = "companies"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="company_single_row"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="company_currency_code"),
            models.CheckConstraint(condition=Q(week_start__range=(1, 7)), name="company_week_start_day"),
            models.CheckConstraint(condition=Q(fiscal_year_start_month__range=(1, 12)), name="company_fiscal_month"),
            models.CheckConstraint(condition=Q(phone_region__regex=r"^([A-Z]{2})?$"), name="company_phone_region_code"),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def get(cls) -> "Company":
        """The company of this install (one query)."""
        return cls.objects.get(pk=1)

    @property
    def heads(self) -> dict[Side, int]:
        """Who signs for each side, by id; a side without a head is missing."""
        heads = {Side.MARKETING: self.marketing_head_id, Side.SALES: self.sales_head_id}
        return {side: head for side, head in heads.items() if head is not None}

    def sides_headed_by(self, user: "User") -> list[Side]:
        """The sides whose head `user` is."""
        return [side for side, head in self.heads.items() if head == user.pk]


class Team(models.Model):
    """People of one side under one manager, who is told of their breaches."""

    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=80)
    side = models.CharField(max_length=16, choices=Side)
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="managed_teams"
    )
    retired_at = models.DateTimeField(null=True, blank=True, help_text="From when on the team takes nobody new.")

    class Meta:
        constraints = [
            NeverDeleted(name="team_never_deleted"),
            models.UniqueConstraint(
                Lower("name"), name="team_name_unique", violation_error_message="A team of this name exists."
            ),
            models.CheckConstraint(condition=Q(side__in=Side.values), name="team_side_known"),
        ]

    def __str__(self) -> str:
        return self.name


class UserQuerySet(models.QuerySet["User"]):
    def active(self) -> "UserQuerySet":
        """People who work here now."""
        return self.filter(is_active=True)

    def with_login(self) -> "UserQuerySet":
        """People with an e-mail and a password, active or not; an import also knows owners without either."""
        return self.filter(email__isnull=False).exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def create_user(self, *, email: str | None = None, password: str | None = None, **fields: Any) -> "User":
        """A user; without `password` nobody can sign in as them until one is set."""
        user = self.model(email=email.strip().lower() if email else None, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, *, email: str, password: str | None = None, **fields: Any) -> "User":
        """A RevOps admin: what `manage.py createsuperuser` makes."""
        return self.create_user(email=email, password=password, role=Role.REVOPS, **fields)

    def get_by_natural_key(self, username: str) -> "User":
        return self.get(email=username.strip().lower())


class User(AbstractBaseUser):  # type: ignore[django-manager-missing]  # knox is not typed
    """Somebody who signs in by e-mail, or an owner that came with an import (external id, no e-mail, no login).

    An int4 key, because it is a facet of lead lists. E-mails are stored in lower case.
    """

    id = models.AutoField(primary_key=True)
    email = models.EmailField("e-mail", null=True, blank=True)  # noqa: DJ001 (unique, so null is nobody's)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=16, choices=Role)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="members")
    external_id = models.CharField(max_length=255, null=True, blank=True, unique=True)
    time_zone = models.CharField(
        max_length=64, blank=True, default="", validators=[validate_time_zone], help_text="Blank: the company's."
    )
    calendar = models.ForeignKey(
        WorkingCalendar,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="people",
        verbose_name="working calendar",
    )
    languages = ArrayField(
        models.CharField(max_length=2, validators=[validate_language]),
        default=list,
        blank=True,
        help_text="ISO 639-1 codes of what they speak with buyers.",
    )
    weight = models.PositiveSmallIntegerField(
        "share of routed leads", default=100, help_text="In per cent: 50 gets half as many as 100, 0 gets none."
    )
    daily_cap = models.PositiveSmallIntegerField("routed leads a day, at most", null=True, blank=True)
    open_cap = models.PositiveIntegerField("open leads, at most", null=True, blank=True)
    theme = models.CharField(max_length=8, choices=Theme, default=Theme.SYSTEM)
    shortcuts = models.BooleanField("keyboard shortcuts", default=True)
    is_active = models.BooleanField("active", default=True)
    joined_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        constraints = [
            NeverDeleted(name="user_never_deleted"),
            models.UniqueConstraint(
                Lower("email"), name="user_email_unique", violation_error_message="Somebody has this e-mail already."
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower_case"),
            models.CheckConstraint(condition=~Q(email="") & ~Q(external_id=""), name="user_keys_null_not_blank"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="user_role_known"),
            models.CheckConstraint(condition=Q(theme__in=Theme.values), name="user_theme_known"),
            models.CheckConstraint(condition=Q(weight__lte=500), name="user_weight_known"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.email = self.email.strip().lower() if self.email else None

    @property
    def side(self) -> Side | None:
        """The side of the user's team; None without a team (RevOps and executives stand between the sides)."""
        return Side(self.team.side) if self.team else None

    @cached_property
    def zone(self) -> ZoneInfo:
        """Where the user reads due times: their own zone, else the company's."""
        return ZoneInfo(self.time_zone or self.company_time_zone)

    @cached_property
    def company_time_zone(self) -> str:
        """The company's zone; the user of a request brings it along, others cost a query."""
        return Company.get().time_zone

    @cached_property
    def is_steward(self) -> bool:
        """Whether they keep the data clean, for one of the sides; the user of a request brings it along."""
        return Company.objects.filter(Q(marketing_steward=self) | Q(sales_steward=self)).exists()

    @property
    def initials(self) -> str:
        """One or two capitals for the avatar, of the first and the last name."""
        words = self.name.split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


class Scope(models.TextChoices):
    """What a token may be used for, within what its user may do."""

    READ = "read", "Read leads, deals, moves and figures"
    LEADS = "leads:write", "Add, change and move leads and deals"
    ACTIVITIES = "activities:write", "Log touchpoints and activities"
    ADMIN = "admin", "All of these; assign leads, pass entry criteria and correct history"


class ApiToken(AbstractAuthToken):
    """An API key of one user: only its digest is stored, and it expires. Revoked ones stay, as what they did does.

    `window_count` requests were counted since `window_at`, when the running minute of its rate limit began.
    """

    id = models.AutoField(primary_key=True)
    digest = models.CharField(max_length=128, unique=True)
    user = models.ForeignKey(User, models.PROTECT, related_name="auth_token_set")
    name = models.CharField(max_length=80)
    scopes = ArrayField(models.CharField(max_length=20))
    expiry = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    window_at = models.DateTimeField(null=True, blank=True)
    window_count = models.PositiveIntegerField(db_default=0)

    class Meta:
        verbose_name = "API token"
        constraints = [
            models.CheckConstraint(
                condition=Q(scopes__contained_by=Scope.values, scopes__len__gt=0), name="token_scopes_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def allows(self, scope: str) -> bool:
        """Whether the token may be used for `scope`."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def state(self, at: datetime) -> str:
        """How it stands at the moment `at`: `active`, `expired` or `revoked`."""
        if self.revoked_at:
            return "revoked"
        return "active" if at < self.expiry else "expired"
