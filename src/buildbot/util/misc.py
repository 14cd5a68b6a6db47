"""Small things for plug-ins."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet import defer

from buildbot._border.deferreds import deferredLocked

__all__ = ["cancelAfter", "deferredLocked", "writeLocalFile"]


def cancelAfter(seconds: float, d: Any, _reactor: Any = None) -> Any:
    """Cancel a Deferred that has not fired within so many seconds; returns it."""
    if _reactor is None:
        from twisted.internet import reactor as _reactor
    delayed = _reactor.callLater(seconds, _cancel, d)

    def done(result: Any) -> Any:
        if delayed.active():
            delayed.cancel()
        return result

    d.addBoth(done)
    return d


def _cancel(deferred: defer.Deferred[Any]) -> None:
    deferred.cancel()


def writeLocalFile(path: str, contents: str, mode: int | None = None) -> None:
    """Write a file; with *mode*, nobody can open it before it has that mode."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    descriptor = os.open(path, flags, 0o666 if mode is None else mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if mode is not None:
            os.fchmod(descriptor, mode)
        file.write(contents)
