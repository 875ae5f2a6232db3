"""HTTP to addresses that people have typed in: to public hosts alone, and neither for long nor for much.

A name is resolved once, every address that it stands for is judged, and the connection goes to the judged one: a name
that answers otherwise a moment later leads nowhere else. Redirects are not followed. Networks of one's own, which
`ACCORD_OUTBOUND_NETWORKS` lists, count as public, and may be spoken to without TLS.
"""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

SECONDS = 10
MOST_BYTES = 16_384
LONGEST_URL = 2000

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# What leads to another place than it says, or to the machine's own cloud, though `is_global` calls it public: it knows
# neither what a cloud answers at, nor, in every version of Python, each special network.
_REFUSED = tuple(
    map(
        ipaddress.ip_network,
        ("168.63.129.16", "192.0.0.0/24", "192.88.99.0/24", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/23"),
    )
)
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")


class NoAnswerError(TimeoutError):
    """The whole time is up."""


class UnsafeAddressError(ValueError):
    """An address that Accord does not talk to; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said; of the body of a failure as much as fits and came in time."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Target:
    url: SplitResult
    host: str
    port: int
    address: str

    @property
    def path(self) -> str:
        return f"{self.url.path or '/'}{f'?{self.url.query}' if self.url.query else ''}"


def check(url: str) -> None:
    """Raises UnsafeAddressError where `url` is none that Accord would talk to. Looks the name up."""
    _resolved(url)


def post(url: str, *, body: bytes, headers: Mapping[str, str], seconds: float = SECONDS) -> Answer:
    """Post `body`; the answer's head is there within `seconds`, whatever the other side does.

    Raises UnsafeAddressError, NoAnswerError, or OSError or http.client.HTTPException for what else went wrong.
    """
    target = _resolved(url)
    with _connected(target, seconds) as (connection, deadline):
        try:
            connection.request("POST", target.path, body=body, headers=dict(headers))
            response = connection.getresponse()
        except (OSError, HTTPException) as error:
            raise deadline.error if deadline.is_over else error from None
        if deadline.is_over:
            # A head that was cut looks like one that ended.
            raise deadline.error
        return Answer(response.status, dict(response.headers), _read(response))


def _read(response: HTTPResponse) -> bytes:
    """The beginning of the body: of a success nobody needs it, and a failure is explained by its first lines."""
    if response.status < 300:
        return b""
    with suppress(OSError, HTTPException):
        return response.read(MOST_BYTES)
    return b""


# Where it goes ---------------------------------------------------------------------------------------------------


def _resolved(url: str) -> _Target:
    parts, port = _parsed(url)
    host = (parts.hostname or "").rstrip(".")
    try:
        found = socket.getaddrinfo(host.encode("idna"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnsafeAddressError(f"There is no host named {host}.") from None
    addresses = [str(each[4][0]) for each in found]
    own = [_is_own(address) for address in addresses]
    if not all(is_own or _is_public(address) for address, is_own in zip(addresses, own, strict=True)):
        raise UnsafeAddressError(
            f"{host} is an address inside a private network. Accord talks to public hosts only, "
            "and to networks that ACCORD_OUTBOUND_NETWORKS names."
        )
    if parts.scheme != "https" and not all(own):
        raise UnsafeAddressError("Use an address that begins with https://.")
    return _Target(parts, host, port, addresses[0])


def _parsed(url: str) -> tuple[SplitResult, int]:
    if len(url) > LONGEST_URL or any(character <= " " or character == "\x7f" or character == "\\" for character in url):
        raise UnsafeAddressError("This is no address: it has spaces, or is too long.")
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise UnsafeAddressError("This is no address.") from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise UnsafeAddressError("Give a whole address that begins with https://.")
    if parts.username is not None or parts.password is not None:
        raise UnsafeAddressError("An address with a user name in it is not allowed.")
    return parts, port


def _is_own(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    return any(ip in network for network in _own_networks(settings.OUTBOUND_NETWORKS))


@cache
def _own_networks(given: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(each) for each in given)


def _is_public(address: str) -> bool:
    """Whether packets to `address` go out to the public internet, whatever form it has."""
    if "%" in address:
        return False
    ip = _unwrapped(ipaddress.ip_address(address))
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _REFUSED)


def _unwrapped(ip: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 address stands for."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    return ip.ipv4_mapped or (ip in _SIX_TO_FOUR and ip.sixtofour) or ip


# How long it takes -----------------------------------------------------------------------------------------------


class _Deadline:
    """Cuts the connection when the time is up: a timeout of the socket only limits each single wait."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self.error = NoAnswerError(f"No answer within {seconds:g} seconds.")
        self.socket: socket.socket | None = None
        self.timer = threading.Timer(seconds, self._cut)
        self.timer.daemon = True

    def _cut(self) -> None:
        self.is_over = True
        if self.socket is not None:
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)


@contextmanager
def _connected(target: _Target, seconds: float) -> Iterator[tuple[HTTPConnection, _Deadline]]:
    deadline = _Deadline(seconds)
    deadline.timer.start()
    connection = HTTPConnection(target.host, target.port)
    try:
        try:
            deadline.socket = socket.create_connection((target.address, target.port), timeout=seconds)
            if target.url.scheme == "https":
                deadline.socket = _tls().wrap_socket(
                    deadline.socket, server_hostname=target.host, do_handshake_on_connect=False
                )
                deadline.socket.do_handshake()
        except OSError as error:
            raise deadline.error if deadline.is_over else error from None
        connection.sock = deadline.socket
        yield connection, deadline
    finally:
        deadline.timer.cancel()
        connection.close()
        if deadline.socket is not None:
            deadline.socket.close()


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
