"""Our PBChangeSource with Buildbot's own client, which `make slow` installs."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from buildbot._border.bridge import inward
from buildbot._border.reactor import install_reactor
from buildbot.changes.perspective import ChangePerspective
from buildbot.pbmanager import PBManager

_BUILDBOT = os.environ.get("BUILDBOT", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not _BUILDBOT, reason="BUILDBOT names no stock buildbot program"),
]


async def _sendchange(*arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        _BUILDBOT,
        "sendchange",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_the_stock_client_is_understood() -> None:
    install_reactor(asyncio.get_running_loop())
    changes: list[dict[str, Any]] = []

    async def add(**change: Any) -> None:
        changes.append(change)

    server = await inward(
        PBManager().register,
        "tcp:0:interface=127.0.0.1",
        "user",
        "pass",
        lambda *_: ChangePerspective(add, prefix=None),
    )
    master = ("-m", f"127.0.0.1:{server.getPort()}")

    sent = await _sendchange(
        *master, "-a", "user:pass", "-W", "Ann Ö", "-p", "a:b:c", "-c", "grün", "-w", "1000", "f 1"
    )
    refused = await _sendchange(*master, "-a", "user:wrong", "-W", "Ann", "f")

    assert sent == (0, "change sent successfully\n")
    assert refused[0] == 1
    [change] = changes
    assert change["author"] == "Ann Ö"
    assert change["files"] == ["f 1"]
    assert change["properties"] == {"a": "b:c"}
    assert change["comments"] == "grün"
    assert change["when_timestamp"] == 1000
    await inward(server.unregister)
