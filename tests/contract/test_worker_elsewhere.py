"""The agent on systems that are not Linux: as on Windows (simulated), and without ``/proc``.

What Windows and the BSDs really do is not tried here.
"""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from remote_worker import AGENT, NAME, PASSWORD, Heard, Master
from sleepers import sleeping
from waiting import PATIENCE, until

from chargehand.domain.command import Command, CommandUpdate, Origin, Value
from chargehand.domain.identifiers import BuildId, CommandId, StepId
from chargehand.links.native.session import NativeSession

SIMULATED = Path(__file__).with_name("windows_simulated.py")


class Place:
    """A worker that has connected, and its directory."""

    def __init__(self, directory: Path, session: NativeSession) -> None:
        self.directory = directory
        self.session = session
        self._count = 0

    def command(self, name: str, **arguments: Any) -> Command:
        self._count += 1
        return Command(
            id=CommandId(f"c{self._count}"),
            origin=Origin(build_id=BuildId(1), step_id=StepId(self._count)),
            routes={"stdio": "stdio"},
            name=name,
            arguments={"logEnviron": False, **arguments},
        )

    async def run(self, name: str, **arguments: Any) -> Heard:
        heard = Heard()
        await self.session.run(self.command(name, **arguments), heard.receive)
        return heard

    async def shell(self, *command: str, **arguments: Any) -> Heard:
        return await self.run("shell", workdir="build", command=list(command), **arguments)


@asynccontextmanager
async def _worker(directory: Path, *program: str) -> AsyncIterator[Place]:
    master = Master()
    await master.open()
    place = directory / "w"
    url = f"http://127.0.0.1:{master.port}"
    create = [*program, "create-worker", str(place), url, NAME, PASSWORD]
    subprocess.run(create, check=True, capture_output=True)
    with (directory / "log").open("wb") as log:
        agent = subprocess.Popen([*program, "agent", str(place)], stderr=log)
        try:
            async with asyncio.timeout(PATIENCE):
                session = await master.registry.attached.get()
            yield Place(place, session)
        finally:
            agent.terminate()
            await asyncio.to_thread(agent.wait)
            await master.close()
    assert "Traceback" not in (directory / "log").read_text()


@pytest.fixture
async def windows(tmp_path: Path) -> AsyncIterator[Place]:
    async with _worker(tmp_path, sys.executable, str(SIMULATED), str(AGENT.parent)) as place:
        yield place


async def test_commands_run_as_on_windows(windows: Place) -> None:
    script = "import sys; print('heard', sys.stdin.read()); print('bad', file=sys.stderr); exit(3)"

    heard = await windows.shell(sys.executable, "-c", script, initial_stdin=b"this")
    much = await windows.shell(sys.executable, "-c", "for n in range(300000): print('line', n)")
    missing = await windows.shell("no-such-program")

    assert heard.values["rc"] == 3
    assert b"\noheard this\n" in heard.text
    assert b"\nebad\n" in heard.text
    assert much.written == b"".join(b"line %d\n" % n for n in range(300_000))
    assert missing.values["rc"] == 127


@pytest.mark.parametrize("way", ["ends", "is silent", "is stopped"])
async def test_nothing_is_left_of_a_command_as_on_windows(windows: Place, way: str) -> None:
    seconds = f"86{len(way)}"
    rest = "exit" if way == "ends" else "echo up; sleep 7000"
    limits = {"timeout": 0.3} if way == "is silent" else {}
    script = f"sleep {seconds} & sh -c 'sleep {seconds}; :' >/dev/null 2>&1 & {rest}"
    order = windows.command("shell", workdir="build", command=["sh", "-c", script], **limits)
    heard = Heard()

    running = asyncio.create_task(windows.session.run(order, heard.receive))
    if way == "is stopped":
        await until(lambda: b"up" in heard.written)
        await windows.session.interrupt(order, "because")
    await running

    assert sleeping(seconds) == []
    assert heard.values["rc"] == 0 if way == "ends" else heard.values["rc"] != 0


async def test_files_are_moved_as_on_windows(windows: Place) -> None:
    content = bytes(range(256)) * 20_000
    where = {"workdir": "build", "workerdest": "sub/f"}
    sent: list[bytes] = []

    def keep(update: CommandUpdate) -> None:
        if isinstance(update, Value) and update.key == "content":
            sent.append(update.value)

    down = await windows.run("downloadFile", content=content[:1000], **where)
    (windows.directory / "build" / "sub" / "f").write_bytes(content)
    order = windows.command("uploadFile", workdir="build", workersrc="sub/f", blocksize=1 << 20)
    await windows.session.run(order, keep)
    copied = await windows.run("cpdir", fromdir="build", todir="copy")
    found = await windows.run("glob", path="copy/**/f")
    removed = await windows.run("rmdir", dir=["build", "missing"])

    assert [one.values["rc"] for one in (down, copied, found, removed)] == [0, 0, 0, 0]
    assert hashlib.sha256(b"".join(sent)).digest() == hashlib.sha256(content).digest()
    assert found.values["files"] == [str(windows.directory / "copy" / "sub" / "f")]
    assert not (windows.directory / "build").exists()
    assert (windows.directory / "copy" / "sub" / "f").read_bytes() == content


async def test_the_worker_is_started_and_stopped_as_on_windows(tmp_path: Path) -> None:
    master = Master()
    await master.open()
    place, url = tmp_path / "w", f"127.0.0.1:{master.port}"
    program = [sys.executable, SIMULATED, AGENT.parent]

    async def run(*command: object) -> str:
        words = [*program, *command]
        ran = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True)
        return f"{ran.stdout}{ran.stderr}"

    await run("create-worker", place, url, NAME, PASSWORD)
    said = [await run(command, place) for command in ("start", "start", "restart", "stop", "stop")]
    await master.close()

    connected = f'worker "{NAME}" is connected to http://{url}\n'
    stopped = f'worker "{NAME}" has stopped\n'
    assert said == [
        connected,
        f"the worker in {place} is running already\n",
        stopped + connected,
        stopped,
        f'worker "{NAME}" is not running\n',
    ]


def test_every_module_is_imported_without_what_windows_lacks() -> None:
    modules = sorted(file.stem for file in AGENT.glob("*.py") if file.stem != "__main__")
    script = (
        f"import sys; sys.path[:0] = {[str(SIMULATED.parent), str(AGENT.parent)]!r}\n"
        "import windows_simulated; windows_simulated.simulate()\n"
        "import importlib\n"
        f"for name in {modules!r}: importlib.import_module('chargehand_worker.' + name)\n"
    )

    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, "")


NO_PROC = """
import sys
sys.path[:0] = [sys.argv.pop(1)]
from chargehand_worker import kernel
kernel._HAS_PROC = False
kernel._LIST_ENVIRONMENTS = ("ps", "-A", "e", "-ww", "-o", "pid=", "-o", "command=")
kernel.become_subreaper = lambda: None
kernel.children = lambda: None
kernel.environment_of = lambda process: b""
kernel.stream_of = kernel.directory_of = lambda _: ""
kernel.has_open = lambda process, streams: False
from chargehand_worker.main import main
main()
"""


async def test_nothing_is_left_of_a_command_where_only_ps_tells(tmp_path: Path) -> None:
    script = (
        "mkfifo up; sleep 8711 & setsid sleep 8712 & "
        "(setsid sh -c 'echo > up; sleep 8713; :' &) & read line < up"
    )
    async with _worker(tmp_path, sys.executable, "-c", NO_PROC, str(AGENT.parent)) as place:
        heard = await place.shell("sh", "-c", script)

        left = [sleeping(seconds) for seconds in ("8711", "8712", "8713")]

    assert left == [[], [], []]
    assert heard.values["rc"] == 0


_FOR_FORKS = frozenset(
    f"{name}.py"
    for name in (
        *("control_groups", "daemon", "guard", "kernel", "link", "pipes", "processes", "relay"),
        *("remote_link", "stdin", "terminal"),
    )
)
"""Of these, functions that Windows never calls may use what only other systems have."""


@pytest.mark.parametrize("platform", ["darwin", "freebsd14", "win32"])
@pytest.mark.slow
def test_what_a_system_lacks_is_used_only_behind_a_question(platform: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--platform", platform, "--cache-dir", tmp_path, AGENT],
        cwd=AGENT.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )

    wrong = {Path(line.partition(":")[0]).name for line in ran.stdout.splitlines()[:-1]}
    allowed = _FOR_FORKS if platform == "win32" else frozenset[str]()
    assert ran.stdout.splitlines()[-1].startswith(("Success", "Found")), ran.stdout + ran.stderr
    assert wrong <= allowed, ran.stdout
