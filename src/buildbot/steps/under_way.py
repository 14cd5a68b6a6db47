"""Pieces of a file that are on their way to the worker at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from buildbot.process.remotecommand import RemoteCommand

AT_ONCE = 4
"""How many pieces are under way before the first of them has arrived."""

_Sending = Coroutine[Any, Any, RemoteCommand]


class UnderWay:
    """The commands that send pieces; use `close` at the end, however that comes."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[RemoteCommand]] = set()

    async def send(self, sending: _Sending, *, alone: bool) -> RemoteCommand | None:
        """Send another piece, and wait until there is room for the next.

        One that goes *alone* goes after all others have arrived, and is returned when it has.
        Else returns None, or a command that failed; then none is under way any more.
        """
        if alone:
            failed = await self._until_left(0)
            if failed is not None:
                sending.close()
                return failed
            return await sending
        self._tasks.add(asyncio.get_running_loop().create_task(sending))
        return await self._until_left(AT_ONCE - 1)

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _until_left(self, count: int) -> RemoteCommand | None:
        """Wait until at most so many are under way; return one that failed, if one did."""
        while len(self._tasks) > count:
            done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if (command := task.result()).didFail():
                    await self.settle()
                    return command
                self._tasks.discard(task)
        return None
