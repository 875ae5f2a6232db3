"""Where the subjects of clocks stand now: their names, pages and holders, read for many clocks at once."""

from collections import defaultdict
from collections.abc import Iterable

from sla.models import Clock
from sla.subjects import Standing, reader_of, subject
from sla.subjects.passes import standing as of_lead


class Standings:
    """Of passes what was read along with the clock (`lead`, its owner and team) says it; of others one look-up for each
    kind. Knows those of the clocks that were loaded last.
    """

    def __init__(self, clocks: Iterable[Clock] = ()) -> None:
        self._known: dict[tuple[str, int], Standing]
        self.load(clocks)

    def load(self, clocks: Iterable[Clock]) -> None:
        """Read what these clocks need; no query for passes."""
        self._known = {}
        wanted: defaultdict[str, set[int]] = defaultdict(set)
        for each in clocks:
            if each.lead and subject(each.subject_kind).is_pass:
                self._known[each.subject_kind, each.subject_id] = of_lead(each.lead)
            else:
                wanted[each.subject_kind].add(each.subject_id)
        for kind, keys in wanted.items():
            self._known |= {(kind, pk): found for pk, found in reader_of(kind).standings(keys).items()}

    def of(self, clock: Clock) -> Standing:
        """Raises KeyError for one that was not loaded."""
        return self._known[clock.subject_kind, clock.subject_id]
