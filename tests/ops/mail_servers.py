"""Mail servers on the loopback interface: one that takes mail, and one that never says a word."""

import contextlib
import email
import socket
import socketserver
import threading
from collections.abc import Iterator
from email.message import Message


class MailServer(socketserver.ThreadingTCPServer):
    """Takes every mail; `hang_up_after` a number of mails it ends the connection instead of taking the next."""

    daemon_threads = True

    def __init__(self, hang_up_after: int | None = None):
        super().__init__(("127.0.0.1", 0), Conversation)
        self.hang_up_after = hang_up_after
        self.mails: list[Message] = []
        self.connections = 0

    @property
    def port(self) -> int:
        return self.server_address[1]


class Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.server.connections += 1
        taken = 0
        self.say("220 ready")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"MAIL" and taken == self.server.hang_up_after:
                return
            if word == b"DATA":
                self.say("354 go on")
                self.server.mails.append(email.message_from_bytes(self.read_mail()))
                taken += 1
            self.say("221 bye" if word == b"QUIT" else "250 ok")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def read_mail(self) -> bytes:
        return b"".join(iter(self.rfile.readline, b".\r\n"))


@contextlib.contextmanager
def mail_server(hang_up_after: int | None = None) -> Iterator[MailServer]:
    with MailServer(hang_up_after) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@contextlib.contextmanager
def silent_server() -> Iterator[socket.socket]:
    """Connections are taken by whoever calls `accept`, and hear nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server
