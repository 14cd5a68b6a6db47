"""A local worker: a real agent process, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from chargehand.domain.command import Command, CommandUpdate, Output
from chargehand.domain.identifiers import CommandId
from chargehand.links.local import LocalLink
from chargehand.links.session import WireSession


class Sessions:
    """A registry that remembers."""

    def __init__(self) -> None:
        self.attached: asyncio.Queue[WireSession] = asyncio.Queue()
        self.detached: asyncio.Queue[WireSession] = asyncio.Queue()

    async def attach(self, session: WireSession) -> None:
        self.attached.put_nowait(session)

    async def detach(self, session: WireSession) -> None:
        self.detached.put_nowait(session)


class Heard:
    """What a command said."""

    def __init__(self) -> None:
        self.logs: dict[str, bytes] = {}
        self.values: dict[str, Any] = {}

    async def receive(self, update: CommandUpdate) -> None:
        if isinstance(update, Output):
            text = zstandard.ZstdDecompressor().decompress(update.segment.data)
            assert len(text) == update.segment.size
            assert text.count(b"\n") == update.segment.line_count
            self.logs[update.log] = self.logs.get(update.log, b"") + text
        else:
            self.values[update.key] = update.value

    def lines(self, letter: str, log: str = "stdio") -> list[str]:
        whole = self.logs.get(log, b"").decode("utf-8", "replace").split("\n")
        return [line[1:] for line in whole if line.startswith(letter)]


class Running:
    """A link with its first session."""

    def __init__(self, link: LocalLink, sessions: Sessions, session: WireSession) -> None:
        self.link = link
        self.sessions = sessions
        self.session = session
        self._count = 0

    def command(self, name: str, **arguments: Any) -> Command:
        self._count += 1
        return Command(id=CommandId(f"c{self._count}"), name=name, arguments=arguments)

    async def run(self, name: str, **arguments: Any) -> Heard:
        heard = Heard()
        await self.session.run(self.command(name, **arguments), heard.receive)
        return heard

    async def shell(self, command: str | list[Any], **arguments: Any) -> Heard:
        return await self.run(
            "shell", **{"workdir": "build", "logEnviron": False, "command": command, **arguments}
        )


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Running]:
    sessions = Sessions()
    link = LocalLink(name="w", basedir=tmp_path / "w", registry=sessions)
    await link.start()
    yield Running(link, sessions, await sessions.attached.get())
    await link.stop()


async def test_a_command_writes_buildbots_header_its_output_and_its_end(worker: Running) -> None:
    heard = await worker.shell(["echo", "a b"])

    assert heard.values["rc"] == 0
    assert heard.lines("o") == ["a b"]
    assert heard.lines("h")[:4] == [
        "echo 'a b'",
        f" in dir {worker.session.info.basedir}/build",
        " watching logfiles {}",
        " argv: [b'echo', b'a b']",
    ]
    assert heard.lines("h")[-2] == "program finished with exit code 0"
