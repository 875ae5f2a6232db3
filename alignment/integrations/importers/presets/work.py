"""What sales did and means to do, as the task and call exports of CRMs say it: a mapping's `touch` for their columns.

The outcomes become what a rep would have logged here: connected, no answer, voicemail, e-mailed. Of what says nothing
of the buyer (a finished to-do) nothing is kept.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

_WHAT = "{@subject}"
_DONE = ("completed", "closed", "done", "true", "1", "yes")
_DROPPED = ("deferred", "cancelled", "canceled", "skipped")
_OUTCOMES = {
    "connected": (
        "connected", "answered", "contacted", "interested", "not interested", "left live message", "meeting booked",
        "meeting scheduled", "call back later", "f240bbac-87c9-4f6e-bf70-924b57d47db7",
        "a4c4c377-d246-4b32-a13b-75a56a4cd0ff",
    ),
    "no_answer": (
        "no answer", "not answered", "unanswered", "busy", "wrong number", "no connect", "did not connect",
        "73a0d17f-1163-4015-bdd5-ec830791da20", "9d9162e7-6cf3-4944-bf63-4dff82258764",
        "17b47fee-58de-441e-a44c-c6300d46f273",
    ),
    "voicemail": (
        "voicemail", "left voicemail", "left voice mail", "left message", "b2cf5968-551e-4856-9783-52b3da59a7d0",
    ),
}  # fmt: skip
"""Activity → the outcomes of calls that are it; those with dashes are HubSpot's keys of its own outcomes."""

_WROTE = {"kind": "e-mail", "title": f"Wrote: {_WHAT}", "direction": "inbound"}
_MESSAGE = {"kind": "message", "title": f"Sent a message: {_WHAT}", "direction": "outbound", "is_engaged": False}
_KINDS: tuple[tuple[Sequence[str], Mapping[str, Any]], ...] = (
    (("email", "e-mail", "mail"), {"activity": "emailed", "title": _WHAT}),
    (("incoming_email", "incoming email"), _WROTE),
    (("call",), {"kind": "call", "title": f"Called: {_WHAT}", "direction": "outbound", "is_engaged": False}),
    (("meeting",), {"kind": "meeting", "title": f"Met: {_WHAT}", "direction": "outbound"}),
    (("linkedin", "linked_in", "linked_in_message", "linked_in_connect", "sms", "whatsapp"), _MESSAGE),
)
"""What a type of task or engagement is."""

_CALLED_US = {"kind": "call", "title": f"Called us: {_WHAT}", "direction": "inbound"}


def work(states: Sequence[str], told: Sequence[str], *, otherwise: Sequence[Any] = ()) -> dict[str, Any]:
    """The touch of rows with one of the signs `states` (no sign: all is done) and any of `told` (`@type`, `@kind`,
    `@result`, `@direction`): of the columns that a row fills, the last one decides. What fits nothing is `otherwise`,
    and so is every row of a file without any of these columns.
    """
    subsets = [some for count in range(len(told), 0, -1) for some in combinations(told, count)]
    with_state = [(state, *some) for state in states for some in (*subsets, ())]
    return {"any": [*(_group(signs, otherwise) for signs in (with_state or subsets)), *otherwise]}


def _group(signs: Sequence[str], otherwise: Sequence[Any]) -> dict[str, Any]:
    cases: dict[str, list[Any]] = {}
    state = next((sign for sign in signs if sign in ("@closed", "@status")), "")
    for done in _DONE if state else ("*",):
        for said, rule in _told():
            if said.keys() <= set(signs):
                cases[" / ".join({**said, state: done}.get(sign, "*") for sign in signs)] = [rule]
        if state:
            cases[" / ".join(done if sign == state else "*" for sign in signs)] = []
    for dropped in _DROPPED if state else ():
        cases[" / ".join(dropped if sign == state else "*" for sign in signs)] = []
    return {"by": list(signs), "cases": cases, "otherwise": [{"step": _WHAT}] if state else list(otherwise)}


def _told() -> list[tuple[dict[str, str], Any]]:
    """What columns (sign → value) say, and the touch that it is."""
    outcomes = [
        ({"@result": said}, {"activity": activity, "title": _WHAT})
        for activity, all_said in _OUTCOMES.items()
        for said in all_said
    ]
    kinds = [({sign: said}, rule) for sign in ("@type", "@kind") for words, rule in _KINDS for said in words]
    return [({"@direction": "inbound"}, _CALLED_US), *outcomes, *kinds]
