"""Every figure: its definition, its denominator, and the passes that make it."""
