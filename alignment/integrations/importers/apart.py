"""Whether two sets of rows can be received at the same time, and come to what they would one after the other."""

from alignment.integrations.importers.bringing import Said
from alignment.integrations.importers.lead_rows import Arrival
from alignment.integrations.importers.rows import Places
from leads import matching
from leads.milestones import Kind


def are_apart(first: Said, second: Said, *, routes: bool) -> bool:
    """Whether the rows of the second need nothing that those of the first write; four queries. With `routes` they may
    be given to people of pools, who have caps.

    What both write needs no look: the second waits for it, or the database has it done again after the first. Nor do
    companies: those of the first are made before those of the second.
    """
    return (
        not any(_is_asked_of_company(each, first.here) for each in first.arrivals)
        and not (routes and any(_counts_for_caps(each) for each in first.arrivals))
        and first.names.isdisjoint(second.names)
        # One row may name a lead by its id, and another by its address.
        and matching.known(first.drafts).isdisjoint(matching.known(second.drafts))
    )


def _is_asked_of_company(each: Arrival, here: Places) -> bool:
    """Deals and customers decide about everybody of a company: who sourced a deal, who is scored, whose a lead is."""
    return any(step.kind in (Kind.WIN, Kind.LOSE) or step.stage_id in here.deal_stages for step in each.draft.steps)


def _counts_for_caps(each: Arrival) -> bool:
    """Whether somebody may hold more or fewer open leads after it; of those that are routed a lock keeps count."""
    return each.owner is not None or any(step.kind in (Kind.REJECT, Kind.RECYCLE) for step in each.draft.steps)
