"""Named places at which a test may let this process die, as a machine does that loses its power.

Production has none of them (`settings.FAILPOINTS`). In a stack of tests that names a folder: a process that reaches a
place whose name is a file there takes the file away and is killed on the spot, once.
"""

import os
import signal
from pathlib import Path

from django.conf import settings


def reached(name: str) -> None:
    """Die here if a test asked for it."""
    if not settings.FAILPOINTS:
        return
    try:
        (Path(settings.FAILPOINTS) / name).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
