"""The moves of leads: append-only rows from which every state and figure is derived."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from alignment.lib.set_keys import KnownKeys, set_key
from leads.milestones import CauseSource, Kind, QualifiedBy


class LeadTransition(models.Model):
    """One move of one lead. The row is the event; a trigger refuses any change to it.

    `seq` counts the lead's rows from 1; state is replayed by `seq`, never by `at`. `at` is when the move took effect
    (null only for imported history without a date), `recorded_at` when Accord learnt of it. A `correct` row carries
    the corrected row's whole new `to_stage`, `reason` and `at`.
    """

    lead = set_key("leads.Lead", related_name="transitions")
    pass_no = models.PositiveIntegerField()
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=9, choices=Kind.choices)
    from_stage = set_key("leads.Stage", null=True, related_name="+")
    to_stage = set_key("leads.Stage", null=True, related_name="+")
    reason = set_key("leads.Reason", null=True, related_name="+")
    at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    actor = set_key(settings.AUTH_USER_MODEL, null=True, related_name="+")
    source = models.CharField(max_length=6, choices=CauseSource.choices)
    reverts = models.ForeignKey("self", models.PROTECT, null=True, related_name="reverted_by", db_index=False)
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="corrected_by", db_index=False)
    opportunity = set_key("leads.Opportunity", null=True, related_name="+")
    qualified_by = models.CharField(max_length=10, choices=QualifiedBy.choices, blank=True)
    confirmations = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    is_override = models.BooleanField(default=False, help_text="Moved although the entry criteria did not hold.")
    track = set_key("leads.NurtureTrack", null=True, related_name="+")
    revisit_on = models.DateField(null=True)
    entry = models.JSONField(
        null=True, help_text="On a row that opens a pass: the source, campaign, segment and territory frozen then."
    )

    class Meta:
        constraints = [
            KnownKeys(
                fields=["lead", "from_stage", "to_stage", "reason", "actor", "opportunity", "track"],
                name="transition_keys_known",
            ),
            models.UniqueConstraint(fields=["lead", "seq"], name="transition_seq_unique"),
            models.UniqueConstraint(
                fields=["reverts"], condition=Q(reverts__isnull=False), name="transition_reverted_once"
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="transition_kind_known"),
            models.CheckConstraint(condition=Q(source__in=CauseSource.values), name="transition_source_known"),
            models.CheckConstraint(
                condition=~Q(kind__in=[Kind.REJECT, Kind.LOSE]) | Q(reason__isnull=False),
                name="transition_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(at__isnull=False) | Q(source=CauseSource.IMPORT) | Q(kind=Kind.CORRECT),
                name="transition_undated_only_in_history",
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.UNDO, reverts__isnull=False) | (~Q(kind=Kind.UNDO) & Q(reverts=None)),
                name="transition_undo_reverts",
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.CORRECT, corrects__isnull=False) | (~Q(kind=Kind.CORRECT) & Q(corrects=None)),
                name="transition_correct_corrects",
            ),
            models.CheckConstraint(
                condition=Q(to_stage__isnull=False) | Q(kind=Kind.UNDO), name="transition_has_target"
            ),
        ]
        indexes = [
            models.Index(fields=["recorded_at", "id"], name="transition_feed"),
            models.Index(fields=["is_override"], condition=Q(is_override=True), name="transition_overrides"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} (lead {self.lead_id}, row {self.seq})"


class TransitionNote(models.Model):
    """The free text of a move, apart from it: erasing a person empties the text and keeps the figures."""

    transition = models.OneToOneField(LeadTransition, models.PROTECT, primary_key=True, related_name="note")
    text = models.TextField(max_length=4000)

    def __str__(self) -> str:
        return self.text
