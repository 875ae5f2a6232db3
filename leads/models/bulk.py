"""One change of many leads: what was asked, and what became of each of them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from leads.milestones import CauseSource


class BulkKind(models.TextChoices):
    """What is done with the leads."""

    ACCEPT = "accept", "Accept"
    REJECT = "reject", "Reject"
    RECYCLE = "recycle", "Recycle"
    REASSIGN = "reassign", "Hand over"
    ROUTE = "route", "Route by the rules"
    FACTS = "facts", "Change facts"
    TARGET = "target", "Add to target accounts"


class BulkState(models.TextChoices):
    """What became of one lead."""

    WAITING = "waiting", "Waiting"
    DONE = "done", "Done"
    UNCHANGED = "unchanged", "Was so already"
    REFUSED = "refused", "Refused"


class BulkChange(models.Model):
    """What somebody asked for, and where (`source`). `params` are the arguments of the verb, `said` the same for
    people; `query` is the address of the list that the leads were chosen from. Without a `job` all of it was done in
    the request.
    """

    kind = models.CharField(max_length=8, choices=BulkKind)
    params = models.JSONField(default=dict)
    said = models.CharField(max_length=500, blank=True)
    query = models.CharField(max_length=2000, blank=True)
    source = models.CharField(max_length=6, choices=CauseSource.choices, default=CauseSource.PAGE)
    total = models.PositiveIntegerField(default=0)
    job = models.OneToOneField("ops.Job", models.PROTECT, null=True, related_name="+")
    undo_job = models.OneToOneField("ops.Job", models.PROTECT, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True, help_text="When it was taken back, or somebody began to.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=BulkKind.values), name="bulk_kind_known"),
            models.CheckConstraint(condition=Q(source__in=CauseSource.values), name="bulk_source_known"),
            models.CheckConstraint(
                condition=Q(undo_job=None) | Q(undone_at__isnull=False), name="bulk_undo_has_a_beginning"
            ),
        ]
        indexes = [models.Index("created_by", F("id").desc(), name="bulk_newest_of")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.total:,} leads"

    def get_absolute_url(self) -> str:
        return reverse("bulk_change", args=[self.pk])


class BulkRow(models.Model):
    """What became of one lead. `before` is what an undo puts back: the move that was made, or values by column
    (before, after). `kept` says why an undo left it.
    """

    change = models.ForeignKey(BulkChange, models.PROTECT, related_name="rows", db_index=False)
    lead = models.ForeignKey("leads.Lead", models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=9, choices=BulkState, default=BulkState.WAITING)
    message = models.CharField(max_length=300, blank=True)
    before = models.JSONField(default=dict)
    undone_at = models.DateTimeField(null=True)
    kept = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["change", "lead"], name="bulk_lead_once"),
            models.CheckConstraint(condition=Q(state__in=BulkState.values), name="bulk_state_known"),
            models.CheckConstraint(
                condition=Q(undone_at=None, kept="") | Q(state=BulkState.DONE), name="bulk_only_done_is_undone"
            ),
        ]
        indexes = [models.Index(fields=["change", "state", "lead"], name="bulk_row_by_state")]

    def __str__(self) -> str:
        return f"Lead {self.lead_id}: {self.get_state_display().lower()}"
