"""Posting to addresses that people typed in: none inside the network is reached, and none holds us up."""

import socket
import time

import pytest

from alignment.lib import safe_http
from alignment.lib.safe_http import UnsafeAddressError, check, post
from tests.lib.receivers import answering, dripping, dripping_body, flooding, receiver, silence

HOSTILE = """
127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 127.255.255.254 0.0.0.0 0 10.0.0.1 172.16.0.1 172.31.255.255
192.168.1.1 169.254.169.254 169.254.170.2 168.63.129.16 100.64.0.1 100.100.100.200 192.0.0.192 192.0.2.1 198.18.0.1
203.0.113.7 224.0.0.1 240.0.0.1 255.255.255.255 [::] [::1] [::ffff:127.0.0.1] [::ffff:169.254.169.254]
[::ffff:7f00:1] [::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::a9fe:a9fe] [2002:7f00:1::] [2002:a9fe:a9fe::] [fe80::1]
[fe80::1%25lo] [fc00::1] [fd00:ec2::254] [ff02::1] [2001:db8::1] [2001:0:7f00:1::] localhost LOCALHOST localhost.
""".split()
PUBLIC = "93.184.215.14 8.8.8.8 [2606:2800:21f:cb07:6820:80da:af6b:8b2c]".split()


@pytest.mark.parametrize("host", HOSTILE)
def test_what_lies_inside_is_refused(host):
    with pytest.raises(UnsafeAddressError):
        check(f"https://{host}/hook")


@pytest.mark.parametrize("host", PUBLIC)
def test_a_public_host_is_not(host):
    check(f"https://{host}/hook")


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14/",
        "ftp://93.184.215.14/",
        "file:///etc/passwd",
        "gopher://93.184.215.14/",
        "//93.184.215.14/",
        "93.184.215.14",
        "https://",
        "https:///hook",
        "https://user@93.184.215.14/",
        "https://user:secret@93.184.215.14/",
        "https://93.184.215.14:99999/",
        "https://93.184.215.14/a b",
        "https://93.184.215.14/\r\nHost: evil",
        "https://93.184.215.14\\@127.0.0.1/",
        "https://no-such-host.invalid/",
        "https://[::1/",
        "https://" + "a" * 300 + ".example/",
        "https://93.184.215.14/" + "a" * 2000,
        "",
    ],
)
def test_what_is_no_address_for_us(url):
    with pytest.raises(UnsafeAddressError):
        check(url)


def _stands_for(monkeypatch, *answers):
    """The resolver's answers, one a call."""
    left = iter(answers)
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, **kwargs: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in next(left)],
    )


def test_every_address_of_a_name_is_judged(monkeypatch):
    _stands_for(monkeypatch, ["93.184.215.14", "127.0.0.1"])

    with pytest.raises(UnsafeAddressError, match="private network"):
        check("https://rebinding.example/")


def test_a_name_that_answers_otherwise_a_moment_later_leads_nowhere_else(monkeypatch):
    asked = []
    _stands_for(monkeypatch, ["93.184.215.14"], ["127.0.0.1"])
    monkeypatch.setattr(socket, "create_connection", lambda address, timeout: asked.append(address) or 1 / 0)

    with pytest.raises(ZeroDivisionError):
        post("https://rebinding.example/", body=b"", headers={})
    assert asked == [("93.184.215.14", 443)]


def test_loopback_is_refused_when_it_is_posted_to_as_well():
    with receiver() as here, pytest.raises(UnsafeAddressError):
        post(here.url, body=b"{}", headers={})
    assert here.requests == []


class TestOurOwnNetwork:
    """Tests talk to this machine, as an install may talk to networks of its own."""

    @pytest.fixture(autouse=True)
    def _own(self, settings):
        settings.OUTBOUND_NETWORKS = ("127.0.0.0/8",)

    def test_it_is_posted_to_without_tls(self):
        with receiver() as here:
            answer = post(here.url, body=b'{"a": 1}', headers={"Content-Type": "application/json"})

        [request] = here.requests
        assert answer.status == 200
        assert (request.line, request.body) == ("POST /hook?of=accord HTTP/1.1", b'{"a": 1}')
        assert request.headers["host"] == f"127.0.0.1:{here.port}"

    def test_other_networks_stay_out_of_reach(self):
        with pytest.raises(UnsafeAddressError):
            check("http://10.0.0.1/")

    def test_a_redirect_is_an_answer_and_not_followed(self):
        with receiver() as inside, receiver(_redirect(inside.url)) as here:
            answer = post(here.url, body=b"", headers={})

        assert (answer.status, inside.requests) == (302, [])

    @pytest.mark.parametrize("misbehave", [silence, dripping], ids=["silent", "dripping"])
    def test_who_gives_no_answer_is_left_in_time(self, misbehave):
        began = time.monotonic()
        with receiver(misbehave) as here, pytest.raises(TimeoutError, match=r"No answer within 0\.5 seconds"):
            post(here.url, body=b"", headers={}, seconds=0.5)
        assert time.monotonic() - began < 5

    def test_a_body_that_never_ends_ends_with_the_time(self):
        began = time.monotonic()
        with receiver(dripping_body(b"500 Oh")) as here:
            answer = post(here.url, body=b"", headers={}, seconds=0.5)
        assert answer.status == 500
        assert answer.body.strip(b".") == b""
        assert time.monotonic() - began < 5

    def test_of_a_success_the_body_is_not_waited_for(self):
        began = time.monotonic()
        with receiver(dripping_body(b"200 OK")) as here:
            assert post(here.url, body=b"", headers={}, seconds=30).status == 200
        assert time.monotonic() - began < 5

    def test_of_a_flood_the_first_drops_are_read(self):
        with receiver(flooding) as here:
            answer = post(here.url, body=b"", headers={}, seconds=30)
        assert answer.body == b"x" * safe_http.MOST_BYTES

    @pytest.mark.parametrize("garbage", [b"", b"\x00\xff\r\n\r\n", b"HTTP/1.1 banana\r\n\r\n"])
    def test_who_speaks_no_http_is_a_failure_and_no_accident(self, garbage):
        with receiver(answering(garbage)) as here, pytest.raises((OSError, safe_http.HTTPException)):
            post(here.url, body=b"", headers={})

    def test_who_speaks_no_tls_is_a_failure(self):
        with receiver(reads=False) as here, pytest.raises(OSError, match="SSL"):
            post(here.url.replace("http://", "https://"), body=b"", headers={}, seconds=5)

    def test_nobody_there(self):
        with receiver() as here:
            pass
        with pytest.raises(ConnectionRefusedError):
            post(here.url, body=b"", headers={})


def _redirect(url):
    return f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode()
