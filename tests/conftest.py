"""Hypothesis: as much as a change needs, and with `--hypothesis-profile=deep` as much as a night holds."""

from hypothesis import HealthCheck, settings

SLOW_ENOUGH = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}

settings.register_profile("moderate", max_examples=60, stateful_step_count=25, **SLOW_ENOUGH)
settings.register_profile("deep", max_examples=2_000, stateful_step_count=50, **SLOW_ENOUGH)
settings.load_profile("moderate")
