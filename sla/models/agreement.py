"""The agreement of both sides for a fiscal quarter, in versions, and the signatures of both heads under each."""

from datetime import date

from django.db import models
from django.db.models import Count, Max, Q
from django.db.models.fields.json import KeyTextTransform

from alignment.ops.signatures import Signature
from alignment.ops.versions import RuleSetVersion, VersionState
from alignment.people.models import Side


class AgreementQuerySet(models.QuerySet["Agreement"]):
    """Versions of agreements."""

    def signed(self) -> "AgreementQuerySet":
        """Those under which both heads stand, with the moment since when: `in_force_at`."""
        return (
            self.exclude(state=VersionState.DRAFT)
            .annotate(in_force_at=Max("signatures__signed_at"), sides=Count("signatures"))
            .filter(sides=len(Side))
        )

    def reviewed_between(self, first: date, last: date) -> "AgreementQuerySet":
        """Those whose review lies on these days, both included."""
        return self.alias(review_on=KeyTextTransform("review_on", "body")).filter(
            review_on__gte=str(first), review_on__lte=str(last)
        )


class Agreement(RuleSetVersion):
    """One version of what both sides promise each other for one fiscal quarter; `scope` is the quarter's first day.

    `body` is what `sla.terms` reads, and with its publication also holds the plan by week. A version is in force
    once both heads have signed it; until then the one that they signed before is, although it is retired.
    """

    objects = AgreementQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Agreement from {self.scope}, version {self.number}"

    @property
    def begins_on(self) -> date:
        """The first day of its fiscal quarter."""
        return date.fromisoformat(self.scope)


class AgreementSignature(Signature):
    """Of an agreement that was published."""

    version = models.ForeignKey(Agreement, models.PROTECT, related_name="signatures")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "side"], name="agreement_signature_once_a_side"),
            models.CheckConstraint(condition=Q(side__in=Side.values), name="agreement_signature_side_known"),
        ]
