"""What other systems call the same thing: (system, external id, URL)."""

from django.db import models
from django.db.models import Q

from alignment.lib.set_keys import KnownKeys, set_key


class ExternalReference(models.Model):
    """The name of a lead, an account or an opportunity in another system; exactly one of the three is set."""

    system = models.CharField(max_length=40)
    external_id = models.CharField(max_length=200)
    url = models.URLField(max_length=500, blank=True)
    lead = set_key("leads.Lead", null=True, related_name="references")
    account = set_key("leads.Account", null=True, related_name="references")
    opportunity = set_key("leads.Opportunity", null=True, related_name="references")
    released_at = models.DateTimeField(null=True, help_text="From then on the name is free for another one.")

    class Meta:
        constraints = [
            KnownKeys(fields=["lead", "account", "opportunity"], name="reference_keys_known"),
            models.CheckConstraint(
                condition=Q(lead__isnull=False, account=None, opportunity=None)
                | Q(lead=None, account__isnull=False, opportunity=None)
                | Q(lead=None, account=None, opportunity__isnull=False),
                name="reference_names_one_thing",
            ),
            models.CheckConstraint(condition=~Q(system="") & ~Q(external_id=""), name="reference_not_blank"),
            *(
                models.UniqueConstraint(
                    fields=["system", "external_id"],
                    condition=Q(**{f"{subject}__isnull": False}, released_at=None),
                    include=[subject],
                    name=f"reference_{subject}_unique",
                )
                for subject in ("lead", "account", "opportunity")
            ),
        ]
        indexes = [
            models.Index(fields=[subject], condition=Q(**{f"{subject}__isnull": False}), name=f"reference_by_{subject}")
            for subject in ("lead", "account", "opportunity")
        ]

    def __str__(self) -> str:
        return f"{self.system}:{self.external_id}"
