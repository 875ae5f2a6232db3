"""Work that is done beside other work which is not stored yet, and must come after it in parts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_turn: ContextVar[Callable[[], None] | None] = ContextVar("turn", default=None)


@contextmanager
def taken_by(wait: Callable[[], None]) -> Iterator[None]:
    """What is done within this comes after other work, whose end `wait` waits for."""
    token = _turn.set(wait)
    try:
        yield
    finally:
        _turn.reset(token)


def await_turn() -> None:
    """Called before a lock that everybody who does such work wants, and keeps until it is stored: whoever took it out
    of turn would wait for the work before theirs, and that for the lock.
    """
    wait = _turn.get()
    if wait:
        wait()
