"""What the layers above may react to when people, teams or the company change."""

from django.dispatch import Signal

record_changed = Signal()
"""Sent inside the transaction: `row` is the User, Team, Company, ApiToken, WorkingCalendar or Absence, `changed` its
fields as name → [before, after], `by` who did it (None: nobody signed in)."""
