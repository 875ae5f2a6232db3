"""What others may react to when messages leave Accord, or cannot."""

from django.dispatch import Signal

destination_gone = Signal()
"""Sent inside the transaction: `destination` said that it wants no message any more; `why` is what it said."""
