"""Whether two sets of rows can be received at the same time, and come to what they would one after the other."""

from alignment.integrations.importers.bringing import Said
from leads import matching


def are_apart(first: Said, second: Said) -> bool:
    """Whether the rows of the second need nothing that those of the first write; four queries."""
    one, other = ([each.draft for each in said.arrivals] for said in (first, second))
    return (
        matching.names(one).isdisjoint(matching.names(other))
        and _companies_are_apart(matching.companies(one), matching.companies(other))
        # One row may name a lead by its id, and another by its address.
        and matching.known(one).isdisjoint(matching.known(other))
    )


def _companies_are_apart(one: matching.Companies, other: matching.Companies) -> bool:
    """Rows that say the same of a company make it once, whoever comes first. But a row that says less joins the company
    that another one made before it, and so does one that adds the domain.
    """
    return (
        one.names.isdisjoint(other.names_alone)
        and one.names_alone.isdisjoint(other.names)
        and one.domains.isdisjoint(other.domains_alone)
    )
