"""Events of the engine as calls of a status receiver's methods."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from buildbot._border.bridge import answered
from buildbot.process.results import CANCELLED
from buildbot.reporters.status_etas import EtaUpdates, interval_of
from buildbot.reporters.status_farm import Status
from buildbot.reporters.status_objects import CHANNELS, BuildStatus, LogStatus, StepStatus
from buildbot.reporters.status_orders import BuildRequestStatus, BuildSetStatus
from buildbot.reporters.status_reading import Row
from buildbot.reporters.status_sources import ChangeStatus

_LINES = 1000
"""How many lines of a log are read in one go."""


class ReceiverEvents:
    """Tells one receiver of what it wants to hear, which it says by what its methods return."""

    def __init__(self, receiver: Any, wanted: Collection[str]) -> None:
        self._receiver = receiver
        self._wanted = wanted
        self._builds: dict[int, BuildStatus] = {}
        self._steps: dict[int, StepStatus] = {}
        self._logs: dict[int, int] = {}
        """The lines that were told, of each log."""
        self._states: dict[str, str] = {}
        """What was told of builders."""
        self._etas = EtaUpdates(type(receiver).__name__)

    async def close(self) -> None:
        """Tell nothing more."""
        await self._etas.close()

    async def tell(self, key: tuple[str, ...], message: Row) -> None:
        """Call the methods that an event concerns."""
        match key[0], key[-1]:
            case "builds", "new":
                await self._build_started(message)
            case "builds", _:
                await self._build_finished(message)
            case "steps", verb:
                await self._step(message, verb)
            case "logs", verb:
                await self._log(message, verb)
            case "buildsets", _:
                await self._call("buildsetSubmitted", BuildSetStatus(message, self._status))
            case "buildrequests", verb:
                await self._request(message, verb)
            case "changes", _:
                await self._call("changeAdded", ChangeStatus(message))
            case "builders", _:
                await self._call("builderRemoved", message["name"])
            case _, verb:
                await self._worker(message, verb)

    @property
    def _status(self) -> Status:
        found: Status = self._receiver.master.getStatus()
        return found

    async def _call(self, method: str, *args: Any) -> Any:
        if method not in self._wanted:
            return self._receiver
        return await answered(method, getattr(self._receiver, method), *args)

    async def _build_started(self, message: Row) -> None:
        build = BuildStatus(message, self._status)
        name = build.builder.name
        if not self._status.is_watched(self._receiver, name):
            return
        await self._tell_state(name)
        answer = await self._call("buildStarted", name, build)
        if answer is None:
            return
        self._builds[message["buildid"]] = build
        if (every := interval_of(answer)) is not None:

            async def tell(seconds: float) -> None:
                await self._call("buildETAUpdate", build, seconds)

            self._etas.follow("build", message["buildid"], build, every, tell)

    async def _build_finished(self, message: Row) -> None:
        started = self._builds.pop(message["buildid"], None)
        self._etas.forget("build", message["buildid"])
        for number in [n for n, step in self._steps.items() if step.getBuild() is started]:
            del self._steps[number]
            self._etas.forget("step", number)
        build = BuildStatus(message, self._status)
        name = build.builder.name
        if self._status.is_watched(self._receiver, name):
            await self._call("buildFinished", name, build, message["results"])
            await self._tell_state(name)

    async def _step(self, message: Row, verb: str) -> None:
        build = self._builds.get(message["buildid"])
        if build is None:
            return
        step = StepStatus(message, build)
        match verb:
            case "started":
                await self._step_started(message["stepid"], build, step)
            case "updated":
                if message["started_at"] is not None and not message["complete"]:
                    await self._call("stepTextChanged", build, step, step.getText())
            case _:
                self._steps.pop(message["stepid"], None)
                self._etas.forget("step", message["stepid"])
                await self._call("stepFinished", build, step, message["results"])

    async def _step_started(self, number: int, build: BuildStatus, step: StepStatus) -> None:
        answer = await self._call("stepStarted", build, step)
        if answer is None:
            return
        self._steps[number] = step
        if (every := interval_of(answer)) is not None:

            async def tell(seconds: float) -> None:
                await self._call("stepETAUpdate", build, step, seconds, step.getExpectations())

            self._etas.follow("step", number, step, every, tell)

    async def _log(self, message: Row, verb: str) -> None:
        step = self._steps.get(message["stepid"])
        if step is None:
            return
        build, log, number = step.getBuild(), LogStatus(message, step), message["logid"]
        if verb == "new":
            if await self._call("logStarted", build, step, log) is not None:
                self._logs[number] = 0
            return
        if number in self._logs and "logChunk" in self._wanted:
            await self._tell_lines(step, log, message)
        if verb == "finished":
            self._logs.pop(number, None)
            await self._call("logFinished", build, step, log)

    async def _tell_lines(self, step: StepStatus, log: LogStatus, message: Row) -> None:
        """Tell of the lines that were written since the last time, runs of one channel at once."""
        number, last = message["logid"], message["num_lines"]
        master = self._receiver.master
        while (first := self._logs[number]) < last:
            self._logs[number] = min(first + _LINES, last)
            path = ("logs", number, "contents")
            found = await master.data.fetch(path, offset=first, limit=self._logs[number] - first)
            for channel, text in _runs(found["content"], has_letters=message["type"] == "s"):
                await self._call("logChunk", step.getBuild(), step, log, channel, text)

    async def _request(self, message: Row, verb: str) -> None:
        name = self._status.builder_of(message["builderid"]).name
        if not self._status.is_watched(self._receiver, name):
            return
        request = BuildRequestStatus(message, self._status)
        if verb == "new":
            await self._call("requestSubmitted", request)
        elif message["results"] == CANCELLED and not self._was_built(message):
            await self._call("requestCancelled", self._status.getBuilder(name), request)

    def _was_built(self, request: Row) -> bool:
        found = self._status.reading.rows(
            "builds", limit=1, buildrequestid=request["buildrequestid"]
        )
        return bool(found)

    async def _worker(self, message: Row, verb: str) -> None:
        method = "slaveConnected" if verb == "connected" else "slaveDisconnected"
        await self._call(method, message["name"])
        for builder in map(self._status.getBuilder, self._status.getBuilderNames()):
            if message["name"] in builder.slavenames and self._status.is_watched(
                self._receiver, builder.name
            ):
                await self._tell_state(builder.name)

    async def _tell_state(self, name: str) -> None:
        """Say so when a builder's state is another than was told last."""
        if "builderChangedState" not in self._wanted:
            return
        state, _ = self._status.getBuilder(name).getState()
        if self._states.get(name) != state:
            self._states[name] = state
            await self._call("builderChangedState", name, state)


def _runs(text: str, *, has_letters: bool) -> list[tuple[int, str]]:
    """Return the text of a log, with the number of the channel of each run of lines."""
    if not has_letters:
        return [(0, text)] if text else []
    found: list[tuple[int, str]] = []
    for line in text.splitlines(keepends=True):
        channel = CHANNELS.get(line[0], 0)
        if found and found[-1][0] == channel:
            found[-1] = (channel, found[-1][1] + line[1:])
        else:
            found.append((channel, line[1:]))
    return found
