"""Merges: which leads went into which, and what the survivor was before."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from leads.milestones import CauseSource


class Merge(models.Model):
    """One merge of one or many leads into a survivor. No history moved: it is undone by clearing pointers.

    `changes` has the survivor's columns that the merge changed (column → before, after); `contact_ids` are the roles
    in buying groups that the survivor got by it. `note` is what whoever merged had to say.
    """

    survivor = models.ForeignKey("leads.Lead", models.PROTECT, related_name="merges")
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    source = models.CharField(max_length=6, choices=CauseSource.choices)
    changes = models.JSONField(default=dict)
    contact_ids = ArrayField(models.BigIntegerField(), default=list)
    note = models.TextField(max_length=4000, blank=True, db_default="", default="")
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(source__in=CauseSource.values), name="merge_source_known"),
            models.CheckConstraint(condition=Q(undone_at__isnull=False) | Q(undone_by=None), name="merge_undone_by"),
        ]
        indexes = [models.Index(fields=["-at", "-id"], name="merge_newest")]

    def __str__(self) -> str:
        return f"Merge {self.pk} into lead {self.survivor_id}"


class MergedLead(models.Model):
    """A lead that a merge made a tombstone, or (`was_in`) a tombstone that went on with the lead that it was in.

    `move` is the row that closed its open pass; None where no pass was open.
    """

    merge = models.ForeignKey(Merge, models.PROTECT, related_name="parts")
    lead = models.ForeignKey("leads.Lead", models.PROTECT, related_name="mergings")
    was_in = models.ForeignKey("leads.Lead", models.PROTECT, null=True, related_name="+", db_index=False)
    move = models.ForeignKey("leads.LeadTransition", models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merge", "lead"], name="merged_lead_once")]

    def __str__(self) -> str:
        return f"Lead {self.lead_id} in merge {self.merge_id}"
