"""The saved views above the list, with how many leads each holds (asked for by themselves: the list does not wait)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Exists, OuterRef
from django.http import QueryDict

from alignment.desk.lead_list import LeadList
from alignment.desk.models import DefaultView, SavedView
from alignment.desk.queue import COUNT_CAP
from alignment.lib.counting import counts_up_to
from alignment.people.models import User

MOST_TABS = 12


@dataclass(frozen=True, slots=True)
class Tab:
    """A view as the list offers it. `count` is blank until it is asked for."""

    view: SavedView
    is_here: bool
    count: str = ""


class Tabs:
    """The views that one user sees; `here` is the key of the one that the address names."""

    def __init__(self, user: User, here: str) -> None:
        self.user, self.here = user, here

    @cached_property
    def views(self) -> list[SavedView]:
        """The first of them in the order of their names, each with `is_default`."""
        begins = Exists(DefaultView.objects.filter(user=self.user, view=OuterRef("pk")))
        seen = SavedView.objects.seen_by(self.user).select_related("owner")
        return list(seen.annotate(is_default=begins)[:MOST_TABS])

    @property
    def current(self) -> SavedView | None:
        """The view that the address names, if the user sees it."""
        return next((view for view in self.views if str(view.pk) == self.here), None)

    @property
    def plain(self) -> list[Tab]:
        """Without counts; one query."""
        return [Tab(view, str(view.pk) == self.here) for view in self.views]

    def counted(self, at: datetime) -> list[Tab]:
        """With counts, all of them by one query; views that search by words need one more each."""
        counts = _counts(self.views, at)
        return [Tab(view, str(view.pk) == self.here, count) for view, count in zip(self.views, counts, strict=True)]


def begins_with(user: User) -> SavedView | None:
    """The view with which the list begins for this user, while they see it."""
    chosen = DefaultView.objects.filter(user=user).values("view")
    return SavedView.objects.seen_by(user).filter(pk__in=chosen).first()


def _counts(views: Sequence[SavedView], at: datetime) -> list[str]:
    """How many leads each finds, up to a thousand; what can be asked is read once."""
    if not views:
        return []
    first = LeadList({}, at=at)
    found = [LeadList(QueryDict(view.query).dict(), at=at, like=first).found for view in views]
    counts = counts_up_to(COUNT_CAP + 1, found)
    return [f"{COUNT_CAP:,}+" if count > COUNT_CAP else f"{count:,}" for count in counts]
