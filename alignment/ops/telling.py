"""A notice: what one person is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """What one user is told. `url` is a path of this install; the same `dedupe_key` is told a user only once, ever.

    `kind` names the occasion (`alignment.ops.occasions`); the subject is the row that it is about, where there is one.
    `action` is what the button says that leads to `url`.
    """

    user_id: int
    kind: str
    title: str
    dedupe_key: str
    body: str = ""
    url: str = ""
    action: str = ""
    subject_kind: str = ""
    subject_id: int | None = None
    by_mail: bool = True
