"""A worker's way through an HTTP proxy."""

from __future__ import annotations

import asyncio

import pytest

from chargehand_wire.master_address import MasterAddress, master_address
from chargehand_worker.proxy import (
    BadProxy,
    Proxy,
    ProxyFailed,
    connect_through,
    proxy_for,
    proxy_of,
)
from chargehand_worker.settings import BadSettings, WorkerSettings


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("http://proxy:8080", Proxy("proxy", 8080)),
        ("proxy", Proxy("proxy", 3128)),
        (" HTTP://proxy/ ", Proxy("proxy", 3128)),
        ("http://[::1]:1", Proxy("::1", 1)),
        ("http://a%40b:c%3A@proxy", Proxy("proxy", 3128, "YUBiOmM6")),
    ],
)
def test_an_address_is_read(text: str, proxy: Proxy) -> None:
    assert proxy_of(text) == proxy


@pytest.mark.parametrize("text", ["https://proxy", "socks5://x", "http://", "proxy:x", "a b"])
def test_a_wrong_address_is_refused_without_telling_a_password(text: str) -> None:
    with pytest.raises(BadProxy):
        proxy_of(text)
    with pytest.raises(BadSettings, match=r"^proxy: "):
        WorkerSettings(master="m", name="n", password="p", proxy=text)


@pytest.mark.parametrize(
    ("master", "setting", "environment", "expected"),
    [
        ("http://ci", None, {}, None),
        ("http://ci", None, {"http_proxy": "http://p:1"}, "p:1"),
        ("https://ci", None, {"http_proxy": "http://p:1"}, None),
        ("https://ci", None, {"HTTPS_PROXY": "p:2"}, "p:2"),
        ("https://ci", None, {"all_proxy": "p:3"}, "p:3"),
        ("http://ci.x", None, {"http_proxy": "p:1", "no_proxy": ".x"}, None),
        ("http://ci", None, {"http_proxy": "p:1", "no_proxy": "*"}, None),
        ("localhost:8010", None, {"http_proxy": "p:1"}, None),
        ("127.0.0.2:8010", None, {"http_proxy": "p:1"}, None),
        ("http://ci", "", {"http_proxy": "p:1"}, None),
        ("localhost:8010", "q:4", {"http_proxy": "p:1"}, "q:4"),
    ],
)
def test_which_proxy_is_used(
    monkeypatch: pytest.MonkeyPatch,
    master: str,
    setting: str | None,
    environment: dict[str, str],
    expected: str | None,
) -> None:
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_PROXY".upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    proxy = proxy_for(master_address(master), setting)

    assert (None if proxy is None else str(proxy)) == expected


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n", None),
        (b"HTTP/1.1 407 Authentication Required\r\n\r\n", "407 Authentication Required"),
        (b"", "closed the connection"),
        (b"SSH-2.0\r\n\r\n", "SSH-2.0"),
        (b"x" * 20_000, "closed the connection"),
    ],
)
async def test_what_a_proxy_answers(answer: bytes, said: str | None) -> None:
    heard = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy = Proxy("127.0.0.1", server.sockets[0].getsockname()[1], "c2VjcmV0")
    master = MasterAddress("ci", 443, True, "/worker/v1")
    if said is None:
        (await connect_through(proxy, master)).close()
    else:
        with pytest.raises(ProxyFailed, match=said):
            await connect_through(proxy, master)
    server.close()

    assert heard[0].startswith(b"CONNECT ci:443 HTTP/1.1\r\nHost: ci:443\r\n")
    assert b"Proxy-Authorization: Basic c2VjcmV0\r\n" in heard[0]
