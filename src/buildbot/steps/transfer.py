"""Steps that move files between the master and the worker."""

from __future__ import annotations

import asyncio
import io
import json
import os
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from buildbot._border.arguments import renamed
from buildbot._border.bridge import inward, outgoing
from buildbot._border.numbers import COUNT_OR_NONE, PERMISSIONS_OR_NONE, POSITIVE, check_number
from buildbot.process.buildstep import BuildStep
from buildbot.process.pieces import PIECE
from buildbot.process.remotecommand import RemoteCommand
from buildbot.process.results import CANCELLED, FAILURE, SUCCESS
from buildbot.steps.upload import DirectoryUpload, FileUpload, MultipleFileUpload
from chargehand.kit.regular_files import open_regular

__all__ = [
    "DirectoryUpload",
    "FileDownload",
    "FileUpload",
    "JSONPropertiesDownload",
    "JSONStringDownload",
    "MultipleFileUpload",
    "StringDownload",
]

COPIED_AT_ONCE = 256 * 1024 * 1024
"""How much a worker on the same machine copies with one order, in bytes."""
BATCH = 4 * PIECE
"""How much is on its way to the worker at once."""


class _Download(BuildStep):
    """What the downloads have in common: ``workerdest`` is there whole, or not at all.

    Args:
        workerdest (str, required, renderable): Path on the worker, relative to the working
            directory.
        maxsize (int | None, bytes): A source that is larger fails the step; None for no limit.
        blocksize (int, bytes): Size of the pieces that are sent.
        mode (int | None): Permissions of the new file, such as 0o644.
        slavedest (str | None, default None): Old name of workerdest.
    """

    renderables: ClassVar[Any] = ["workerdest"]
    haltOnFailure = True
    flunkOnFailure = True
    description: Any = ["downloading"]

    def __init__(
        self,
        workerdest: Any = None,
        workdir: Any = None,
        maxsize: int | None = None,
        blocksize: int = 256 * 1024,
        mode: int | None = None,
        slavedest: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(workdir=workdir, **kwargs)
        workerdest = renamed(type(self).__name__, "slavedest", slavedest, "workerdest", workerdest)
        kind = type(self).__name__
        check_number(kind, "maxsize", maxsize, COUNT_OR_NONE)
        check_number(kind, "blocksize", blocksize, POSITIVE)
        check_number(kind, "mode", mode, PERMISSIONS_OR_NONE)
        self.workerdest = workerdest
        self.maxsize = maxsize
        self.blocksize = blocksize
        self.mode = mode

    async def _send(self, content: bytes) -> int:
        """Write the content to the file on the worker."""
        return await self._send_from(io.BytesIO(content), len(content))

    async def _send_from(self, file: BinaryIO, size: int) -> int:
        """Write what the file has to that on the worker, piece by piece."""
        if self.maxsize is not None and size > self.maxsize:
            return self._failed(f"it has more than {self.maxsize} bytes")
        self.checkWorkerHasCommand("downloadFile")
        sent = 0
        ahead = await _read(file)
        while True:
            batch, ahead = ahead, await _read(file) if len(ahead) == BATCH else b""
            if self.maxsize is not None and sent + len(batch) > self.maxsize:
                return await self._given_up(f"it has more than {self.maxsize} bytes")
            why = await self._send_batch(batch, offset=sent, more=bool(ahead))
            sent += len(batch)
            if why is not None:
                return await self._given_up(why)
            if not ahead:
                self.descriptionDone = ["downloaded", self.workerdest]
                return SUCCESS

    async def _let_copy(self, source: str, size: int) -> int:
        """Let the worker copy the file by itself; it is as large as it was at the beginning."""
        if self.maxsize is not None and size > self.maxsize:
            return self._failed(f"it has more than {self.maxsize} bytes")
        self.checkWorkerHasCommand("downloadFile")
        for offset in range(0, size, COPIED_AT_ONCE):
            length = min(COPIED_AT_ONCE, size - offset)
            piece = {"source": source, "length": length}
            why = await self._send_piece(piece, offset, more=offset + length < size)
            if why is not None:
                return await self._given_up(why)
        self.descriptionDone = ["downloaded", self.workerdest]
        return SUCCESS

    async def _send_batch(self, batch: bytes, *, offset: int, more: bool) -> str | None:
        """Send some pieces; return why one could not be written, None if all were.

        The first piece of the file comes alone, and so does the last; the others at once.
        """
        pieces = [
            (offset + start, batch[start : start + PIECE])
            for start in range(0, len(batch) or 1, PIECE)
        ]
        first = [pieces.pop(0)] if not offset and (len(pieces) > 1 or more) else []
        last = [] if more else [pieces.pop()]
        for group, is_last in ((first, False), (pieces, False), (last, True)):
            reasons = await asyncio.gather(
                *(self._send_piece({"content": piece}, at, more=not is_last) for at, piece in group)
            )
            if any(reason is not None for reason in reasons):
                return next(reason for reason in reasons if reason is not None)
        return None

    async def _send_piece(self, piece: dict[str, Any], offset: int, *, more: bool) -> str | None:
        """Send a piece; return why it could not be written, None if it was."""
        placed = {"offset": offset, "more": more} if offset or more else {}
        command = await self._ordered(**piece, mode=self.mode, **placed)
        if not command.didFail():
            return None
        why = command.updates["why"]
        return f"on worker {self.getWorkerName()}: {why[-1]}" if why else ""

    async def _given_up(self, why: str) -> int:
        """Remove the pieces from the worker, if that still does what it is told."""
        if not self.stopped:
            await self._ordered(abandoned=True)
        return CANCELLED if self.stopped else self._failed(why)

    async def _ordered(self, **arguments: Any) -> RemoteCommand:
        where = {"workerdest": self.workerdest, "workdir": self.workdir}
        command = RemoteCommand("downloadFile", {**where, **arguments})
        await inward(self.runCommand, command)
        return command

    def _failed(self, why: str) -> int:
        reason = f" ({why})" if why else ""
        self.descriptionDone = [f"download {self.workerdest}{reason}"]
        return FAILURE


class FileDownload(_Download):
    """Copy a file of the master to the worker.

    ``mastersrc`` is relative to the master's directory. A file of more than ``maxsize`` bytes fails
    the step, and nothing is written.

    Args:
        mastersrc (str, renderable): Path on the master, relative to its directory.
    """

    name = "download"
    renderables: ClassVar[Any] = ["mastersrc"]

    def __init__(
        self,
        mastersrc: Any,
        workerdest: Any = None,
        workdir: Any = None,
        maxsize: int | None = None,
        blocksize: int = 256 * 1024,
        mode: int | None = None,
        slavedest: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            workerdest=workerdest,
            workdir=workdir,
            maxsize=maxsize,
            blocksize=blocksize,
            mode=mode,
            slavedest=slavedest,
            **kwargs,
        )
        self.mastersrc = mastersrc

    @outgoing
    async def run(self) -> int:
        """Read the file, and send it."""
        try:
            file = await asyncio.to_thread(_opened, self.mastersrc)
        except OSError as error:
            return self._failed(f"on the master: {error.strerror}: {self.mastersrc}")
        size = os.fstat(file.fileno()).st_size
        try:
            if size > PIECE and self._is_on_same_machine():
                return await self._let_copy(await asyncio.to_thread(_real, self.mastersrc), size)
            return await self._send_from(file, size)
        except OSError as error:
            return await self._given_up(f"on the master: {error.strerror}: {self.mastersrc}")
        finally:
            file.close()


class StringDownload(_Download):
    """Write a text to a file on the worker, as UTF-8.

    Args:
        s (str, renderable): Text of the file; it is encoded as UTF-8.
    """

    name = "string_download"
    renderables: ClassVar[Any] = ["s"]

    def __init__(
        self,
        s: Any,
        workerdest: Any = None,
        workdir: Any = None,
        maxsize: int | None = None,
        blocksize: int = 256 * 1024,
        mode: int | None = None,
        slavedest: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            workerdest=workerdest,
            workdir=workdir,
            maxsize=maxsize,
            blocksize=blocksize,
            mode=mode,
            slavedest=slavedest,
            **kwargs,
        )
        self.s = s

    @outgoing
    async def run(self) -> int:
        """Send the text."""
        return await self._send(self.s if isinstance(self.s, bytes) else str(self.s).encode())


class JSONStringDownload(_Download):
    """Write a value to a file on the worker, as JSON.

    Args:
        o (Any, renderable): Value to write as JSON.
    """

    name = "json_download"
    renderables: ClassVar[Any] = ["o"]

    def __init__(
        self,
        o: Any,
        workerdest: Any = None,
        workdir: Any = None,
        maxsize: int | None = None,
        blocksize: int = 256 * 1024,
        mode: int | None = None,
        slavedest: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            workerdest=workerdest,
            workdir=workdir,
            maxsize=maxsize,
            blocksize=blocksize,
            mode=mode,
            slavedest=slavedest,
            **kwargs,
        )
        self.o = o

    @outgoing
    async def run(self) -> int:
        """Send the value."""
        return await self._send(json.dumps(self.o).encode())


class JSONPropertiesDownload(_Download):
    """Write the build's properties and source stamps to a file on the worker, as JSON."""

    name = "json_properties_download"

    @outgoing
    async def run(self) -> int:
        """Send the properties."""
        properties = {name: value for name, (value, _) in self.getProperties().asDict().items()}
        stamps = [stamp.asDict() for stamp in self.build.getAllSourceStamps()]
        content = {"properties": properties, "sourcestamps": stamps}
        return await self._send(json.dumps(content).encode())


def _opened(name: str) -> BinaryIO:
    return os.fdopen(open_regular(Path(name).expanduser()), "rb")


def _real(name: str) -> str:
    return os.path.realpath(Path(name).expanduser())


async def _read(file: BinaryIO) -> bytes:
    return await asyncio.to_thread(file.read, BATCH)
