"""Certificates of workers' ports that are renewed while the master runs."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from certificates import Authority

from chargehand.config.model import WorkerPort
from chargehand.config.tls_files import TlsFiles
from chargehand.links.doors import WorkerPorts


class Door:
    """A port with the files of its certificate."""

    def __init__(self, directory: Path) -> None:
        self.authority = Authority(directory / "ca")
        self.certificate, self.key = directory / "master.pem", directory / "master.key"
        self.install("first")
        self.port = WorkerPort(
            protocol="native",
            address=("127.0.0.1", 0),
            text="ssl:0",
            tls=TlsFiles(certificate=str(self.certificate), key=str(self.key)),
        )
        self.ports = WorkerPorts({"native": asyncio.Protocol})

    def install(self, name: str) -> None:
        """Put another certificate into its place."""
        certificate, key = self.authority.signed(name)
        shutil.copy(certificate, self.certificate)
        shutil.copy(key, self.key)

    async def listen(self) -> None:
        """Begin, or read the configuration again."""
        await self.ports.listen([self.port])
        await self.ports.serve()

    async def name(self) -> str:
        """Connect as a worker does, and return whose certificate is shown."""
        context = ssl.create_default_context(cafile=self.authority.certificate)
        number = self.ports.number(self.port)
        _, writer = await asyncio.open_connection("127.0.0.1", number, ssl=context)
        shown = writer.get_extra_info("peercert")
        writer.transport.abort()
        return str(dict(part[0] for part in shown["subject"])["commonName"])


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    made = Door(tmp_path)
    await made.listen()
    yield made
    await made.ports.close()


async def test_a_renewed_certificate_is_shown_after_reading_the_configuration(door: Door) -> None:
    number = door.ports.number(door.port)
    assert await door.name() == "first"

    door.install("second")
    assert await door.name() == "first"
    await door.listen()

    assert await door.name() == "second"
    assert door.ports.number(door.port) == number


async def test_a_certificate_that_cannot_be_read_leaves_the_former_in_use(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    _, other_key = door.authority.signed("other")
    shutil.copy(other_key, door.key)

    await door.listen()

    assert await door.name() == "first"
    assert "the previous one stays in use" in caplog.text

    door.install("third")
    await door.listen()
    assert await door.name() == "third"
