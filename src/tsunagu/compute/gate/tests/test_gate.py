"""What the gate lets in and out, and that it is led nowhere else."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from tsunagu.compute.gate import headers
from tsunagu.compute.gate.sockets import connect

ORIGIN = "http://01abc.localhost:8002"


def test_what_goes_in_and_out_of_a_notebook():
    came = [
        (b"host", b"01abc.localhost:8002"),
        (b"cookie", b"tsunagu_notebook=secret; _xsrf=2|a|b; __Host-tsunagu_notebook=other"),
        (b"authorization", b"Bearer tsu_token"),
        (b"x-forwarded-for", b"192.0.2.1"),
        (b"connection", b"keep-alive"),
    ]
    assert headers.inwards(came) == [(b"host", b"01abc.localhost:8002"), (b"Cookie", b"_xsrf=2|a|b")]
    assert headers.cookie_of(came, is_secure=False) == "secret"
    assert headers.cookie_of(came, is_secure=True) == "other"
    said = [
        (b"content-type", b"text/html"),
        (b"content-security-policy", b"default-src *"),
        (b"set-cookie", b"_xsrf=1; Path=/"),
        (b"set-cookie", b"sessionid=x; Domain=example.org; Path=/"),
        (b"set-cookie", b"tsunagu_notebook=mine; Path=/"),
        (b"clear-site-data", b'"cookies"'),
    ]
    out = headers.outwards(said, ORIGIN)
    assert [value for name, value in out if name.lower() == b"set-cookie"] == [b"_xsrf=1; Path=/"]
    assert not [name for name, _value in out if name == b"clear-site-data"]
    (policy,) = [value.decode() for name, value in out if name.lower() == b"content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self' ws://01abc.localhost:8002"
    assert rules["webrtc"] == "'block'"
    assert not [rule for rule, places in rules.items() if "http" in places or "*" in places]


@pytest.mark.parametrize(
    ("method", "sent", "may"),
    [
        ("GET", {}, True),
        ("GET", {"sec-fetch-site": "same-origin"}, True),
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, True),
        ("GET", {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, False),
        ("POST", {}, False),
        ("POST", {"origin": ORIGIN}, True),
        ("POST", {"origin": "http://01abd.localhost:8002"}, False),
        ("DELETE", {"origin": "null"}, False),
    ],
)
def test_who_may_ask(method, sent, may):
    found = [(name.encode(), value.encode()) for name, value in sent.items()]
    assert headers.is_own_origin(found, method, ORIGIN, is_upgrade=False) is may


def test_a_websocket_comes_from_the_notebook_itself():
    other = [(b"origin", b"http://localhost:8000"), (b"sec-fetch-site", b"same-origin")]
    assert not headers.is_own_origin(other, "GET", ORIGIN, is_upgrade=True)
    assert not headers.is_own_origin([], "GET", ORIGIN, is_upgrade=True)
    assert headers.is_own_origin([(b"origin", ORIGIN.encode())], "GET", ORIGIN, is_upgrade=True)


def test_no_link_leads_to_another_socket(tmp_path):
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as inner:
        folder = os.open(deep, os.O_PATH)
        inner.bind(f"/proc/self/fd/{folder}/s")
        os.close(folder)
        inner.listen()
        assert asyncio.run(_reaches(deep)), "also where the path is longer than the kernel takes"
        other = tmp_path / "other"
        other.mkdir()
        (other / "s").symlink_to(deep / "s")
        with pytest.raises(OSError, match="no socket"):
            asyncio.run(_reaches(other))
        (tmp_path / "linked").symlink_to(deep)
        with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
            asyncio.run(_reaches(tmp_path / "linked"))


async def _reaches(folder):
    _reader, writer = await connect(folder)
    writer.close()
    await writer.wait_closed()
    return True
