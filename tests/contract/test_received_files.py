"""Files that a real agent writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from test_local_link import Running, Sessions, link_of

from chargehand.links.native.local_listener import LocalListener


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Running]:
    listener, sessions = LocalListener(tmp_path / "agents"), Sessions()
    link = link_of(listener, sessions, tmp_path)
    await link.start()
    yield Running(link, sessions, await sessions.attached.get())
    await link.stop()
    await listener.close()


@pytest.mark.parametrize("content", [b"", b"1", b"a\0\xff\n" * 300_000])
@pytest.mark.parametrize("name", ["f", "a b/caf\xe9\n.txt"])
async def test_a_file_arrives_whole(
    worker: Running, tmp_path: Path, name: str, content: bytes
) -> None:
    target = tmp_path / "w" / "b" / name

    heard = await worker.run(
        "downloadFile", workdir="b", workerdest=name, content=content, mode=0o640
    )

    assert heard.values["rc"] == 0
    assert target.read_bytes() == content
    assert target.stat().st_mode & 0o777 == 0o640
    assert list(target.parent.iterdir()) == [target]


async def test_a_file_that_cannot_be_written_leaves_nothing(
    worker: Running, tmp_path: Path
) -> None:
    (tmp_path / "w" / "b" / "taken").mkdir(parents=True)

    heard = await worker.run("downloadFile", workdir="b", workerdest="taken", content=b"secret")

    assert heard.values["rc"] != 0
    assert heard.values["why"] == f"Is a directory: {tmp_path / 'w' / 'b' / 'taken'}"
    assert b"secret" not in heard.logs["stdio"]
    assert [path.name for path in (tmp_path / "w" / "b").iterdir()] == ["taken"]
