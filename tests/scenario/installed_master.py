"""A master in a directory, driven from outside like a user does: command line, signals, HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waiting import PATIENCE, eventually

SUCCESS, WARNINGS, FAILURE, SKIPPED, EXCEPTION, RETRY, CANCELLED = range(7)

_HEAD = """\
from buildbot.plugins import *
from pathlib import Path
HERE = Path(__file__).parent
c = BuildmasterConfig = {}
c['workers'] = [worker.LocalWorker('local')]
c['builders'] = []
c['schedulers'] = []
c['www'] = {'port': 'tcp:0:interface=127.0.0.1'}
c['buildbotNetUsageData'] = None
c['collapseRequests'] = False

def add(name, *steps_, **more):
    more.setdefault('workernames', ['local'])
    c['builders'].append(util.BuilderConfig(name=name, factory=util.BuildFactory(steps_), **more))

def sh(script, **more):
    return steps.ShellCommand(command=['sh', '-c', script], **more)

def blocking(name, **more):
    '''Say that it runs, and go on until the test lets it.'''
    return sh(f'echo $$ > {HERE}/{name}.running; echo begun; '
              f'while [ ! -e {HERE}/{name}.go ]; do sleep 0.05; done', name=name, **more)
"""

_FOOT = """
c['schedulers'].append(schedulers.ForceScheduler(
    name='force', builderNames=[one.name for one in c['builders']],
    codebases=[util.CodebaseParameter('')]))
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


class Refused(Exception):
    """The master answered with an error."""

    def __init__(self, status: int, answer: Any) -> None:
        super().__init__(f"{status}: {answer}")
        self.status = status
        self.answer = answer


class InstalledMaster:
    """A master's directory, and the master that may run in it."""

    def __init__(self, path: Path, *, limit: Callable[[], None] | None = None) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._limit = limit

    # The configuration

    def write_raw(self, text: str) -> None:
        """Write exactly this as master.cfg."""
        (self.path / "master.cfg").write_text(text)

    def write(self, text: str, foot: str = _FOOT) -> None:
        """Write a configuration of which only the interesting part is given."""
        self.write_raw(_HEAD + textwrap.dedent(text) + foot)

    # The command line

    def chargehand(self, *arguments: str, limit: Callable[[], None] | None = None) -> Ran:
        """Run the command and wait for its end."""
        ended = subprocess.run(
            [sys.executable, "-m", "chargehand.cli.main", *arguments],
            cwd=self.path,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            preexec_fn=limit,
            check=False,
        )
        return Ran(ended.returncode, ended.stdout, ended.stderr)

    def start(self) -> None:
        """Start it in the background; it must come up."""
        ran = self.chargehand("start", str(self.path), limit=self._limit)
        assert ran.status == 0, ran.text + self.log

    def try_start(self) -> Ran:
        """Try to start it."""
        return self.chargehand("start", str(self.path))

    def stop(self) -> None:
        """Stop it and wait."""
        ran = self.chargehand("stop", str(self.path))
        assert ran.status == 0, ran.text

    def reconfig(self) -> Ran:
        """Have it read its configuration again."""
        return self.chargehand("reconfig", str(self.path))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the master."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the master with SIGKILL, and wait until it is gone."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        eventually("the master's death", lambda: not is_alive(pid))

    def wait_for_end(self) -> None:
        """Wait until no master runs."""
        eventually("the master's end", lambda: not self.is_running)

    @property
    def pid(self) -> int:
        """The master's process."""
        return int((self.path / "twistd.pid").read_text())

    @property
    def is_running(self) -> bool:
        """Whether the process of the pid file lives."""
        try:
            return is_alive(self.pid)
        except (FileNotFoundError, ValueError):
            return False

    @property
    def log(self) -> str:
        """What the master logged."""
        with contextlib.suppress(FileNotFoundError):
            return (self.path / "master.log").read_text(errors="replace")
        return ""

    def file(self, name: str) -> Path:
        """Return a file beside master.cfg."""
        return self.path / name

    def wait_for_file(self, name: str) -> str:
        """Wait until a step has written a file, and return what it wrote."""
        path = self.file(name)
        return eventually(f"{name}; {self.log}", lambda: path.exists() and path.read_text()).strip()

    def let_go(self, name: str) -> None:
        """Let a blocking step end."""
        self.file(f"{name}.go").touch()

    def hold_all(self) -> None:
        """Let blocking steps that begin from now on wait, though others were let go before."""
        for let_go in self.path.glob("*.go"):
            let_go.unlink()

    def end_builds(self) -> None:
        """Cancel all that waits or runs, so that a test that failed leaves nothing to others."""

        def nothing_is_left() -> bool:
            left = [
                *(
                    (one["buildrequestid"], "buildrequests", "cancel")
                    for one in self.get("buildrequests?complete=false")
                ),
                *((one["buildid"], "builds", "stop") for one in self.get("builds?complete=false")),
            ]
            for identifier, kind, method in left:
                with contextlib.suppress(Refused):
                    self.order(f"{kind}/{identifier}", method)
            return not left

        eventually("the end of all builds", nothing_is_left)

    # Processes

    def worker_processes(self) -> dict[int, str]:
        """Return the processes of its workers and their commands: number and command line."""
        return dict(_processes_with(f"CHARGEHAND_WORKER={self.path}/workers/".encode()))

    def agents(self, worker: str = "local") -> list[int]:
        """Return the worker's guard and its agent, in this order."""
        marker = f"CHARGEHAND_WORKER={self.path}/workers/{worker}:".encode()
        found = [pid for pid, line in _processes_with(marker) if "chargehand_worker" in line]
        return sorted(found, key=lambda pid: parent_of(pid) in found)

    def end(self) -> None:
        """Whatever the test did: leave nothing behind."""
        if self.is_running:
            self.kill()
        for pid in self.worker_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    # HTTP

    @property
    def url(self) -> str:
        """Where it answers, as its log says."""
        found = re.findall(r"listening on (http://\S+?)/?$", self.log, re.MULTILINE)
        return str(found[-1])

    def fetch(self, path: str, body: Any = None) -> bytes:
        """GET, or POST when there is a body. Raises Refused."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data else {}
        request = urllib.request.Request(f"{self.url}/{path}", data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            with contextlib.suppress(ValueError):
                raise Refused(error.code, json.loads(text)) from None
            raise Refused(error.code, text) from None

    def get(self, path: str) -> list[dict[str, Any]]:
        """Return the resources at a path below /api/v2."""
        answer = json.loads(self.fetch(f"api/v2/{path}"))
        (plural,) = answer.keys() - {"meta"}
        found: list[dict[str, Any]] = answer[plural]
        return found

    def one(self, path: str) -> dict[str, Any]:
        """Return the only resource at a path."""
        (found,) = self.get(path)
        return found

    def order(self, path: str, method: str, **parameters: Any) -> Any:
        """Call a control method, and return its result."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        return json.loads(self.fetch(f"api/v2/{path}", call))["result"]

    def force(self, builder: str, **parameters: Any) -> int:
        """Force a build; return the request's identifier."""
        found = self.one(f"builders/{urllib.parse.quote(builder)}")
        _, requests = self.order(
            "forceschedulers/force", "force", builderid=found["builderid"], **parameters
        )
        return int(next(iter(requests.values())))

    def builds_of(self, request_id: int) -> list[dict[str, Any]]:
        """Return the builds of a request, oldest first."""
        return self.get(f"buildrequests/{request_id}/builds?order=buildid")

    def running_build(self, request_id: int) -> dict[str, Any]:
        """Wait until the request is being built."""

        def look() -> dict[str, Any] | None:
            return next((b for b in self.builds_of(request_id) if not b["complete"]), None)

        return eventually(f"a build of request {request_id}; {self.log}", look)

    def completed(self, request_id: int, patience: float = PATIENCE) -> dict[str, Any]:
        """Wait until the request is complete, and return it."""

        def look() -> dict[str, Any] | None:
            request = self.one(f"buildrequests/{request_id}")
            return request if request["complete"] else None

        return eventually(
            f"the end of request {request_id}; {self.builds_of(request_id)}; {self.log}",
            look,
            patience,
        )

    def build(self, builder: str, **parameters: Any) -> dict[str, Any]:
        """Force a build, wait for its end, and return it."""
        request_id = self.force(builder, **parameters)
        self.completed(request_id)
        return self.builds_of(request_id)[-1]

    def steps(self, build: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the build's own steps, without the preparation."""
        return [
            step
            for step in self.get(f"builds/{build['buildid']}/steps?order=number")
            if step["name"] != "worker_preparation"
        ]

    def step(self, build: dict[str, Any], name: str) -> dict[str, Any]:
        """Return a step by its name."""
        return self.one(f"builds/{build['buildid']}/steps/{name}")

    def logs(self, build: dict[str, Any], step: str) -> dict[str, dict[str, Any]]:
        """Return the logs of a step by their slugs."""
        found = self.get(f"builds/{build['buildid']}/steps/{step}/logs")
        return {log["slug"]: log for log in found}

    def lines(self, build: dict[str, Any], step: str, log: str = "stdio") -> list[str]:
        """Return the lines of a log with their channel letters."""
        chunk = self.one(f"builds/{build['buildid']}/steps/{step}/logs/{log}/contents")
        return str(chunk["content"]).split("\n")[:-1]

    def raw(self, build: dict[str, Any], step: str, log: str = "stdio") -> bytes:
        """Return a log as one downloads it."""
        return self.fetch(f"api/v2/builds/{build['buildid']}/steps/{step}/logs/{log}/raw")

    def output(self, build: dict[str, Any], step: str) -> list[str]:
        """Return what the command itself wrote to its standard output."""
        return [line[1:] for line in self.lines(build, step) if line.startswith("o")]

    def properties(self, build: dict[str, Any]) -> dict[str, list[Any]]:
        """Return the build's properties: value and source by name."""
        return self.get(f"builds/{build['buildid']}/properties")[0]  # type: ignore[return-value]

    def why(self, request_id: int) -> tuple[str, str]:
        """Return why the request waits: the kind, and the sentence."""
        found = self.get(f"buildrequests/{request_id}/why")
        return (found[0]["kind"], found[0]["sentence"]) if found else ("", "")

    def waits(self, request_id: int, kind: str) -> str:
        """Wait until the request waits for this kind of reason; return the sentence."""
        return eventually(
            f"the reason {kind}, not {self.why(request_id)}",
            lambda: next((text for k, text in [self.why(request_id)] if k == kind), None),
        )

    def connected(self, worker: str = "local") -> None:
        """Wait until the worker is connected."""
        eventually(f"worker {worker}", lambda: self.one(f"workers/{worker}")["connected_to"])


def is_alive(pid: int) -> bool:
    """Return whether a process is there and not only waiting to be reaped."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def parent_of(pid: int) -> int:
    """Return a process's parent, 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _processes_with(marker: bytes) -> Iterator[tuple[int, str]]:
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or not is_alive(int(entry)):
            continue
        with contextlib.suppress(OSError):
            if marker in Path(f"/proc/{entry}/environ").read_bytes():
                line = Path(f"/proc/{entry}/cmdline").read_bytes().replace(b"\0", b" ")
                yield int(entry), line.decode(errors="replace")
