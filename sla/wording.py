"""What promises and their breaches are called, for pages, notices and the API: of the kinds that Accord comes with."""

from collections.abc import Mapping
from dataclasses import dataclass

from sla.models.policy import SubjectKind


@dataclass(frozen=True, slots=True)
class Words:
    """How one kind of promise is spoken of: what is `due`, what is `missing` when it is broken, and what to `do`; the
    button that leads there says the `action`.
    """

    due: str
    missing: str
    given: str
    do: str
    action: str


WORDS: Mapping[str, Words] = {
    SubjectKind.DISPOSITION: Words("Answer", "No answer", "Answered", "Accept, reject or recycle it.", "Answer it"),
    SubjectKind.FIRST_TOUCH: Words(
        "Human touch", "No human touch", "Touched", "Call or write to them, and log it.", "Get in touch"
    ),
    SubjectKind.WORKED: Words(
        "Human touch", "Accepted, but no human touch", "Touched", "Call or write to them, and log it.", "Get in touch"
    ),
    "deal_update": Words(
        "Update", "No update", "Updated", "Say what has changed, or log a talk with the buyers.", "Update it"
    ),
    "dispute_answer": Words(
        "Answer to the dispute", "No answer to the dispute", "Answered", "Agree, or let it stand.", "Answer it"
    ),
}
