"""Signatures under versions of rules: the head of a side stands behind one, append-only.

An app has a concrete model for each kind of rules, with a foreign key `version`, and calls `sign` with it.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet

from alignment.people.models import Side, User


class Signature(models.Model):
    """A head signed a version for a side. The name stays as it was signed."""

    side = models.CharField(max_length=9, choices=Side.choices)
    signer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    signer_name = models.CharField(max_length=120)
    signed_at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.signer_name} for {Side(self.side).label.lower()}"


Signed = TypeVar("Signed", bound=Signature)


def sign(
    standing: QuerySet[Signed], *, version: models.Model, by: User, sides: Collection[Side], at: datetime
) -> list[Side]:
    """Sign for those of the sides under which nothing is `standing` yet; returns them. Raises ValidationError where
    there are none.
    """
    signed = set(standing.values_list("side", flat=True))
    missing = [side for side in sides if side not in signed]
    if not missing:
        raise ValidationError("There is nothing left for you to sign here.")
    under: dict[str, Any] = {"version": version, "signer": by, "signer_name": by.name, "signed_at": at}
    standing.model._default_manager.bulk_create([standing.model(side=side, **under) for side in missing])
    return missing
