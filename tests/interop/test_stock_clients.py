"""Our PBChangeSource and Try_Userpass with Buildbot's own clients, which `make slow` installs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from connections import free_port
from installed_master import InstalledMaster

from buildbot._border.bridge import inward
from buildbot._border.reactor import install_reactor
from buildbot.changes.perspective import ChangePerspective
from buildbot.pbmanager import PBManager

_BUILDBOT = os.environ.get("BUILDBOT", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not _BUILDBOT, reason="BUILDBOT names no stock buildbot program"),
]


async def _client(*arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        _BUILDBOT,
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

    sent = await _client(
        "sendchange",
        *master,
        "-a",
        "user:pass",
        "-W",
        "Ann Ö",
        "-p",
        "a:b:c",
        "-c",
        "grün",
        "-w",
        "1000",
        "f 1",
    )
    refused = await _client("sendchange", *master, "-a", "user:wrong", "-W", "Ann", "f")

    assert sent == (0, "change sent successfully\n")
    assert refused[0] == 1
    [change] = changes
    assert change["author"] == "Ann Ö"
    assert change["files"] == ["f 1"]
    assert change["properties"] == {"a": "b:c"}
    assert change["comments"] == "grün"
    assert change["when_timestamp"] == 1000
    await inward(server.unregister)


async def test_the_stock_client_of_try_hears_how_its_builds_end(tmp_path: Path) -> None:
    port = free_port()
    master = InstalledMaster(tmp_path / "master")
    master.write(f"""
        add('good', sh('true'))
        add('bad', sh('exit 3', name='breaks'))
        c['schedulers'].append(schedulers.Try_Userpass('try', ['good', 'bad'],
            port='tcp:{port}:interface=127.0.0.1', userpass=[('ann', 'pw')]))
        """)
    await asyncio.to_thread(master.start)
    login = ("--connect=pb", f"--master=127.0.0.1:{port}", "--username=ann", "--passwd=pw")
    (tmp_path / "my.diff").write_text("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-1\n+2\n")
    try:
        names = await _client("try", *login, "--get-builder-names")
        sent = await _client(
            *("try", *login, f"--diff={tmp_path}/my.diff", "-p1", "--baserev=x", "--wait")
        )
    finally:
        await asyncio.to_thread(master.stop)
        master.end()

    assert names[1].endswith("good\nbad\n")
    assert sent[0] == 1
    assert "good: success (build successful)" in sent[1]
    assert "bad: failure (failed: breaks (exit 3))" in sent[1]
