"""What a timeline says about each event: icon, team and words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.formats import date_format

from alignment.desk.templatetags.accord import due_at, duration
from alignment.desk.timeline import Event, Source
from alignment.people.models import Side
from leads.milestones import CauseSource, Kind, Milestone, QualifiedBy
from leads.models.touchpoint import Direction
from sla.models import CancelReason, EventKind
from sla.models.policy import span
from sla.subjects import subject

Tag = tuple[str, str]
"""A stage as a line shows it: its label, and the side that owns it."""

TOUCH_ICONS = {
    "ad": "megaphone", "call": "phone", "chat": "message-square", "download": "file-down", "e-mail": "mail",
    "event": "calendar", "form": "mouse-pointer-click", "meeting": "calendar-check", "visit": "globe",
    "webinar": "presentation",
}  # fmt: skip

MOVE_ICONS = {
    Kind.ADVANCE: "arrow-right", Kind.ACCEPT: "check", Kind.REJECT: "x", Kind.RECYCLE: "rotate-ccw",
    Kind.REQUALIFY: "refresh-cw", Kind.WIN: "trophy", Kind.LOSE: "circle-x", Kind.REOPEN: "undo-2",
    Kind.ATTACH: "link", Kind.MERGE: "merge", Kind.UNDO: "undo-2", Kind.CORRECT: "pencil",
    Kind.WITHDRAW: "undo-2", Kind.MAP: "route", Kind.NURTURE: "sprout",
}  # fmt: skip

TAGGED = (Kind.ADVANCE, Kind.ACCEPT, Kind.WIN, Kind.REQUALIFY, Kind.MAP)
"""The moves that a line shows as the stages they lead from and to."""

UNNAMED = {
    CauseSource.API: "through the API",
    CauseSource.FORM: "through a web form",
    CauseSource.IMPORT: "by an import",
    CauseSource.RULE: "by a rule",
}

QUALIFIED = {
    QualifiedBy.SCORE: "reached the score",
    QualifiedBy.HAND_RAISE: "raised a hand",
    QualifiedBy.MANUAL: "qualified by hand",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One event in words. `side` is blank where neither team did it; `stages` are shown instead of a heading."""

    icon: str
    side: str
    heading: str
    small: str = ""
    stages: tuple[Tag, ...] = ()
    note: str = ""
    is_undone: bool = False
    is_bad: bool = False


def line(event: Event) -> Line:
    """Say what happened."""
    said = {
        Source.TOUCH: _touch, Source.HOLDER: _holder, Source.MOVE: _move, Source.MERGE: _merge,
        Source.FEEDBACK: _feedback,
    }  # fmt: skip
    return _clock(event) if event.source == Source.CLOCK else said[event.source](event.told)


def _touch(told: Mapping[str, Any]) -> Line:
    parts = [f"by {told['actor']}" if told["actor"] else told["channel"], told["campaign"]]
    side = Side.SALES if told["direction"] == Direction.OUTBOUND else Side.MARKETING
    return Line(TOUCH_ICONS.get(told["kind"], "activity"), side, told["title"], _listed(parts))


def _feedback(told: Mapping[str, Any]) -> Line:
    to = {Side.SALES: "to marketing", Side.MARKETING: "to sales"}.get(told["side"], "to both sides")
    small = "Feedback on the lead" + (", changed since" if told["edited_at"] else "")
    return Line("message-square", told["side"], f"{told['author']} {to}", small, note=told["text"])


def _holder(told: Mapping[str, Any]) -> Line:
    by = f"by {told['actor']}" if told["actor"] and told["actor"] != told["holder"] else ""
    return Line("user-round-check", "", f"Held by {told['holder']}", _listed([told["why"], by]))


def _move(told: Mapping[str, Any]) -> Line:
    kind = Kind(told["kind"])
    stages = _stages(told) if kind in TAGGED else ()
    by = f"by {told['actor']}" if told["actor"] else UNNAMED.get(CauseSource(told["source"]), "")
    done = f"{kind.label} {by}".strip() if stages and kind != Kind.ADVANCE else by
    becomes_deal = told["after_milestone"] == Milestone.SQO and told["before_milestone"] != Milestone.SQO
    parts = [done, QUALIFIED.get(told["qualified_by"]), told["deal"] if becomes_deal else None]
    return Line(
        icon=MOVE_ICONS[kind],
        side=_side(kind, told),
        heading="" if stages else _heading(kind, told),
        small=_listed([*parts, "past the entry criteria" if told["is_override"] else None]),
        stages=stages,
        note=told["note"] or "",
        is_undone=told["is_undone"],
    )


def _merge(told: Mapping[str, Any]) -> Line:
    by = f"by {told['actor']}" if told["actor"] else UNNAMED.get(CauseSource(told["source"]), "")
    leads = told["leads"]
    named = f"Lead{'s' if len(leads) > 1 else ''} {', '.join(map(str, leads))}"
    return Line("merge", "", f"{named} merged into this one", _listed([by]), note=told["note"],
                is_undone=told["is_undone"])  # fmt: skip


def _side(kind: Kind, told: Mapping[str, Any]) -> str:
    if kind in (Kind.UNDO, Kind.CORRECT, Kind.MERGE, Kind.WITHDRAW):
        return ""
    if kind == Kind.NURTURE:
        return Side.MARKETING
    return told["after_side"] if kind in (Kind.ADVANCE, Kind.REQUALIFY) else Side.SALES


def _stages(told: Mapping[str, Any]) -> tuple[Tag, ...]:
    """From and to: as milestones where the milestone changes, else by their names; one tag where a pass begins."""
    before, after = told["before_milestone"], told["after_milestone"]
    if told["kind"] == Kind.REQUALIFY or before is None:
        return ((_code(after), told["after_side"]),)
    if before == after:
        return ((told["before"], told["before_side"]), (told["after"], told["after_side"]))
    return ((_code(before), told["before_side"]), (_code(after), told["after_side"]))


def _code(milestone: int) -> str:
    return "Won" if milestone == Milestone.WON else Milestone(milestone).name


def _heading(kind: Kind, told: Mapping[str, Any]) -> str:
    match kind:
        case Kind.UNDO | Kind.CORRECT:
            about = told["undone"] or told["corrected"]
            return f"{kind.label}: {Kind(about).label.lower()}" if about else kind.label
        case Kind.RECYCLE | Kind.NURTURE:
            name = "Nurture" if kind == Kind.NURTURE else kind.label
            to = f"{name} to {told['track']}" if told["track"] else name
            again = (
                f", look again on {date_format(date.fromisoformat(told['revisit_on']), 'j F Y')}"
                if told["revisit_on"]
                else ""
            )
            return to + again + (f": {told['reason'].lower()}" if told["reason"] else "")
        case Kind.ATTACH:
            return f"{kind.label}: {told['deal']}"
    return f"{kind.label}: {told['reason'].lower()}" if told["reason"] else kind.label


def _clock(event: Event) -> Line:
    told, kind = event.told, EventKind(event.told["kind"])
    due, started = datetime.fromisoformat(told["due_at"]), datetime.fromisoformat(told["started_at"])
    words, promised = subject(told["subject"]).words, span(told["target"], told["unit"])
    at = event.at or due
    when = f"{words.due} due {due_at(due)}"
    match kind:
        case EventKind.STARTED:
            return Line("timer", "", f"A clock of {promised} started", when)
        case EventKind.MET:
            return Line(
                "timer", "", f"{words.given} in {duration(at - started)}", f"{duration(due - at)} before it was due"
            )
        case EventKind.STOPPED:
            return Line("timer", "", f"{words.given} after {duration(at - started)}", f"{duration(at - due)} late")
        case EventKind.BREACHED:
            return Line("circle-alert", "", f"{words.missing} within {promised}", is_bad=True)
        case EventKind.CANCELLED:
            # Of the event, not of its clock, which may run again.
            why = CancelReason(told["detail"]["why"]).label
            return Line("timer-off", "", f"No {words.due.lower()} is owed any more", why)
        case EventKind.REOPENED:
            return Line("timer-reset", "", "The clock runs again", f"{when}, as before")
        case EventKind.PAUSED:
            detail, by = told["detail"], f"by {told['actor']}" if told["actor"] else None
            heading = f"Paused: {detail['reason'].lower()}"
            return Line("pause", "", heading, _listed([by, when]), note=detail["note"])
        case EventKind.RESUMED:
            return Line("play", "", "The clock goes on", _listed([told["detail"]["why"] or None, when]))
        case EventKind.CONTESTED | EventKind.EXCUSED:
            return Line("scale", "", f"The breach is {kind.label.lower()}", note=told["detail"].get("why") or "")
    return Line("timer", "", kind.label, _listed([told["detail"].get("why"), when]))


def _listed(parts: list[str | None]) -> str:
    text = ", ".join(filter(None, parts))
    return text[:1].upper() + text[1:]
