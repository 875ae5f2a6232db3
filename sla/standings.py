"""Where the subjects of clocks stand now: their names, pages and holders, read for many clocks at once."""

from collections import defaultdict
from collections.abc import Iterable

from sla.claiming import Claimed
from sla.models import Clock
from sla.subjects import Standing, passes, reader_of, subject

LEAD = Clock._meta.get_field("lead")


class Standings:
    """A lead that was read along with its clock, with owner and team, says where its pass stands; of all others each
    kind has a look-up. Knows those of the clocks that were loaded last.
    """

    def __init__(self, clocks: Iterable[Clock | Claimed] = ()) -> None:
        self._known: dict[tuple[str, int], Standing]
        self.load(clocks)

    def load(self, clocks: Iterable[Clock | Claimed]) -> None:
        """Read what these clocks need."""
        self._known = {}
        wanted: defaultdict[str, set[int]] = defaultdict(set)
        for each in clocks:
            if isinstance(each, Clock) and LEAD.is_cached(each) and each.lead and subject(each.subject_kind).is_pass:
                self._known[each.subject_kind, each.subject_id] = passes.standing(each.lead)
            else:
                wanted[each.subject_kind].add(each.subject_id)
        for kind, keys in wanted.items():
            read = passes.standings if subject(kind).is_pass else reader_of(kind).standings
            self._known |= {(kind, pk): found for pk, found in read(keys).items()}

    def of(self, clock: Clock | Claimed) -> Standing:
        """Raises KeyError for one that was not loaded."""
        return self._known[clock.subject_kind, clock.subject_id]
