"""A worker of Twisted's Perspective Broker, as a stock worker is one, in the test's own process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from twisted.cred import credentials
from twisted.internet import defer, endpoints
from twisted.spread import pb

from buildbot._border.bridge import inward

Behaviour = Callable[["Command"], Any]


class Command:
    """A command that the master has started, with what a worker does for it."""

    def __init__(self, master: Any, name: str, arguments: dict[str, Any]) -> None:
        self._master = master
        self.name = name
        self.arguments = arguments
        self.interrupted: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def send(self, **values: Any) -> defer.Deferred[Any]:
        """Send updates, each by its key."""
        updates = [[{key: values[key]}, 0] for key in values]
        return _until_cut(self._master.callRemote("update", updates))

    def complete(self, failure: Any = None) -> defer.Deferred[Any]:
        """Say that it has ended."""
        return _until_cut(self._master.callRemote("complete", failure))


def _until_cut(answer: Any) -> defer.Deferred[Any]:
    """Nobody is left to hear that the test has cut the connection before the answer came."""
    found: defer.Deferred[Any] = answer
    return found.addErrback(lambda why: why.trap(pb.PBConnectionLost, pb.DeadReferenceError))


class BuilderDesk(pb.Referenceable):
    """The worker's object for a builder."""

    def __init__(self, worker: PbWorker, builddir: str) -> None:
        self.worker = worker
        self.builddir = builddir
        self.command: Command | None = None

    def remote_startCommand(self, master: Any, _id: str, name: str, arguments: Any) -> None:
        if name not in self.worker.info["worker_commands"]:
            raise ValueError(f"unknown command {name}")
        self.command = command = Command(master, name, arguments)
        self.worker.commands.append((self, command))
        self.worker.tasks.add(asyncio.ensure_future(self._run(command)))

    async def _run(self, command: Command) -> None:
        await self.worker.behaviour(command)

    def remote_interruptCommand(self, _id: str, why: str) -> None:
        assert self.command is not None
        self.command.interrupted.set_result(why)


async def succeed(command: Command) -> None:
    """Do nothing, with success."""
    command.send(header="x\n")
    command.send(rc=0)
    command.send(elapsed=0.5)
    await inward(command.complete)


class PbWorker(pb.Referenceable):
    """A stock worker's own object (its "bot"), and its connection."""

    def __init__(self, behaviour: Behaviour = succeed) -> None:
        self.behaviour = behaviour
        self.info: dict[str, Any] = {
            "admin": "Ann\n",
            "host": "a machine",
            "version": "4.3.0",
            "basedir": "/w",
            "system": "posix",
            "numcpus": 4,
            "os_id": "debian",
            "environ": {"HOME": "/h"},
            "worker_commands": dict.fromkeys(
                ("shell", "uploadFile", "downloadFile", "glob", "listdir", "stat"), "3.3"
            ),
        }
        self.printed: list[str] = []
        self.builders: dict[str, str] = {}
        self.lists: list[list[str]] = []
        """The names in each list of builders."""
        self.desks: dict[str, BuilderDesk] = {}
        self.commands: list[tuple[BuilderDesk, Command]] = []
        self.tasks: set[asyncio.Future[None]] = set()
        self.is_deaf = False
        self.shutdowns = 0
        self.perspective: Any = None
        self.connection: Any = None

    async def connect(self, port: int, name: str = "arm-7", password: str = "right") -> None:
        """Log in; raises what the master answers."""
        from twisted.internet import reactor

        factory = pb.PBClientFactory()
        login = factory.login(credentials.UsernamePassword(name.encode(), password.encode()), self)
        endpoint = endpoints.clientFromString(reactor, f"tcp:127.0.0.1:{port}")
        self.connection = await inward(endpoint.connect, factory)
        self.perspective = await inward(lambda: login)

    def disconnect(self) -> None:
        """Close the connection."""
        if self.connection is not None:
            self.connection.transport.abortConnection()

    def remote_print(self, message: str) -> Any:
        self.printed.append(message)
        return defer.Deferred() if self.is_deaf else None

    def remote_getWorkerInfo(self) -> dict[str, Any]:
        return self.info

    def remote_setBuilderList(self, builders: list[tuple[str, str]]) -> dict[str, BuilderDesk]:
        self.lists.append([name for name, _ in builders])
        for name, builddir in builders:
            self.builders[name] = builddir
            self.desks.setdefault(name, BuilderDesk(self, builddir))
        return {name: self.desks[name] for name, _ in builders}

    def remote_shutdown(self) -> None:
        self.shutdowns += 1
        self.disconnect()
