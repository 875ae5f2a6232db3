"""Several people at once, each on a real connection."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call returns; all start together, each on a connection of its own."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=10)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, call) for call in calls]]


def closed_in(pool: ThreadPoolExecutor) -> None:
    """Let each thread of a pool close its connection, once it is done with what it does."""
    barrier = Barrier(pool._max_workers)

    def close() -> None:
        barrier.wait(timeout=20)
        connection.close()

    for future in [pool.submit(close) for _ in range(pool._max_workers)]:
        future.result(timeout=30)
