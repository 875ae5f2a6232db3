"""Processes that die at a chosen statement, as a worker does that is killed or loses its machine."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from django.db import connection


def run_and_die_after(statement: int, work: Callable[[], Any]) -> bool:
    """Run `work` in a child process that is killed right after its `statement`-th SQL statement (0: before the first).

    Returns whether it died; False means that it had fewer statements and came to its end.
    """
    # A connection does not survive a fork; both sides open their own.
    connection.close()
    child = os.fork()
    if child == 0:
        with connection.execute_wrapper(Executioner(statement)):
            work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0, "the work itself failed"
    _until_the_server_has_noticed()
    return os.WIFSIGNALED(status)


WRITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        AND backend_xid IS NOT NULL
"""


def _until_the_server_has_noticed() -> None:
    """What the dead held stays locked until their backend looks for them: on a busy machine that takes a moment."""
    with connection.cursor() as cursor:
        for _ in range(1_000):
            cursor.execute(WRITING)
            if not cursor.fetchone()[0]:
                return
            time.sleep(0.01)


class Executioner:
    """Counts statements and kills this process after the last one it may have."""

    def __init__(self, left: int):
        self.left = left

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        result = execute(*arguments)
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
