"""What other layers may react to. Each is sent inside the transaction of the write; `alignment.wiring` connects all.

Receivers get `batch`, which carries keys, never instances; what they do belongs to the same transaction.
"""

from django.dispatch import Signal

leads_moved = Signal()
"""Moves were written: `batch` is a `leads.lifecycle.Moved`."""

holders_changed = Signal()
"""Leads changed hands: `batch` is a `leads.holders.Handover`."""

touches_recorded = Signal()
"""Touchpoints were stored: `batch` is a `leads.touches.Touched`."""

deals_changed = Signal()
"""Deals were written by themselves, not by the moves of their leads: `batch` is a `leads.deals.changes.Changed`."""

follow_ups_changed = Signal()
"""The next step of leads was planned, or leads sleep: `batch` is a `leads.following.Followed`."""

leads_edited = Signal()
"""Facts of leads changed: `batch` is a `leads.editing.Edited`."""

accounts_changed = Signal()
"""Facts of accounts changed, or since when they are customers: `batch` is a `leads.accounts.AccountsChanged`."""

targets_changed = Signal()
"""People put accounts on the list of target accounts, or took them off: `batch` is a
`leads.accounts.AccountsChanged`.
"""

profiles_changed = Signal()
"""Accounts meet another profile, or another rule of the target accounts, than before: `batch` is a
`leads.accounts.AccountsChanged`.
"""

customers_changed = Signal()
"""Deals made accounts customers, or no longer do: `batch` is a `leads.accounts.AccountsChanged`."""

leads_merged = Signal()
"""Leads were merged: `batch` is a `leads.merging.merging.Merged`."""

leads_unmerged = Signal()
"""A merge was taken back: `batch` is a `leads.merging.unmerging.Unmerged`."""

feedback_given = Signal()
"""One side told the other something: `batch` has the keys of the leads that it is about."""
