"""A notice: what one person is told."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Notice:
    """What one user is told. `url` is a path of this install; the same `dedupe_key` is told a user only once, ever.

    `kind` names the occasion (`alignment.ops.occasions`); the subject is the row that it is about, where there is one.
    `action` is what the button says that leads to `url`. A sum `stands_for` several things, whose number its title has
    as “{count}”; one with the same key adds to it.
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
    stands_for: int = 1

    def counted(self, count: int) -> "Notice":
        """A sum with this number in its title."""
        return replace(self, title=self.title.replace("{count}", f"{count:,}"), stands_for=count)
