"""What is timed: the kinds of subject that Accord comes with. Others are registered where everything is wired."""

from sla.subjects.registry import (
    Holding,
    Reader,
    Standing,
    Subject,
    SubjectKey,
    Whose,
    choices,
    reader_of,
    register,
    subject,
    subjects,
)

__all__ = [
    "Holding",
    "Reader",
    "Standing",
    "Subject",
    "SubjectKey",
    "Whose",
    "choices",
    "reader_of",
    "register",
    "subject",
    "subjects",
]
