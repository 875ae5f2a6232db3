"""Imports: the files that came in, what their columns mean, what each row became, and what there is to say about it.

The tables of web forms are in `web_forms.models`.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from alignment.integrations.web_forms import models as web_form_models  # noqa: F401 (Django finds them here)
from alignment.lib.set_keys import KnownKeys, NeverDeleted, set_key
from alignment.ops.models import OPEN_STATES, JobState

UNDO_WITHIN = timedelta(hours=24)
"""An import can be undone for so long after it began."""


NOUNS = {"leads": "leads", "deals": "deals", "touches": "activities", "people": "people"}
"""What the rows of a file become, by the kind of its mapping."""


class SavedMapping(models.Model):
    """What the columns of files with one header mean: offered again when such a file comes."""

    header_key = models.CharField(max_length=64, help_text="Digest of the column names.")
    name = models.CharField(max_length=120)
    mapping = models.JSONField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    used_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["header_key", "name"], name="saved_mapping_name_unique")]

    def __str__(self) -> str:
        return self.name


class Import(models.Model):
    """One file that came in. `mapping` is null until somebody said what its columns mean, `job` until it was run.

    `stored_as` names the file in the private folder of imports; it is removed after a while (`file_removed_at`), and
    blank where a command read a file of its own. `rows` is null where nobody counted them.
    """

    name = models.CharField(max_length=255, help_text="The file as it was called.")
    stored_as = models.CharField(max_length=80, blank=True)
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes, as it was uploaded.")
    header = models.JSONField(default=list)
    header_key = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, blank=True, help_text="Of the file's content; the same file again has it.")
    rows = models.PositiveIntegerField(null=True)
    notes = models.JSONField(default=list, help_text="Sentences about how the file was read.")
    mapping = models.JSONField(null=True)
    job = models.OneToOneField("ops.Job", models.PROTECT, null=True, related_name="+")
    undo_job = models.OneToOneField("ops.Job", models.PROTECT, null=True, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    discarded_at = models.DateTimeField(null=True)
    file_removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            NeverDeleted(name="import_never_deleted"),
            models.CheckConstraint(condition=Q(job=None) | Q(mapping__isnull=False), name="import_runs_with_mapping"),
            models.CheckConstraint(condition=Q(undo_job=None) | Q(job__isnull=False), name="import_undone_was_run"),
            models.CheckConstraint(condition=Q(discarded_at=None) | Q(job=None), name="import_run_or_discarded"),
        ]
        indexes = [
            models.Index(
                F("created_at"),
                condition=~Q(stored_as="") & Q(file_removed_at=None),
                name="import_with_file",
            ),
            models.Index(fields=["digest"], condition=~Q(digest=""), name="import_by_digest"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("import", args=[self.pk])

    @property
    def path(self) -> Path:
        """Where its file is, while it is there."""
        return Path(settings.IMPORTS_DIR, self.stored_as)

    @property
    def has_file(self) -> bool:
        """Whether it can still be read."""
        return bool(self.stored_as) and self.file_removed_at is None

    @property
    def kind(self) -> str:
        """What the rows of the file are, as its mapping says: a key of `NOUNS`."""
        return str((self.mapping or {}).get("kind", "leads"))

    @property
    def noun(self) -> str:
        """What the rows of the file become."""
        return NOUNS[self.kind]

    @property
    def is_under_way(self) -> bool:
        """Whether it, or its undo, waits or runs."""
        return any(job and job.state in OPEN_STATES for job in (self.job, self.undo_job))

    @property
    def undo_until(self) -> datetime | None:
        """Until when it can be undone; None while it never began."""
        return self.job.started_at + UNDO_WITHIN if self.job and self.job.started_at else None

    @property
    def state(self) -> str:
        """Where it stands, in two words at most."""
        if self.discarded_at:
            return "Discarded"
        if self.job is None:
            return "Not run yet"
        if self.undo_job:
            states = {JobState.DONE: "Undone", JobState.FAILED: "Undo failed", JobState.CANCELLED: "Undone in part"}
            return states.get(JobState(self.undo_job.state), "Being undone")
        return str(self.job.get_state_display())

    @property
    def created(self) -> int:
        return self._count("created")

    @property
    def updated(self) -> int:
        return self._count("updated")

    @property
    def unchanged(self) -> int:
        return self._count("unchanged")

    @property
    def deals_opened(self) -> int:
        return self._count("deals_opened")

    @property
    def skipped(self) -> int:
        return self._count("skipped")

    @property
    def rejected(self) -> int:
        return self._count("rejected")

    def _count(self, name: str) -> int:
        """A figure of the result; 0 where there is none."""
        result: dict[str, Any] = self.job.result if self.job else {}
        return int(result.get(name, 0))


class How(models.TextChoices):
    """What an import did with a lead."""

    CREATED = "created", "Created"
    UPDATED = "updated", "Updated"
    UNCHANGED = "unchanged", "Unchanged"


class ImportedLead(models.Model):
    """What one import did with one lead, so that it can be told and taken back.

    `first_seq` to `last_seq` are the `moves` that it made. `changes` has the columns of a standing lead that it
    wrote, and its `owner_id`, with the values before and after; `fingerprint` the facts of a lead that it created, as
    it left them.
    `undone_at` and `kept` say what became of it when the import was undone.
    """

    batch = set_key(Import, related_name="leads")
    lead = set_key("leads.Lead", related_name="+", db_index=True)
    how = models.CharField(max_length=9, choices=How.choices)
    first_seq = models.PositiveIntegerField(null=True)
    last_seq = models.PositiveIntegerField(null=True)
    moves = models.PositiveIntegerField(default=0)
    changes = models.JSONField(default=dict)
    fingerprint = models.CharField(max_length=32, blank=True)
    recorded_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    kept = models.CharField(max_length=200, blank=True, help_text="Why something of it was not taken back.")

    class Meta:
        constraints = [
            KnownKeys(fields=["batch", "lead"], name="imported_lead_keys_known"),
            models.UniqueConstraint(fields=["batch", "lead"], name="imported_lead_once"),
            models.CheckConstraint(condition=Q(how__in=How.values), name="imported_lead_how_known"),
        ]
        indexes = [
            models.Index(fields=["batch", "how", "lead"], name="imported_lead_by_how"),
            models.Index(fields=["batch", "lead"], condition=~Q(kept=""), name="imported_lead_kept"),
        ]

    def __str__(self) -> str:
        return f"Lead {self.lead_id}: {self.get_how_display().lower()}"


class ImportedDeal(models.Model):
    """A deal that an import opened."""

    batch = models.ForeignKey(Import, models.PROTECT, related_name="deals", db_index=False)
    opportunity = models.OneToOneField("leads.Opportunity", models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["batch", "opportunity"], name="imported_deal_by_batch")]

    def __str__(self) -> str:
        return f"Deal {self.opportunity_id}"


class ImportedTouch(models.Model):
    """A touch that an import recorded with a lead that stood before. The row stays when the touch is taken back."""

    batch = set_key(Import, related_name="touches")
    touch_id = models.BigIntegerField(help_text="The key that the touch has, or had before it was taken back.")

    class Meta:
        constraints = [
            KnownKeys(fields=["batch"], name="imported_touch_keys_known"),
            models.UniqueConstraint(fields=["batch", "touch_id"], name="imported_touch_once"),
        ]

    def __str__(self) -> str:
        return f"Touch {self.touch_id}"


class ProblemKind(models.TextChoices):
    """How bad it is: only a rejected row was not imported."""

    REJECTED = "rejected", "Rejected"
    REFUSED = "refused", "Move refused"
    CONTRADICTION = "contradiction", "Contradiction"
    REMARK = "remark", "Remark"


class ImportProblem(models.Model):
    """One thing to know about one row, stored with the slice that read it; the rejected rows become a file."""

    job = models.ForeignKey("ops.Job", models.PROTECT, related_name="import_problems")
    kind = models.CharField(max_length=13, choices=ProblemKind.choices)
    line = models.PositiveIntegerField(help_text="The row of the file, the header being 1.")
    lead = models.ForeignKey("leads.Lead", models.PROTECT, null=True, related_name="+", db_index=False)
    message = models.CharField(max_length=500)
    cells = models.JSONField(default=dict, help_text="The row as it was read; of rejected rows only.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=ProblemKind.values), name="import_problem_kind_known"),
        ]
        indexes = [models.Index(fields=["job", "kind", "line"], name="import_problem_by_line")]

    def __str__(self) -> str:
        return f"Row {self.line}: {self.message}"
