"""A believable company for the demo: generated, the same for the same seed, fresh relative to today."""
