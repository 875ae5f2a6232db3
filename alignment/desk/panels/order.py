"""The panels of the lead page, from top to bottom. A new one is a file beside this, a template, and a line here."""

from alignment.desk.panels import account, clocks, duplicates, own
from alignment.desk.panels.panel import Panel

PANELS: tuple[Panel, ...] = (
    own.DECISION,
    own.ACTIVITY,
    own.DEAL,
    clocks.CLOCKS,
    own.FACTS,
    duplicates.DUPLICATES,
    account.PEOPLE,
    own.FORMS,
    own.PASSES,
    own.REFERENCES,
)
