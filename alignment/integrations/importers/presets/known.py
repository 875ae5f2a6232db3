"""All presets, and which of them a header is."""

from collections.abc import Sequence

from alignment.integrations.importers.presets import Preset, hubspot, marketo, mautic, salesforce

PRESETS: tuple[Preset, ...] = (
    hubspot.CONTACTS,
    hubspot.DEALS,
    hubspot.TASKS,
    hubspot.CALLS,
    hubspot.ENGAGEMENTS,
    salesforce.LEADS,
    salesforce.OPPORTUNITIES,
    salesforce.CAMPAIGN_MEMBERS,
    salesforce.TASKS,
    marketo.LEADS,
    marketo.ACTIVITIES,
    mautic.CONTACTS,
)


def recognised(header: Sequence[str]) -> Preset | None:
    """The preset that a header is; of several that fit the one that knows most of its columns. None for none."""
    fitting = [preset for preset in PRESETS if preset.fits(header)]
    return max(fitting, key=lambda preset: len(set(preset.columns(header).values())), default=None)
