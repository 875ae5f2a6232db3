"""What the pages of stages show: what each is and asks for, who signed it, and its history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Count

from alignment.ops.versions import VersionState
from alignment.people.models import Company, Side, User
from leads import criteria
from leads.milestones import Milestone
from leads.models import Lead, Stage, StageSignature, StageVersion
from leads.reasons import sides_signed_by
from leads.stages.mapping import standing_in


@dataclass(frozen=True, slots=True)
class Signed:
    """Whether a side stands behind a version: by whom and when, None where nobody signed."""

    side: Side
    name: str | None
    at: datetime | None


def signatures(version: StageVersion | None) -> list[Signed]:
    """One for each side; `version.signatures` is prefetched."""
    by_side = {row.side: row for row in version.signatures.all()} if version else {}
    return [_signed(side, by_side.get(side)) for side in Side]


def _signed(side: Side, row: StageSignature | None) -> Signed:
    return Signed(side, row.signer_name if row else None, row.signed_at if row else None)


@dataclass(frozen=True, slots=True)
class Line:
    """One stage of the list. `standing` counts its open leads; `moves` are the ways in which it may move."""

    stage: Stage
    milestone: str
    asks: str
    signed: list[Signed]
    number: int | None
    is_draft: bool
    standing: int
    moves: tuple[str, ...]


def lines() -> tuple[list[Line], list[Line]]:
    """The stages in use in their order, and the retired ones; four queries."""
    stages = list(Stage.objects.select_related("mapped_to").order_by("position"))
    versions = _versions()
    standing = dict(
        Lead.objects.standing().filter(outcome="").order_by().values_list("stage").annotate(count=Count("*"))
    )
    used = [stage for stage in stages if not stage.retired_at]
    told = [_line(stage, used, versions, standing) for stage in stages]
    return [line for line in told if not line.stage.retired_at], [line for line in told if line.stage.retired_at]


def _versions() -> dict[tuple[str, str], StageVersion]:
    """The published version and the draft of each stage."""
    rows = StageVersion.objects.exclude(state=VersionState.RETIRED).prefetch_related("signatures")
    return {(row.scope, row.state): row for row in rows}


def _line(
    stage: Stage, used: Sequence[Stage], versions: Mapping[tuple[str, str], StageVersion], standing: Mapping[int, int]
) -> Line:
    version = versions.get((stage.key, VersionState.PUBLISHED))
    return Line(
        stage=stage, milestone=Milestone(stage.milestone).name, asks=criteria.in_words(stage.criteria),
        signed=signatures(version), number=version.number if version else None,
        is_draft=(stage.key, VersionState.DRAFT) in versions, standing=standing.get(stage.pk, 0),
        moves=_moves(stage, used),
    )  # fmt: skip


def _moves(stage: Stage, used: Sequence[Stage]) -> tuple[str, ...]:
    if stage not in used:
        return ()
    place = used.index(stage)
    neighbours = {"earlier": place - 1, "later": place + 1}
    return tuple(way for way, at in neighbours.items() if 0 <= at < len(used) and used[at].milestone == stage.milestone)


class StagePage:
    """One stage for one visitor. Each part is read when a template asks for it, and once."""

    def __init__(self, user: User, stage: Stage) -> None:
        self.user, self.stage = user, stage

    @cached_property
    def versions(self) -> list[StageVersion]:
        """All that were published, the newest first."""
        rows = StageVersion.objects.filter(scope=self.stage.key).exclude(state=VersionState.DRAFT)
        return list(rows.select_related("published_by").prefetch_related("signatures").order_by("-number"))

    @cached_property
    def draft(self) -> StageVersion | None:
        return StageVersion.draft(self.stage.key)

    @property
    def version(self) -> StageVersion | None:
        """The one that counts."""
        return next((each for each in self.versions if each.state == VersionState.PUBLISHED), None)

    @property
    def signed(self) -> list[Signed]:
        return signatures(self.version)

    @property
    def may_sign(self) -> bool:
        """Whether the visitor signs for a side that has not signed yet."""
        missing = {each.side for each in self.signed if each.name is None}
        mine = set(sides_signed_by(self.user, Company.get()))
        return self.version is not None and not self.stage.retired_at and bool(missing & mine)

    @property
    def milestone(self) -> str:
        return Milestone(self.stage.milestone).name

    @property
    def asks(self) -> str:
        return criteria.in_words(self.stage.criteria)

    @cached_property
    def standing(self) -> int:
        """How many open leads stand in it."""
        return standing_in(self.stage).count()

    @property
    def history(self) -> list[tuple[StageVersion, list[Signed], str, list[str]]]:
        """Each version with its signatures, what it asks for, and what it changed."""
        told = []
        for version, before in zip(self.versions, [*self.versions[1:], None], strict=True):
            asks = criteria.in_words(version.body["criteria"])
            told.append((version, signatures(version), asks, _changed(version.body, before.body if before else {})))
        return told


@dataclass(frozen=True, slots=True)
class Changed:
    """A part of a stage as it counts, and as a draft has it; in words."""

    label: str
    was: str
    now: str


def changes(body: Mapping[str, Any], before: Mapping[str, Any]) -> list[Changed]:
    """What a version with this body says otherwise than the one with the body `before`."""
    return [
        Changed(words.removeprefix("the ").capitalize(), _said(name, before[name]), _said(name, body[name]))
        for name, words in NAMES.items()
        if body[name] != before[name]
    ]


def _said(name: str, value: Any) -> str:
    if name == "criteria":
        asks = criteria.in_words(value)
        return asks[:1].upper() + asks[1:] if asks else "Nothing"
    return Side(value).label if name == "owning_side" else value or "Nothing"


NAMES = {"name": "the name", "owning_side": "the side", "definition": "the definition", "criteria": "what it asks for"}


def _changed(body: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    return [words for name, words in NAMES.items() if before and body[name] != before[name]]
