"""Servers on this machine that receive what Accord sends, and some that misbehave."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Received:
    """One request."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers every request with what `answer` sends; `requests` are those that came."""

    port: int
    requests: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?of=accord"


Answer = Callable[[socket.socket, threading.Event], None]


def answering(data: bytes) -> Answer:
    """Sends this and closes."""
    return lambda link, ended: link.sendall(data)


def silence(link: socket.socket, ended: threading.Event) -> None:
    ended.wait(60)


def dripping(link: socket.socket, ended: threading.Event) -> None:
    """A head that comes byte by byte and never ends."""
    link.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while not ended.wait(0.05):
        link.sendall(b".")


def dripping_body(status: bytes) -> Answer:
    """A head, and a body that comes byte by byte and never ends."""

    def answer(link: socket.socket, ended: threading.Event) -> None:
        link.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 1000000\r\n\r\n")
        while not ended.wait(0.05):
            link.sendall(b".")

    return answer


def flooding(link: socket.socket, ended: threading.Event) -> None:
    """More than anybody wants to read."""
    link.sendall(b"HTTP/1.1 500 Oh\r\nContent-Length: 10000000000\r\n\r\n")
    while not ended.is_set():
        link.sendall(b"x" * 65_536)


@contextmanager
def receiver(answer: Answer | bytes = OK, *, reads: bool = True) -> Iterator[Receiver]:
    """A server that receives until the end of the block; one that `reads` nothing answers at once."""
    ended = threading.Event()
    act = answering(answer) if isinstance(answer, bytes) else answer
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = Receiver(server.getsockname()[1])
        threading.Thread(target=_serve, args=(server, here if reads else None, act, ended), daemon=True).start()
        yield here
        ended.set()
        # Who waits in accept holds the port open.
        server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, here: Receiver | None, act: Answer, ended: threading.Event) -> None:
    with suppress(OSError):
        while True:
            link, _ = server.accept()
            threading.Thread(target=_one, args=(link, here, act, ended), daemon=True).start()


def _one(link: socket.socket, here: Receiver | None, act: Answer, ended: threading.Event) -> None:
    with link, suppress(OSError):
        if here is not None:
            here.requests.append(_read(link))
        act(link, ended)


def _read(link: socket.socket) -> Received:
    with link.makefile("rb") as reader:
        line = reader.readline().decode().strip()
        headers: dict[str, str] = {}
        while header := reader.readline().decode("latin-1").strip():
            name, _, value = header.partition(": ")
            headers[name.lower()] = value
        return Received(line, headers, reader.read(int(headers.get("content-length", 0))))
