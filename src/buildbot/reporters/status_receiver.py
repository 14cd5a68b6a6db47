"""Status receivers of Buildbot 0.8 (``c['status']``), fed from events."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, ClassVar

from buildbot._border.bridge import answered, answered_within, outward, settled
from buildbot._border.comparison import ComparableMixin
from buildbot._border.stopping import STOP_SECONDS
from buildbot.process.results import SUCCESS
from buildbot.reporters.status_objects import BuilderStatus, BuildStatus, ChangeStatus, StepStatus
from buildbot.reporters.utils import getDetailsForBuild, getResponsibleUsersForBuild
from buildbot.util.service import AsyncMultiService
from chargehand.config.model import Component, HostedSettings
from chargehand.kit.guard import contained, guarded

__all__ = ["Status", "StatusReceiver", "StatusReceiverMultiService"]

Row = dict[str, Any]

_log = logging.getLogger(__name__)

_KEYS: dict[str, tuple[tuple[str | None, ...], ...]] = {
    "buildStarted": (("builds", None, "new"),),
    "buildFinished": (("builds", None, "finished"),),
    "stepStarted": (("builds", None, "new"), ("steps", None, "started")),
    "stepFinished": (("builds", None, "new"), ("steps", None, "finished")),
    "changeAdded": (("changes", None, "new"),),
    "builderRemoved": (("builders", None, "stopped"),),
    "slaveConnected": (("workers", None, "connected"),),
    "slaveDisconnected": (("workers", None, "disconnected"),),
}
"""The events that a method is called for."""


class StatusReceiver(ComparableMixin):
    """Hears of builds; subclasses override what they want to hear.

    Of these methods, ``buildStarted``, ``buildFinished``, ``stepStarted``, ``stepFinished``,
    ``changeAdded``, ``builderAdded``, ``builderRemoved``, ``slaveConnected`` and
    ``slaveDisconnected`` are called.
    """

    compare_attrs: ClassVar[Any] = ("_given",)
    _given: Any = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__new__(cls)
        made._given = (args, kwargs)
        return made

    def builderAdded(self, builderName: str, builder: BuilderStatus) -> Any:
        """A builder is configured; return self to hear of its builds."""
        return self

    def builderChangedState(self, builderName: str, state: str) -> Any:
        """Not called."""

    def builderRemoved(self, builderName: str) -> Any:
        """A builder is configured no more."""

    def buildsetSubmitted(self, buildset: Any) -> Any:
        """Not called."""

    def requestSubmitted(self, request: Any) -> Any:
        """Not called."""

    def requestCancelled(self, builder: Any, request: Any) -> Any:
        """Not called."""

    def buildStarted(self, builderName: str, build: BuildStatus) -> Any:
        """A build has begun; return self to hear of its steps."""
        return self

    def buildFinished(self, builderName: str, build: BuildStatus, results: int) -> Any:
        """A build has finished."""

    def buildETAUpdate(self, build: BuildStatus, ETA: float) -> Any:
        """Not called."""

    def stepStarted(self, build: BuildStatus, step: StepStatus) -> Any:
        """A step has begun."""

    def stepTextChanged(self, build: BuildStatus, step: StepStatus, text: str) -> Any:
        """Not called."""

    def stepFinished(self, build: BuildStatus, step: StepStatus, results: int) -> Any:
        """A step has finished."""

    def logStarted(self, build: BuildStatus, step: StepStatus, log: Any) -> Any:
        """Not called."""

    def logChunk(self, build: BuildStatus, step: StepStatus, log: Any, *chunk: Any) -> Any:
        """Not called."""

    def logFinished(self, build: BuildStatus, step: StepStatus, log: Any) -> Any:
        """Not called."""

    def changeAdded(self, change: ChangeStatus) -> Any:
        """A change has arrived."""

    def slaveConnected(self, slaveName: str) -> Any:
        """A worker has connected."""

    def slaveDisconnected(self, slaveName: str) -> Any:
        """A worker has gone."""

    def _as_component(self) -> Component:
        name = getattr(self, "name", None) or type(self).__name__
        return Component(
            name=str(name), settings=HostedSettings(runtime=ReceiverRuntime(self)), extension=self
        )


class StatusReceiverMultiService(StatusReceiver, AsyncMultiService):
    """A receiver that is a service with children: ``self.parent`` is the master, whose
    ``getStatus()`` has `Status`."""

    _set_by_init = "services"

    def __init__(self) -> None:
        AsyncMultiService.__init__(self)

    def setServiceParent(self, parent: Any) -> Any:
        """Become part of the master, here and now; it starts afterwards."""
        self.parent = parent
        parent._adopt(self)
        return settled(None)

    def disownServiceParent(self) -> Any:
        """Leave the master, stopped."""
        return outward(self._leave())


class Status:
    """``master.getStatus()``: what receivers ask, and where they subscribe."""

    def __init__(self, master: Any) -> None:
        self._master = master
        self._watched: dict[int, dict[str, bool]] = {}

    def subscribe(self, receiver: Any) -> None:
        """Let it hear of everything; `builderAdded` is called for each builder at once."""
        if not self.is_subscribed(receiver):
            self._watched[id(receiver)] = {}
            for name in self.getBuilderNames():
                self.is_watched(receiver, name)

    def unsubscribe(self, receiver: Any) -> None:
        """Let it hear nothing more."""
        self._watched.pop(id(receiver), None)

    def is_subscribed(self, receiver: Any) -> bool:
        """Return whether it hears of anything."""
        return id(receiver) in self._watched

    def is_watched(self, receiver: Any, name: str) -> bool:
        """Return whether it hears of a builder: it says so by what `builderAdded` returns."""
        answers = self._watched.get(id(receiver), {})
        if name not in answers:
            found = contained(receiver.builderAdded, name, self.getBuilder(name))
            answers[name] = found is not None
        return answers[name]

    def getTitle(self) -> str:
        """Return the farm's title."""
        return str(self._master.config.title)

    getProjectName = getTitle

    def getTitleURL(self) -> str:
        """Return the address of the farm's own site."""
        return str(self._master.config.titleURL)

    getProjectURL = getTitleURL

    def getBuildbotURL(self) -> str:
        """Return the address of the master's pages."""
        return str(self._master.config.buildbotURL)

    def getURLForThing(self, thing: Any) -> str | None:
        """Return the address of a build's page; None for all else."""
        return thing.getURL() if isinstance(thing, BuildStatus) else None

    def getURLForBuild(self, builder_name: str, build_number: int) -> str:
        """Return the address of a build's page."""
        builder = self._master.access.builder_id(builder_name)
        return f"{self.getBuildbotURL()}#/builders/{builder}/builds/{build_number}"

    def getBuilderNames(self, categories: Sequence[str] | None = None) -> list[str]:
        """Return the names of the builders, of some categories where given."""
        return [
            config.name
            for config in self._master.config.builders
            if not categories or set(categories) & set(config.tags or ())
        ]

    def getBuilder(self, name: str) -> BuilderStatus:
        """Return a builder."""
        tags = next((c.tags for c in self._master.config.builders if c.name == name), ())
        return BuilderStatus(name, {"tags": tags})


class ReceiverRuntime:
    """A receiver of the configuration, as the engine runs it."""

    def __init__(self, receiver: Any) -> None:
        self._receiver = receiver
        self._consumer: Any = None
        self._running: dict[int, BuildStatus] = {}

    async def start(self) -> None:
        """Make it a part of the master, and let it hear of events."""
        receiver, master = self._receiver, self._receiver.master
        name = type(receiver).__name__
        if isinstance(receiver, AsyncMultiService):
            await answered(f"setServiceParent of {name}", receiver.setServiceParent, master)
            if not receiver.running:
                await answered(f"startService of {name}", receiver.startService)
        master.getStatus().subscribe(receiver)
        keys = dict.fromkeys(key for method in self._wanted() for key in _KEYS[method])
        if keys:
            self._consumer = await master.mq.consume(self._hear, list(keys))

    async def stop(self) -> None:
        """Let it hear nothing more, and stop it."""
        receiver, master = self._receiver, self._receiver.master
        if self._consumer is not None:
            self._consumer.stopConsuming()
            self._consumer = None
        if master is not None:
            master.getStatus().unsubscribe(receiver)
        if isinstance(receiver, AsyncMultiService) and receiver.parent is not None:
            stopping = f"disownServiceParent of {type(receiver).__name__}"
            await answered_within(STOP_SECONDS, stopping, receiver.disownServiceParent)

    def _wanted(self) -> list[str]:
        """Return the methods that are its own."""
        kind = type(self._receiver)
        return [name for name in _KEYS if getattr(kind, name) is not getattr(StatusReceiver, name)]

    async def _hear(self, key: tuple[str, ...], message: Row) -> None:
        if not self._status.is_subscribed(self._receiver):
            return
        with guarded(
            _log, "status receiver %s failed on %s", type(self._receiver).__name__, ".".join(key)
        ):
            match key:
                case ("builds", _, "new"):
                    await self._build_started(message)
                case ("builds", _, "finished"):
                    await self._build_finished(message)
                case ("steps", _, verb):
                    await self._step(message, verb)
                case ("changes", _, _):
                    await self._call("changeAdded", ChangeStatus(message))
                case ("builders", _, _):
                    await self._call("builderRemoved", message["name"])
                case ("workers", _, "connected"):
                    await self._call("slaveConnected", message["name"])
                case _:
                    await self._call("slaveDisconnected", message["name"])

    @property
    def _status(self) -> Status:
        found: Status = self._receiver.master.getStatus()
        return found

    async def _call(self, method: str, *args: Any) -> Any:
        return await answered(method, getattr(self._receiver, method), *args)

    async def _build_started(self, message: Row) -> None:
        build = await self._build(message)
        if not self._status.is_watched(self._receiver, build.builder.name):
            return
        if await self._call("buildStarted", build.builder.name, build) is not None:
            self._running[message["buildid"]] = build

    async def _build_finished(self, message: Row) -> None:
        self._running.pop(message["buildid"], None)
        build = await self._build(message, is_finished=True)
        if self._status.is_watched(self._receiver, build.builder.name):
            await self._call("buildFinished", build.builder.name, build, message["results"])

    async def _step(self, message: Row, verb: str) -> None:
        build = self._running.get(message["buildid"])
        if build is None:
            return
        step = StepStatus(message, build)
        if verb == "started":
            await self._call("stepStarted", build, step)
        else:
            await self._call("stepFinished", build, step, message["results"])

    async def _build(self, message: Row, *, is_finished: bool = False) -> BuildStatus:
        master = self._receiver.master
        row = dict(message)
        await getDetailsForBuild(
            master,
            row,
            want_properties=True,
            want_steps=is_finished,
            want_previous_build=is_finished,
            want_logs=is_finished,
            want_logs_content=is_finished and row["results"] != SUCCESS,
        )
        users = await getResponsibleUsersForBuild(master, row["buildid"])
        changes = await master.data.get(("builds", row["buildid"], "changes"))
        return BuildStatus(row, users=users, changes=changes)
