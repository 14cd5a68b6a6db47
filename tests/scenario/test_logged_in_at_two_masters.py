"""Two masters share a database: what ends at one of them ends live connections at the other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from installed_master import InstalledMaster
from waiting import PATIENCE

_CONFIGURATION = """
    c['db'] = {{'db_url': {url!r}}}
    c['multiMaster'] = True
    c['buildbotURL'] = 'http://localhost:8010/'
    add('good', sh('true'))
    c['www']['auth'] = util.UserPasswordAuth({{'ann': 'correct horse'}})
    """
_ENDS = {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR}
_BUILDS = {"cmd": "startConsuming", "path": "builds/*/*", "_id": 1}


@pytest.fixture
def masters(tmp_path: Path, new_postgresql: Callable[[], str]) -> Iterator[list[InstalledMaster]]:
    configuration = _CONFIGURATION.format(url=new_postgresql())
    made = [InstalledMaster(tmp_path / name) for name in ("first", "second")]
    try:
        for master in made:
            master.write(configuration)
            master.start()
        yield made
    finally:
        for master in made:
            master.end()


def _cookie(master: InstalledMaster) -> str:
    shown = b64encode(b"ann:correct horse").decode()
    asked = urllib.request.Request(
        f"{master.url}/auth/login", headers={"Authorization": f"Basic {shown}"}
    )
    with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
        return str(answer.headers["Set-Cookie"].partition(";")[0])


@pytest.mark.parametrize("how", ["logout", "sessions", "token", "command"])
def test_a_live_connection_ends_at_every_master(masters: list[InstalledMaster], how: str) -> None:
    first, second = masters
    cookie = _cookie(first)
    shown = {"Cookie": cookie}
    number = "0"
    if how in {"token", "command"}:
        made = first.chargehand("token", "make", "nightly", "--for", "ann")
        shown = {"Authorization": f"Bearer {made.out.strip()}"}
        number = made.err.split()[1]

    async def end(session: aiohttp.ClientSession) -> None:
        own = {"Cookie": cookie}
        if how == "logout":
            await session.get(f"{first.url}/auth/logout", headers=own)
        elif how == "sessions":
            await session.delete(f"{first.url}/auth/sessions/all", headers=own)
        elif how == "token":
            answer = await session.delete(f"{first.url}/auth/tokens/{number}", headers=own)
            assert answer.status in {200, 204}, await answer.text()
        else:
            ran = await asyncio.to_thread(first.chargehand, "token", "revoke", number)
            assert ran.status == 0, ran.text

    async def talk() -> None:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{second.url}/config", headers=shown) as answer:
                assert (await answer.json())["user"]["username"] == "ann"
            socket = await session.ws_connect(f"{second.url}/ws", headers=shown)
            stream = await session.get(f"{second.url}/sse/listen/builds/*/*", headers=shown)
            await socket.send_json(_BUILDS)
            assert json.loads(await socket.receive_str())["msg"] == "OK"
            await end(session)
            async with asyncio.timeout(PATIENCE):
                assert (await socket.receive()).type in _ENDS
                with contextlib.suppress(aiohttp.ClientError):
                    await stream.content.read()
            async with session.get(f"{second.url}/config", headers=shown) as answer:
                assert answer.status == 401 or "username" not in (await answer.json())["user"]

    asyncio.run(talk())
