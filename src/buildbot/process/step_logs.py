"""The logs of a step: added, written, observed, ended."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from buildbot._border.bridge import inward, outgoing, settled
from buildbot._border.text import bytes2unicode
from buildbot.process.log import KINDS, Log
from buildbot.process.old_logs import OLD_KINDS
from chargehand.domain.build import Channel
from chargehand.execution.failure_text import html_of, text_of
from chargehand.kit.tasks import Tasks

_PATIENCE = 2.0
"""Seconds to end for what the step itself has begun."""


class StepLogs:
    """What a step can do with logs; every method that writes returns a Deferred."""

    logEncoding: Any = None
    master: Any = None
    _has_old_hooks = False
    """Whether it is written in the old style: then its logs are of the old kind, too."""
    _engine_runtime: Any = None
    """What the engine offers to this step while it runs (`StepRuntime`)."""

    def _setup_logs(self) -> None:
        """Begin without logs."""
        self.logs: dict[str, Log] = {}
        self._all_logs: list[Log] = []
        self._pending_observers: list[tuple[str, Any]] = []
        self._tasks = Tasks("step")
        self._observing: set[asyncio.Task[Any]] = set()

    def getProperties(self) -> Any:
        """Return the build's properties."""
        raise NotImplementedError

    def addLog(self, name: str, type: str = "s", logEncoding: Any = None) -> Any:
        """Return a Deferred of a new log, of type ``s`` (streams), ``t`` (text) or ``h`` (HTML).

        Old-style steps get the log itself.
        """
        log = self._new_log(name, type, logEncoding)
        return log if self._has_old_hooks else self._when_opened(log)

    @outgoing
    async def _when_opened(self, log: Log) -> Log:
        await log.opened()
        return log

    def _new_log(self, name: str, type: str = "s", encoding: Any = None) -> Log:
        """Return a new log at once; it is opened in the meantime."""
        kind = (OLD_KINDS if self._has_old_hooks else KINDS).get(type)
        if kind is None:
            raise ValueError(f"log type must be one of {', '.join(KINDS)}, not {type!r}")
        writer = self._engine_runtime.open_log(
            name,
            kind.kind,
            encoding=encoding or self.logEncoding or None,
        )
        log = kind(name, writer)
        self.logs[name] = log
        self._all_logs.append(log)
        self._connect_observers()
        return log

    def _watch_logfiles(self, command: Any, files: Mapping[str, Any], lazy: bool) -> None:
        """Open a log for each file that the worker watches: now, or when there is text in it."""
        for name in files:
            if lazy:

                def make(_: Any, name: str = name) -> Log:
                    return self._new_log(name)

                command.useLogDelayed(name, make, True)
            else:
                command.useLog(self._new_log(name), True, name)

    def getLog(self, name: str) -> Any:
        """Return a log of this step. Raises KeyError."""
        return self.logs[name]

    def addCompleteLog(self, name: str, text: str | bytes) -> Any:
        """Add a log of text, complete; the Deferred of None fires when it is stored."""
        return self._when_ended(self._filled_log(name, "t", text))

    def addHTMLLog(self, name: str, html: str | bytes) -> Any:
        """Add a log that is an HTML page, complete, as `addCompleteLog`."""
        return self._when_ended(self._filled_log(name, "h", html))

    def _filled_log(self, name: str, type: str, text: str | bytes) -> Log:
        """Return a log with this text at once: it is there, whether or not anybody waits for it."""
        log = self._new_log(name, type)
        log._write(Channel.STDOUT, text)
        return log

    @outgoing
    async def _when_ended(self, log: Log) -> None:
        await log.end()

    async def _complete_log(self, name: str, type: str, text: str | bytes) -> None:
        await self._filled_log(name, type, text).end()

    @outgoing
    async def addLogWithFailure(self, why: Any, logprefix: str = "") -> None:
        """Add logs ``err.text`` and ``err.html`` of a Failure or an exception."""
        cause = getattr(why, "value", why)
        await self._complete_log(f"{logprefix}err.text", "t", text_of(cause))
        await self._complete_log(f"{logprefix}err.html", "h", html_of(cause))

    def addLogWithException(self, why: Any, logprefix: str = "") -> Any:
        """Add logs ``err.text`` and ``err.html`` of an exception."""
        return self.addLogWithFailure(why, logprefix)

    def addLogObserver(self, logname: str, observer: Any) -> None:
        """Let *observer* hear the log of that name, now or when it is added."""
        observer.setStep(self)
        self._pending_observers.append((logname, observer))
        self._connect_observers()

    def _wait_for(self, begun: Any) -> None:
        """Let what an observer has begun end before the logs do."""
        task = self._tasks.spawn(inward(lambda: begun), name="observer")
        self._observing.add(task)
        task.add_done_callback(self._observing.discard)

    def _connect_observers(self) -> None:
        waiting = []
        for name, observer in self._pending_observers:
            if name in self.logs:
                observer.setLog(self.logs[name])
            else:
                waiting.append((name, observer))
        self._pending_observers = waiting

    def addURL(self, name: str, url: str) -> Any:
        """Show a link."""
        self._engine_runtime.add_url(bytes2unicode(name), bytes2unicode(url))
        return settled(None)

    async def _end_logs(self) -> None:
        """End all logs. Raises the first error in writing them."""
        if self._observing:
            await asyncio.wait(self._observing, timeout=_PATIENCE)
        failure: Exception | None = None
        for log in self._all_logs:
            try:
                await log.end()
            except Exception as error:  # noqa: BLE001 - the other logs have to end all the same
                failure = failure or error
        await self._tasks.close(patience=_PATIENCE)
        if failure is not None:
            raise failure
