"""Commands for a master that takes connections and does not answer them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from chargehand.cli.remote.master import Place, RemoteMaster, Unreachable


async def _reads(master: RemoteMaster) -> None:
    await master.rows("builders")


async def _listens(master: RemoteMaster) -> None:
    async with master.listening(["builds/*/*"]):
        pass


@pytest.mark.parametrize("command", [_reads, _listens])
@pytest.mark.parametrize("has_url", [True, False])
async def test_a_master_that_does_not_answer_is_told_as_that(
    tmp_path: Path, command: Callable[[RemoteMaster], Awaitable[None]], has_url: bool
) -> None:
    silent = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    number = silent.sockets[0].getsockname()[1]
    soon = aiohttp.ClientTimeout(total=0.01)
    url = f"http://127.0.0.1:{number}"
    async with silent:
        sockets = await asyncio.start_unix_server(lambda *_: None, tmp_path / "s")
        connector = None if has_url else aiohttp.UnixConnector(str(tmp_path / "s"))
        async with sockets, aiohttp.ClientSession(connector=connector, timeout=soon) as session:
            master = RemoteMaster(Place(url=url if has_url else None, directory=tmp_path), session)
            with pytest.raises(Unreachable, match="did not answer within 60 s"):
                await command(master)
