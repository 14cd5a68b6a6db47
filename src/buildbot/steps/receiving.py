"""A command of a worker whose output is written to a file of the master."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

from buildbot.process.remotecommand import RemoteCommand
from chargehand.domain.session import Receipt


class Receiving(RemoteCommand):
    """A command whose ``content`` goes to a file of the master.

    The worker goes on when a piece is written, so that a slow disk slows it down. A piece comes
    once, also when the connection is interrupted.
    """

    def __init__(self, name: str, arguments: dict[str, Any], file: BinaryIO) -> None:
        super().__init__(name, arguments)
        self._file = file
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="upload")
        self._interruption: asyncio.Future[Any] | None = None
        self.failure: OSError | None = None

    def _take_value(self, key: str, value: Any) -> Receipt | None:
        if key != "content":
            return super()._take_value(key, value)
        return asyncio.get_running_loop().run_in_executor(self._writer, self._keep, value)

    def _keep(self, piece: bytes) -> None:
        if self.failure is not None:
            return
        try:
            self._file.write(piece)
        except OSError as error:
            self.failure = error

    async def finish(self) -> None:
        """Wait until everything is written."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self._flush)
        self._writer.shutdown(wait=False)

    def _flush(self) -> None:
        if self.failure is None:
            try:
                self._file.flush()
            except OSError as error:
                self.failure = error
