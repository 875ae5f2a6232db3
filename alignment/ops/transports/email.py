"""Mail to one address: plain text, and the same as HTML where the message has it."""

import smtplib
from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from alignment.ops.models import OutboxMessage


class EmailSender:
    """One connection to the mail server for many mails; after an error the next mail gets a new one."""

    def __init__(self) -> None:
        self.server = get_connection()

    def send(self, message: OutboxMessage) -> None:
        try:
            self.server.open()
            self.server.send_messages([compose(message)])
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        with suppress(smtplib.SMTPException, OSError):
            self.server.close()


def compose(message: OutboxMessage) -> EmailMultiAlternatives:
    """The mail; its Message-ID belongs to the row, so that a mail that went out twice can be known by it."""
    host = urlsplit(settings.BASE_URL).hostname
    headers = {
        "Message-ID": f"<outbox.{message.pk}.{message.created_at:%Y%m%d%H%M%S%f}@{host}>",
        # No out-of-office replies.
        "Auto-Submitted": "auto-generated",
    }
    mail = EmailMultiAlternatives(message.subject, message.body, to=[message.address], headers=headers)
    if message.html:
        mail.attach_alternative(message.html, "text/html")
    return mail
