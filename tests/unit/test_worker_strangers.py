"""Who comes to the ports of workers without being one: each is closed, and real workers get in."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import socket
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from msgpack_worker import MsgpackWorker
from pb_worker import PbWorker
from stock_farm import MSGPACK, PB, Farm, Received, command, eventually
from waiting import PATIENCE

from buildbot._border.reactor import install_reactor
from chargehand.config.tls_files import TlsFiles
from chargehand.fleet.rules import WorkerState
from chargehand.kit.values import replace
from chargehand_wire.login import login_headers
from chargehand_wire.websocket import ClientSocket, Refused
from chargehand_worker.failures import reason

HTTP = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


class Certificates:
    """An authority, one between it and the server, and the server's certificate."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()
        (place / "ca.ext").write_text("basicConstraints=critical,CA:TRUE\n")
        (place / "server.ext").write_text("subjectAltName=IP:127.0.0.1\n")
        self._openssl("req", "-x509", *self._key("root"), "-out", "root.pem", "-subj", "/CN=root")
        self._signed("middle", by="root", extension="ca")
        self._signed("server", by="middle", extension="server")

    def _signed(self, name: str, *, by: str, extension: str) -> None:
        self._openssl("req", *self._key(name), "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self._openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key"),
            *("-CAcreateserial", "-out", f"{name}.pem", "-extfile", f"{extension}.ext"),
        )

    @staticmethod
    def _key(name: str) -> tuple[str, ...]:
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        return (*curve, "-keyout", f"{name}.key")

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.place, check=True, capture_output=True)

    def path(self, name: str) -> str:
        return str(self.place / name)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls") / "all")


async def opened(protocol: str, **tls: str) -> Farm:
    farm = Farm(protocol)
    farm.port = replace(farm.port, tls=TlsFiles(**tls) if tls else None)
    await farm.open()
    return farm


@pytest.fixture(params=[PB, MSGPACK])
async def farm(request: pytest.FixtureRequest) -> AsyncIterator[Farm]:
    install_reactor(asyncio.get_running_loop())
    made = await opened(request.param)
    yield made
    await made.close()


async def let_a_worker_in(farm: Farm) -> None:
    """Connect a worker, and have it build."""
    if farm.port.protocol == PB:
        await farm.connect(PbWorker())
        await farm.session.run(command(), Received())
        return
    worker = MsgpackWorker()
    await worker.connect(farm.number)
    await farm.until(WorkerState.READY)
    await farm.session.run(command(), Received())
    await worker.disconnect()


async def closed(reader: asyncio.StreamReader) -> bytes:
    """Wait for the end of a connection; return what has come."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    except ConnectionError:
        return b""


async def has_ended(reader: asyncio.StreamReader) -> bool:
    """Return whether the peer has closed a connection."""
    try:
        async with asyncio.timeout(0):
            await reader.read()
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


async def test_hundreds_that_say_nothing_keep_no_worker_out(farm: Farm) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", farm.number) for _ in range(250)]

    await let_a_worker_in(farm)

    assert sum([await has_ended(reader) for reader, _ in silent]) >= 50
    for _, one in silent:
        one.close()


async def test_hundreds_that_begin_no_tls_keep_no_worker_out(certificates: Certificates) -> None:
    install_reactor(asyncio.get_running_loop())
    tls = {"certificate": certificates.path("server.pem"), "key": certificates.path("server.key")}
    farm = await opened(PB, **tls, chain=certificates.path("middle.pem"))
    silent = [await asyncio.open_connection("127.0.0.1", farm.number) for _ in range(250)]

    # Only the root is known here: the one between comes from the chain.
    context = ssl.create_default_context(cafile=certificates.path("root.pem"))
    reader, writer = await asyncio.open_connection("127.0.0.1", farm.number, ssl=context)
    assert (await reader.read(100)).startswith(b"\x02\x80")

    assert sum([await has_ended(one) for one, _ in silent]) >= 50
    for _, one in [*silent, (reader, writer)]:
        one.close()
    await farm.close()


def distrust(port: int) -> None:
    """Connect with TLS, trusting only the system's authorities, of which the test's is none."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        context = ssl.create_default_context()
        with pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(connection, server_hostname="127.0.0.1")


@pytest.mark.parametrize(
    ("beginning", "told"),
    [
        (HTTP, "it speaks HTTP without TLS"),
        (b"\x02\x82pb" * 3, "it speaks without TLS"),
        (None, "it does not trust the certificate of this port"),
    ],
)
async def test_who_negotiates_no_tls_is_told_once(
    beginning: bytes | None,
    told: str,
    certificates: Certificates,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    install_reactor(asyncio.get_running_loop())
    tls = {"certificate": certificates.path("server.pem"), "key": certificates.path("server.key")}
    farm = await opened(PB, **tls)

    for _ in range(3):
        if beginning is None:
            await asyncio.to_thread(distrust, farm.number)
            continue
        reader, writer = await asyncio.open_connection("127.0.0.1", farm.number)
        writer.write(beginning)
        await closed(reader)
        writer.close()

    def lines() -> list[str]:
        return [one.getMessage() for one in caplog.records if "closing" in one.getMessage()]

    await eventually(lambda: bool(lines()))
    await farm.close()
    (line,) = lines()
    assert re.search(told, line), line


@pytest.mark.parametrize(
    ("garbage", "told"),
    [
        (HTTP, "it speaks HTTP"),
        (HELLO, "it speaks TLS"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "it speaks SSH"),
        (b"\x02\x82pb\x7f\x7f\x7f\x7f\x07\x82", "a text of 2147483647 bytes"),
        (b"\x02\x82pb\x02\x80\x13\x87\x05\x81", "version 5 of Perspective Broker.*upgrade"),
        (b"\xff" * 100, "type 0xff"),
    ],
)
async def test_what_a_peer_at_the_pb_port_speaks_is_told(
    garbage: bytes, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    install_reactor(asyncio.get_running_loop())
    farm = await opened(PB)
    reader, writer = await asyncio.open_connection("127.0.0.1", farm.number)

    writer.write(garbage)

    heard = await closed(reader)
    assert (b"browsers connect to" in heard) == (garbage == HTTP)
    (line,) = [record.getMessage() for record in caplog.records if "closing" in record.message]
    assert re.search(told, line), line
    writer.close()
    await let_a_worker_in(farm)
    await farm.close()


@pytest.mark.parametrize(
    ("garbage", "told"),
    [
        (HELLO, "it speaks TLS, which this port does not"),
        (b"SSH-2.0-OpenSSH_9.2", "it speaks SSH"),
        (b"\xff" * 100_000, "what it sends is not HTTP"),
        (bytes(100_000), "what it sends is not HTTP"),
        (b"\x02\x82pb\x02\x80\x13\x87\x06\x81", "what it sends is not HTTP"),
        (b"GET / HTTP/9.9.9\r\nHost: \x00", "what it sends is not HTTP"),
    ],
    ids=["TLS", "SSH", "ones", "zeros", "PB", "bad HTTP"],
)
async def test_garbage_at_the_port_for_http_ends_the_connection_and_is_told_once(
    garbage: bytes, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    farm = await opened(MSGPACK)

    for _ in range(2):
        reader, writer = await asyncio.open_connection("127.0.0.1", farm.number)
        writer.write(garbage + b"\r\n\r\n")
        heard = await closed(reader)
        assert heard.startswith(b"HTTP/1.0 400 ")
        assert len(heard) < 1000  # What came is not sent back.
        writer.close()

    (line,) = [one for one in caplog.messages if "closing" in one]
    assert re.fullmatch(
        rf"closing a connection from 127\.0\.0\.1:\d+ to .*msgpack_experimental_v7: {told}", line
    )
    await let_a_worker_in(farm)
    await farm.close()


async def test_browsers_hear_what_the_port_for_msgpack_is_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    farm = await opened(MSGPACK)
    url = f"http://127.0.0.1:{farm.number}/"

    async with aiohttp.ClientSession() as http:
        async with http.get(url) as answer:
            assert (answer.status, "stock workers" in await answer.text()) == (401, True)
        login = {"Authorization": "Basic " + base64.b64encode(b"arm-7:right").decode()}
        async with http.get(url, headers=login) as answer:
            assert answer.status == 426

    assert [line.rpartition(": ")[2] for line in caplog.messages if "closing" in line] == [
        "it speaks HTTP, without a worker's name and password",
        "it speaks HTTP, and wants no websocket",
    ]
    await farm.close()


async def test_a_native_worker_at_the_port_for_msgpack_hears_where_it_belongs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    farm = await opened(MSGPACK)
    reader, writer = await asyncio.open_connection("127.0.0.1", farm.number)
    worker = ClientSocket(host="ci", path="/worker/v1", headers=login_headers("arm-7", "right"))

    writer.write(worker.request())
    with pytest.raises(Refused, match=r"chargehand-worker to the port of c\['www'\]") as refusal:
        worker.receive(await closed(reader))

    writer.close()
    assert "--protocol=msgpack_experimental_v7" in reason(refusal.value)
    assert "it is a native worker, which connects to the port of c['www']" in caplog.text
    assert not [one for one in caplog.records if one.name.startswith("aiohttp")]
    await farm.close()


async def test_a_frame_of_two_gigabytes_is_not_waited_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    farm = await opened(MSGPACK)
    worker = MsgpackWorker()
    await worker.connect(farm.number)
    await farm.until(WorkerState.READY)
    assert worker.socket is not None
    session = farm.session

    transport = worker.socket.get_extra_info("socket")
    frame = b"\x82\xff" + struct.pack("!Q", 2**31) + b"mask" + b"x" * 100
    await asyncio.get_running_loop().sock_sendall(transport.dup(), frame)

    await eventually(lambda: session.state.name == "LOST")
    assert "closing the connection with worker arm-7 (127.0.0.1:" in caplog.text
    assert "2147483648" in caplog.text
    await worker.disconnect()
    await farm.close()
