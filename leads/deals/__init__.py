"""Deals: opening and changing them, who belongs to their buying group, who sourced them, how they end."""
