"""The tables of what comes in: remarks on rows of imported files, and web forms (`web_forms.models`)."""

from django.db import models
from django.db.models import Q

from alignment.integrations.web_forms import models as web_form_models  # noqa: F401 (Django finds them here)


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

    def __str__(self) -> str:
        return f"Row {self.line}: {self.message}"
