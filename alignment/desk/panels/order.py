"""The panels of the lead page, from top to bottom. A new one is a file beside this, a template, and a line here."""

from alignment.desk.panels import (
    account,
    clocks,
    dispute,
    duplicates,
    feedback,
    follow_up,
    own,
    routing,
    score,
)
from alignment.desk.panels.panel import Panel

PANELS: tuple[Panel, ...] = (
    own.DECISION,
    follow_up.FOLLOW_UP,
    own.ACTIVITY,
    score.SCORE,
    feedback.FEEDBACK,
    dispute.DISPUTE,
    own.DEAL,
    clocks.CLOCKS,
    routing.ROUTING,
    own.FACTS,
    duplicates.DUPLICATES,
    duplicates.MERGES,
    account.PEOPLE,
    own.FORMS,
    own.PASSES,
    own.REFERENCES,
)
