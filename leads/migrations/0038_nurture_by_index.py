"""What waits on the tracks, and who came back, is counted without the rows of leads and passes."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q

WAITING = Q(outcome="recycled") | Q(outcome="", reached=1) & (Q(track__isnull=False) | Q(revisit_on__isnull=False))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("leads", "0037_stands_statistics")]

    operations = [
        AddIndexConcurrently(
            "journey",
            models.Index(
                fields=["track", "revisit_on"],
                include=["lead", "pass_no", "outcome"],
                condition=WAITING,
                name="journey_in_nurture",
            ),
        ),
        RemoveIndexConcurrently("journey", "journey_on_track"),
        RemoveIndexConcurrently("journey", "journey_recycled"),
        AddIndexConcurrently(
            "journey",
            models.Index(
                F("closed_at"),
                include=[
                    "lead", "pass_no", "revisit_on", "track",
                    "source", "campaign", "segment", "territory", "owner", "team",
                ],
                condition=Q(outcome="recycled"),
                name="journey_recycled",
            ),
        ),
        AddIndexConcurrently(
            "lead",
            models.Index(
                fields=["id"],
                condition=Q(merged_into__isnull=False) | Q(withdrawn_at__isnull=False),
                name="lead_gone",
            ),
        ),
    ]  # fmt: skip
