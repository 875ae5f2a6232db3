"""The domains that give a mailbox to anybody, where SQL can ask for them."""

from django.db import models


class FreeDomain(models.Model):
    """One such domain; the list is that of `alignment.lib.domains` and is renewed with each migration."""

    id = models.AutoField(primary_key=True)
    domain = models.CharField(max_length=253, unique=True)

    def __str__(self) -> str:
        return self.domain
