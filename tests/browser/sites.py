"""A running Accord for the browser: a web process as in production."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager

from alignment.stack.demo import answers, listen, web_program
from tests.databases import Database
from tests.runtime.stacks import ROOT, until

FIRST_PORT = 8400


@contextmanager
def serving(database: Database, **env: str) -> Iterator[str]:
    """A web process on `database`, with what else it finds in its environment; yields its address."""
    with closing(listen(FIRST_PORT)) as listener:
        url = "http://{}:{}".format(*listener.getsockname())
        program = web_program(listener, {**database.env, **env, "ACCORD_BASE_URL": url})
        process = subprocess.Popen(program.argv, env=os.environ | program.env, cwd=ROOT, pass_fds=program.files)
        try:
            until(lambda: process.poll() is None and answers(listener), "the web process answers")
            yield url
        finally:
            process.terminate()
            process.wait()
