"""Logs without keys: an address that opens something by itself is written without its token."""

import logging
import re

KEYS = re.compile(r"((?<!/setup)/wall/|/account/password/[^/\s]+/|[?&]wall=)[^/\s&\"']+")


class WithoutTokens(logging.Filter):
    """Cuts tokens out of what a line says; every line passes."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        masked = KEYS.sub(r"\1…", said)
        if masked != said:
            record.msg, record.args = masked, ()
        return True
