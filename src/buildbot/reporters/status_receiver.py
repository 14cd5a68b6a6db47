"""Status receivers of Buildbot 0.8 (``c['status']``), fed from events."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from buildbot._border.bridge import answered, answered_within, outward, settled
from buildbot._border.comparison import ComparableMixin
from buildbot._border.stopping import STOP_SECONDS
from buildbot.reporters.status_events import ReceiverEvents
from buildbot.reporters.status_farm import BuilderStatus
from buildbot.reporters.status_objects import BuildStatus, LogStatus, StepStatus
from buildbot.reporters.status_orders import BuildRequestStatus, BuildSetStatus
from buildbot.reporters.status_reading import Row
from buildbot.reporters.status_sources import ChangeStatus
from buildbot.util.service import AsyncMultiService
from chargehand.config.model import Component, HostedSettings
from chargehand.kit.guard import guarded

__all__ = ["StatusReceiver", "StatusReceiverMultiService"]

_log = logging.getLogger(__name__)

_Key = tuple[str | None, ...]

_BUILD: tuple[_Key, ...] = (("builds", None, "new"), ("builds", None, "finished"))
_STEP: tuple[_Key, ...] = (*_BUILD, ("steps", None, "started"), ("steps", None, "finished"))
_LOG: tuple[_Key, ...] = (*_STEP, ("logs", None, "new"), ("logs", None, "finished"))

_KEYS: dict[str, tuple[_Key, ...]] = {
    "buildStarted": _BUILD,
    "buildFinished": _BUILD,
    "buildETAUpdate": _BUILD,
    "builderChangedState": (
        *_BUILD,
        ("workers", None, "connected"),
        ("workers", None, "disconnected"),
    ),
    "buildsetSubmitted": (("buildsets", None, "new"),),
    "requestSubmitted": (("buildrequests", None, "new"),),
    "requestCancelled": (("buildrequests", None, "complete"),),
    "stepStarted": _STEP,
    "stepETAUpdate": _STEP,
    "stepTextChanged": (*_STEP, ("steps", None, "updated")),
    "stepFinished": _STEP,
    "logStarted": _LOG,
    "logChunk": (*_LOG, ("logs", None, "append")),
    "logFinished": _LOG,
    "changeAdded": (("changes", None, "new"),),
    "builderRemoved": (("builders", None, "stopped"),),
    "slaveConnected": (("workers", None, "connected"),),
    "slaveDisconnected": (("workers", None, "disconnected"),),
}
"""The events that a method is called for."""


class StatusReceiver(ComparableMixin):
    """Hears of builds; subclasses override what they want to hear."""

    compare_attrs: ClassVar[Any] = ("_given",)
    _given: Any = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__new__(cls)
        made._given = (args, kwargs)
        return made

    def builderAdded(self, builderName: str, builder: BuilderStatus) -> Any:
        """A builder is configured; return self to be notified of its builds."""
        return self

    def builderChangedState(self, builderName: str, state: str) -> Any:
        """A builder is ``offline``, ``idle`` or ``building`` now."""

    def builderRemoved(self, builderName: str) -> Any:
        """A builder is configured no more."""

    def buildsetSubmitted(self, buildset: BuildSetStatus) -> Any:
        """A buildset was submitted."""

    def requestSubmitted(self, request: BuildRequestStatus) -> Any:
        """A build was asked for."""

    def requestCancelled(self, builder: BuilderStatus, request: BuildRequestStatus) -> Any:
        """A build that was asked for was cancelled before it began."""

    def buildStarted(self, builderName: str, build: BuildStatus) -> Any:
        """A build has begun; return self to be notified of its steps, ``(self, seconds)`` to hear
        its ETA as often as that."""
        return self

    def buildFinished(self, builderName: str, build: BuildStatus, results: int) -> Any:
        """A build has finished."""

    def buildETAUpdate(self, build: BuildStatus, ETA: float) -> Any:
        """A build is expected to take *ETA* seconds more: told to those who asked for it with what
        ``buildStarted`` returned, while earlier builds tell how long it takes."""

    def stepStarted(self, build: BuildStatus, step: StepStatus) -> Any:
        """A step has begun; return self to be notified of its logs, ``(self, seconds)`` to hear
        its ETA as often as that."""
        return self

    def stepETAUpdate(
        self, build: BuildStatus, step: StepStatus, ETA: float, expectations: list[Any]
    ) -> Any:
        """A step is expected to take *ETA* seconds more, as ``buildETAUpdate``."""

    def stepTextChanged(self, build: BuildStatus, step: StepStatus, text: list[str]) -> Any:
        """The sentence about a running step has changed."""

    def stepFinished(self, build: BuildStatus, step: StepStatus, results: int) -> Any:
        """A step has finished."""

    def logStarted(self, build: BuildStatus, step: StepStatus, log: LogStatus) -> Any:
        """A log has begun; return self to hear what is written to it."""
        return self

    def logChunk(
        self, build: BuildStatus, step: StepStatus, log: LogStatus, channel: int, text: str
    ) -> Any:
        """Whole lines were written to a log: 0 for stdout, 1 for stderr, 2 for headers."""

    def logFinished(self, build: BuildStatus, step: StepStatus, log: LogStatus) -> Any:
        """A log is complete."""

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


class ReceiverRuntime:
    """A receiver of the configuration, as the engine runs it."""

    def __init__(self, receiver: Any) -> None:
        self._receiver = receiver
        self._consumer: Any = None
        self._hearing: ReceiverEvents | None = None

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
            self._hearing = ReceiverEvents(receiver, set(self._wanted()))
            self._consumer = await master.mq.consume(self._hear, list(keys))

    async def stop(self) -> None:
        """Let it hear nothing more, and stop it."""
        receiver, master = self._receiver, self._receiver.master
        if self._consumer is not None:
            self._consumer.stopConsuming()
            self._consumer = None
        if self._hearing is not None:
            await self._hearing.close()
            self._hearing = None
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
        if self._hearing is None or not self._receiver.master.getStatus().is_subscribed(
            self._receiver
        ):
            return
        with guarded(
            _log, "status receiver %s failed on %s", type(self._receiver).__name__, ".".join(key)
        ):
            await self._hearing.tell(key, message)
