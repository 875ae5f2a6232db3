"""The frame of the wall: which scenes its link shows, how they look, and when an answer is still the same."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Self
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse

from alignment.desk.models import SceneKey, WallLink
from alignment.desk.wall.links import TOPIC
from alignment.desk.wall.scenes import SCENES, Asked, Scene, SceneContent
from alignment.people.models import Company
from dashboards import report
from dashboards.filters import Calendar, FilterError, Filters
from dashboards.keeping import Version
from dashboards.options import Facet, Options

THEMES = ("light", "dark")
SCALES = ("1", "1.25", "1.45")
EVERY_SECONDS = 30
LEAST_SECONDS, MOST_SECONDS = 5, 3600
TOPICS = frozenset({report.TOPIC, TOPIC})
"""What a wall hears of: that figures changed, and that links ended."""


@dataclass(frozen=True, slots=True)
class Look:
    """How the scenes look. What an address asks for and does not exist is ignored: a screen has nobody to correct it.

    `every` is how many seconds a scene stays, 0 for as long as nobody steps on.
    """

    theme: str = THEMES[0]
    scale: str = SCALES[0]
    every: int = EVERY_SECONDS
    keys: bool = True

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        """Read `?theme=dark&scale=1.25&every=60&keys=off`."""
        theme, scale, every = given.get("theme", ""), given.get("scale", ""), given.get("every", "")
        return cls(
            theme=theme if theme in THEMES else THEMES[0],
            scale=scale if scale in SCALES else SCALES[0],
            every=_seconds(every) if every.isdecimal() else EVERY_SECONDS,
            keys=given.get("keys") != "off",
        )

    @property
    def query(self) -> str:
        """What an address says of it, without the usual."""
        told = {"theme": self.theme, "scale": self.scale, "every": self.every, "keys": "on" if self.keys else "off"}
        usual = {"theme": THEMES[0], "scale": SCALES[0], "every": EVERY_SECONDS, "keys": "on"}
        return urlencode({name: value for name, value in told.items() if value != usual[name]})


def _seconds(digits: str) -> int:
    seconds = int(digits[:6])
    return max(LEAST_SECONDS, min(MOST_SECONDS, seconds)) if seconds else 0


@dataclass(frozen=True, slots=True)
class Tab:
    """A scene as the foot of the wall names it; `number` is its key."""

    number: int
    key: str
    label: str
    url: str
    is_current: bool


class Wall:
    """Read by the templates of the wall. Raises FilterError, once figures are asked for, where the filters of the link
    name something that is not there any more.
    """

    def __init__(self, link: WallLink, token: str, key: SceneKey, look: Look, at: datetime) -> None:
        self.link = link
        self.token = token
        self.key = key
        self.look = look
        self.at = at
        self.scene: Scene = SCENES[key]

    @property
    def tabs(self) -> list[Tab]:
        return [
            Tab(number, key, SCENES[SceneKey(key)].label, self._address(key), key == self.key)
            for number, key in enumerate(self.link.scenes, 1)
        ]

    def _address(self, key: str) -> str:
        address = reverse("wall", args=[self.token, key])
        return f"{address}?{self.look.query}" if self.look.query else address

    @property
    def events_address(self) -> str:
        """The stream that tells of changes."""
        return f"/events?{urlencode({'wall': self.token, 'topics': ','.join(sorted(TOPICS))})}"

    @property
    def now_ms(self) -> str:
        """The server's clock in milliseconds since 1970, as text."""
        return str(int(self.at.timestamp() * 1000))

    @cached_property
    def zone(self) -> ZoneInfo:
        """The company's: screens hang in no user's zone."""
        return self.filters.calendar.zone

    @cached_property
    def filters(self) -> Filters:
        return read(self.link.query, self.options, self.at)

    @cached_property
    def options(self) -> Options:
        return Options.load()

    @cached_property
    def content(self) -> SceneContent:
        """What the scene shows: the same figures as on its dashboard."""
        return self.scene.fill(Asked(self.filters, self.options, self.at, is_tight=self.look.scale == SCALES[-1]))

    def etag(self) -> str | None:
        """What the scene shows, in short: the same while no event is written, for a minute at most; None while somebody
        writes. Two queries, none of them of the tables with the facts.
        """
        version = Version.read()
        if version.writers:
            return None
        asked = (version.numbers, int(self.at.timestamp()) // 60, self.link.pk, self.key, self.look)
        return f'"{sha256(repr(asked).encode()).hexdigest()[:32]}"'


def read(query: str, options: Options, at: datetime) -> Filters:
    """The filters of a link. Raises FilterError, also for figures of single people: a wall has every eye on it."""
    given = dict(parse_qsl(query))
    filters = Filters.parse(given, options=options, calendar=Calendar.of(Company.get()), at=at)
    if Facet.OWNER in filters.facets:
        raise FilterError(["A wall shows no figures of single people. Take the owner out of the filters."])
    return replace(filters, by=Facet.SOURCE)
