"""What somebody asks figures for, and whether these are theirs to see."""

from collections.abc import Mapping
from datetime import datetime

from alignment.people.figures import FiguresOfRep
from alignment.people.models import Company, User
from alignment.people.permissions import require
from dashboards.filters import Calendar, Filters
from dashboards.options import Facet, Options


def filters_for(user: User, given: Mapping[str, str], *, options: Options, at: datetime) -> Filters:
    """The filters that these parameters ask for. Raises FilterError, and PermissionDenied for figures of reps that are
    not for `user` to see.
    """
    filters = Filters.parse(given, options=options, calendar=Calendar.of(Company.get()), at=at)
    if filters.by == Facet.OWNER:
        require(user, "funnel.of_reps")
    if owner := filters.facets.get(Facet.OWNER):
        require(user, "funnel.of_rep", FiguresOfRep.of(owner))
    return filters
