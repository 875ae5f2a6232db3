"""Threads that work beside each other, each on a database connection of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from typing import ParamSpec, Protocol, TypeVar

from django.db import connection

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class Lanes(Protocol):
    """Lets the next lane, in turn, make a call once it is done with what it has."""

    def __call__(self, call: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Future[Answer]: ...


@contextmanager
def opened(count: int) -> Iterator[Lanes]:
    """So many lanes. At the end all calls are waited for, and their connections closed."""
    threads = [ThreadPoolExecutor(max_workers=1, thread_name_prefix="lane") for _ in range(count)]
    turns = cycle(threads)

    def begin(call: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs) -> Future[Answer]:
        return next(turns).submit(call, *args, **kwargs)

    try:
        yield begin
    finally:
        for thread in threads:
            thread.submit(_close)
        for thread in threads:
            thread.shutdown()


def _close() -> None:
    connection.close()
