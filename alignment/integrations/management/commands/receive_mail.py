"""`manage.py receive_mail < MAIL`: record a mail that a user sent in copy; for a pipe of the mail server."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from alignment.integrations.mail_drop.reading import MOST_BYTES
from alignment.integrations.mail_drop.receiving import Outcome, receive

# What sysexits.h says to a mail server: bad data, and no such user. Neither is tried again.
EXIT = {Outcome.UNREADABLE: 65, Outcome.NO_USER: 67, Outcome.UNPROVEN: 67}


class Command(BaseCommand):
    help = "Record a mail from standard input as an activity of its sender. The same mail twice changes nothing."

    def handle(self, **options: Any) -> None:
        receipt = receive(sys.stdin.buffer.read(MOST_BYTES + 1))
        self.stdout.write(f"{receipt.outcome}: {receipt.said}")
        if code := EXIT.get(receipt.outcome):
            sys.exit(code)
