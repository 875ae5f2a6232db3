"""Python's search for cyclic garbage, put off while a set of rows is made."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def later() -> Iterator[None]:
    """Look for garbage afterwards. A set of fifty thousand rows allocates millions of objects that all live on, and
    going through them again and again takes a sixth of Python's time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
