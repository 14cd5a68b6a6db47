"""Twisted as a guest in our loop: users' code may use the reactor, and the loop stays ours."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any

from twisted.internet import asyncioreactor, process
from twisted.internet.main import installReactor
from twisted.logger import LogLevel, globalLogBeginner
from twisted.logger import formatEvent as format_event

from chargehand.kit.unbroken import begun

_LEVELS = {
    LogLevel.debug: logging.DEBUG,
    LogLevel.info: logging.INFO,
    LogLevel.warn: logging.WARNING,
    LogLevel.error: logging.ERROR,
    LogLevel.critical: logging.CRITICAL,
}


class ReactorTaken(Exception):
    """Another Twisted reactor is installed; import nothing that installs one before ours."""


class GuestReactor(asyncioreactor.AsyncioSelectorReactor):
    """Twisted's reactor on a loop that somebody else runs."""

    chargehand_loop: asyncio.AbstractEventLoop

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.chargehand_loop = loop
        super().__init__(loop)

    def seconds(self) -> float:
        """Return the loop's time, which tests may hold."""
        return self.chargehand_loop.time()

    def crash(self) -> None:
        """Do nothing: the loop is not Twisted's to stop."""

    def getThreadPool(self) -> Any:
        """Return the pool; its threads do not keep the process from ending, and what waits for
        them is not given up meanwhile (`chargehand.kit.unbroken`)."""
        pool: Any = super().getThreadPool()
        if pool.threadFactory is threading.Thread:
            pool.threadFactory = partial(threading.Thread, daemon=True)
            pool.callInThreadWithCallback = partial(
                self._call_noted, pool, pool.callInThreadWithCallback
            )
        return pool

    def _call_noted(
        self, pool: Any, call: Any, on_result: Any, function: Any, /, *args: Any, **kw: Any
    ) -> None:
        """Call a function in a thread, in the context in which this is called.

        So what the loop does with the result, by `callFromThread`, belongs to the same work.
        """
        reactor: Any = self
        context = copy_context()
        end = None if pool.joined else begun()  # A pool that was joined drops what it is given.

        def run() -> Any:
            try:
                return context.run(function, *args, **kw)
            finally:
                if on_result is None:
                    ended()

        def hand_over(is_good: bool, result: Any) -> None:
            try:
                context.run(on_result, is_good, result)
            finally:
                ended()

        def ended() -> None:
            if end is not None:
                reactor.callFromThread(end)  # The result went the same way, before.

        try:
            call(None if on_result is None else hand_over, run)
        except BaseException:
            if end is not None:
                end()
            raise


def install_reactor(loop: asyncio.AbstractEventLoop) -> GuestReactor:
    """Make Twisted's reactor a guest of *loop*, and return it.

    Where a guest is installed already (a second configuration in one process, tests) it moves to
    the new loop. Raises ReactorTaken.
    """
    installed = sys.modules.get("twisted.internet.reactor")
    if isinstance(installed, GuestReactor):
        if installed.chargehand_loop is not loop:
            _move(installed, loop)
        return installed
    if installed is not None:
        raise ReactorTaken(f"a {type(installed).__name__} is installed already")
    reactor = GuestReactor(loop)
    installReactor(reactor)
    reactor.startRunning(installSignalHandlers=False)
    _watch_children(loop)
    _forward_log()
    return reactor


def _move(reactor: GuestReactor, loop: asyncio.AbstractEventLoop) -> None:
    reactor._asyncioEventloop = loop  # Twisted offers no other way to give a reactor its loop
    reactor.chargehand_loop = loop
    reactor._timerHandle = None
    reschedule: Callable[[], None] = reactor._reschedule
    reschedule()
    _watch_children(loop)


def _watch_children(loop: asyncio.AbstractEventLoop) -> None:
    """Let Twisted notice the end of its child processes: without this some exits are missed."""
    if threading.current_thread() is threading.main_thread():
        loop.add_signal_handler(signal.SIGCHLD, process.reapAllProcesses)


def _forward_log() -> None:
    observer: Any = _to_logging  # Twisted's type for observers says that they are classes
    globalLogBeginner.beginLoggingTo(
        [observer],
        discardBuffer=True,
        redirectStandardIO=False,
    )


def _to_logging(event: dict[str, Any]) -> None:
    """Hand one of Twisted's log events to the standard library's logging."""
    failure = event.get("log_failure")
    level = _LEVELS.get(event.get("log_level", LogLevel.info), logging.INFO)
    logger = logging.getLogger(f"twisted.{event.get('log_namespace', '')}".rstrip(".-"))
    if logger.isEnabledFor(level):
        caused = None
        if failure is not None and isinstance(failure.value, BaseException):
            caused = (type(failure.value), failure.value, failure.getTracebackObject())
        logger.log(level, "%s", format_event(event), exc_info=caused)
