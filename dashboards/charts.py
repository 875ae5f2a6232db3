"""The geometry of small charts, as SVG attributes, and the figure of the one that Plotly draws. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import floor, sqrt
from typing import Any

SPARK_WIDTH, SPARK_HEIGHT, SPARK_EDGE = 62, 28, 4
HEATS = 6


@dataclass(frozen=True, slots=True)
class Spark:
    """A trend line: its points, and where it ends."""

    points: str
    x: str
    y: str


def spark(values: Sequence[float | None]) -> Spark | None:
    """The line through these values, evenly spaced, gaps left out; None for fewer than two."""
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return None
    low, high = min(value for _, value in known), max(value for _, value in known)
    across = (SPARK_WIDTH - 2 * SPARK_EDGE) / (len(values) - 1)
    up = (SPARK_HEIGHT - 2 * SPARK_EDGE) / ((high - low) or 1)
    points = [
        (f"{SPARK_EDGE + place * across:.1f}", f"{SPARK_HEIGHT - SPARK_EDGE - (value - low) * up:.1f}")
        for place, value in known
    ]
    return Spark(" ".join(map(",".join, points)), *points[-1])


def length(part: float, whole: float) -> str:
    """The length of a bar: 4488 of 8000 is `56.10%`. At most all of it; nothing of nothing is `0%`."""
    return f"{min(1, max(0, part) / whole) * 100:.2f}%" if whole else "0%"


def heat(share: float | None, most: float) -> int:
    """The step of the heat ramp (0–5) for a share where `most` is the darkest."""
    return min(HEATS - 1, int(share / most * HEATS)) if share and most else 0


def likely_most(part: int, whole: int) -> float:
    """The upper end of the 95 % interval (Wilson's) of a share that was seen as `part` of `whole`; 1 for nothing."""
    if not 0 <= part <= whole or not whole:
        return 1.0
    z, share = 1.96, part / whole
    spread = z * sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    return (share + z * z / (2 * whole) + spread) / (1 + z * z / whole)


@dataclass(frozen=True, slots=True)
class Line:
    """A weekly line: `team` is the token of its colour, `target` dotted (None: nothing was promised)."""

    name: str
    team: str
    shares: Sequence[float | None]
    target: float | None


def weekly(begins: Sequence[date], lines: Sequence[Line]) -> Mapping[str, Any]:
    """Shares by week in percent, each line labelled at its last known week: a figure for Plotly."""
    days = [day.isoformat() for day in begins]
    shown = [share for line in lines for share in (*line.shares, line.target) if share is not None]
    low = max(0, floor(min(shown, default=0) * 10) * 10 - 10)
    return {
        "data": [_trace(days, line) for line in lines],
        "layout": {
            "yaxis": {"range": [low, 104], "ticksuffix": "%", "nticks": 5},
            "xaxis": {"type": "date", "tickformat": "%-d %b", "nticks": 4},
            "shapes": [_target(line) for line in lines if line.target is not None],
            "annotations": [*_values(days, lines), *_names(days, lines)],
        },
    }


def _trace(days: Sequence[str], line: Line) -> Mapping[str, Any]:
    last = max((place for place, share in enumerate(line.shares) if share is not None), default=None)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": line.name,
        "x": days,
        "y": [None if share is None else round(share * 100, 1) for share in line.shares],
        "line": {"color": f"--{line.team}", "width": 2.5},
        "marker": {"color": f"--{line.team}", "size": [8 if place == last else 0 for place in range(len(days))]},
        "hovertemplate": "%{y:.0f}%",
        "cliponaxis": False,
    }


def _target(line: Line) -> Mapping[str, Any]:
    height = (line.target or 0) * 100
    dotted = {"color": f"--{line.team}", "width": 1.5, "dash": "2px,4px"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": height, "y1": height, "line": dotted}


def _values(days: Sequence[str], lines: Sequence[Line]) -> list[Mapping[str, Any]]:
    """The value of each line beside its last point."""
    known = [
        (line, [(day, share) for day, share in zip(days, line.shares, strict=True) if share is not None])
        for line in lines
    ]
    return [
        _label(line, f"{points[-1][1]:.0%}", x=points[-1][0], y=points[-1][1] * 100, xanchor="left", xshift=8)
        for line, points in known
        if points
    ]


def _names(days: Sequence[str], lines: Sequence[Line]) -> list[Mapping[str, Any]]:
    """The name of the line that begins higher above all that is drawn in the first half, the others' below it."""
    half = len(days) // 2 + 1
    first = [share for line in lines for share in line.shares[:half] if share is not None]
    if not first:
        return []
    ordered = sorted(lines, key=lambda line: -next((share for share in line.shares if share is not None), 0))
    spots = [(max(first), 13), *((min(first), -13) for _ in ordered[1:])]
    return [
        _label(line, line.name, x=days[0], y=height * 100, xanchor="left", yshift=shift)
        for line, (height, shift) in zip(ordered, spots, strict=True)
    ]


def _label(line: Line, text: str, **place: Any) -> Mapping[str, Any]:
    font = {"color": f"--{line.team}-ink"}
    return {"text": f"<b>{text}</b>", "showarrow": False, "font": font, "bgcolor": "--surface", "borderpad": 0, **place}
