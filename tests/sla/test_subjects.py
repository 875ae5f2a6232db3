"""Another kind of subject is registered, and nothing of `sla` changes: its clocks start, climb, stop and explain."""

from dataclasses import dataclass, field

import pytest

from alignment.ops.models import Notification
from alignment.people.models import Side, User
from leads.lifecycle import database_now
from sla import clocks
from sla.models import Clock
from sla.receipt import receipt
from sla.rules import Rule
from sla.settlement import Owed
from sla.standings import Standings
from sla.subjects import Holding, Standing, Subject, SubjectKey, Whose, registry
from sla.sweep import sweep
from sla.wording import Words
from tests.factories import make_user
from tests.sla.stories import HOUR, cause, promise

pytestmark = pytest.mark.django_db


@dataclass
class Parcels:
    """Reads parcels that somebody has to open: one row of an app that `sla` has never heard of."""

    holder: User
    since: object
    opened: dict = field(default_factory=dict)

    def owed(self, kind, keys):
        return {SubjectKey(kind, pk, 1): Owed(self.since, pk in self.opened, self.opened.get(pk)) for pk in keys}

    def whose(self, keys):
        return {pk: Whose(None, self.holder.pk) for pk in keys}

    def standings(self, keys):
        return {pk: Standing(f"Parcel {pk}", f"/parcels/{pk}/", self.holder, None, "parcel", pk) for pk in keys}

    def holdings(self, keys):
        return {pk: [Holding(self.holder, None, self.since, None)] for pk in keys}

    def awaited(self):
        return {}


@pytest.fixture
def parcels(monkeypatch):
    reader = Parcels(make_user(name="Ada"), database_now() - 3 * HOUR)
    words = Words("Opening", "Not opened", "Opened", "Open it.", "Open it")
    kind = Subject("parcel", "Parcels that are opened", "parcel", (Side.SALES,), words, reader)
    monkeypatch.setitem(registry._subjects, "parcel", kind)
    promise(Rule("Opened within two hours", target=2), kind="parcel")
    clocks.follow_up(kind="parcel", keys=[7], cause=cause())
    return reader


def test_its_clock_breaks_and_tells_in_its_own_words(parcels):
    sweep()
    told = Notification.objects.filter(kind="breach", user=parcels.holder).get()
    assert (told.title, told.url) == ("Not opened within 2 hours: Parcel 7", "/parcels/7/")
    assert (told.subject_kind, told.subject_id) == ("parcel", 7)
    assert not Notification.objects.filter(title__startswith="Hand over?").exists()


def test_standings_are_kept_for_one_batch_of_clocks_only(parcels):
    first = Clock.objects.get(subject_kind="parcel")
    clocks.follow_up(kind="parcel", keys=[8], cause=cause())
    second = Clock.objects.get(subject_kind="parcel", subject_id=8)
    standings = Standings([first])
    standings.load([second])
    assert standings.of(second).title == "Parcel 8"
    with pytest.raises(KeyError):
        standings.of(first)


def test_what_is_given_stops_it_and_the_receipt_says_who_had_it(parcels):
    clock = Clock.objects.get(subject_kind="parcel")
    parcels.opened[7] = clock.started_at + HOUR
    clocks.follow_up(kind="parcel", keys=[7], cause=cause())
    clock.refresh_from_db()
    assert (clock.stopped_at, clock.is_breached(database_now())) == (clock.started_at + HOUR, False)
    assert [(each.holder, each.time) for each in receipt(clock, database_now()).held] == [(parcels.holder, HOUR)]


def test_its_clock_has_a_page(parcels, client):
    client.force_login(parcels.holder)
    page = client.get(f"/clocks/{Clock.objects.get(subject_kind='parcel').pk}/").content.decode()
    assert '<a href="/parcels/7/">Parcel 7</a>' in page
    assert "Opening within 2 hours" in page
    assert "Rule 1, which is about every parcel" in page
