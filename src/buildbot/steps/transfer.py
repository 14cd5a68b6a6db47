"""Steps that move files between the master and the worker."""

from __future__ import annotations

import asyncio
import io
import json
import os
import posixpath
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from buildbot._border.arguments import renamed
from buildbot._border.bridge import inward, outgoing
from buildbot.process.pieces import PIECE
from buildbot.process.remotecommand import RemoteCommand
from buildbot.steps.transferring import BLOCK, Transfer, on_master
from buildbot.steps.under_way import UnderWay
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


class _Download(Transfer):
    """What the downloads have in common: ``workerdest`` is there whole, or not at all.

    Args:
        workerdest (str, required, renderable): Path on the worker, relative to the working
            directory.
        mode (int | None): Permissions of the new file, such as 0o644.
        slavedest (str | None, renderable, default None): Old name of workerdest.
    """

    renderables: ClassVar[Any] = ["workerdest"]
    _doing = "downloading"

    def __init__(
        self,
        workerdest: Any = None,
        workdir: Any = None,
        maxsize: int | None = None,
        blocksize: int = BLOCK,
        mode: int | None = None,
        slavedest: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(workdir=workdir, maxsize=maxsize, blocksize=blocksize, mode=mode, **kwargs)
        kind = type(self).__name__
        self.workerdest = renamed(kind, "slavedest", slavedest, "workerdest", workerdest)

    async def _download(self, file: BinaryIO, size: int) -> str | None:
        """Write what the file has to that on the worker, piece by piece; return why not."""
        if self.maxsize is not None and size > self.maxsize:
            return self._too_long()
        self.checkWorkerHasCommand("downloadFile")
        under_way = UnderWay()
        try:
            why = await self._send_pieces(file, under_way)
        finally:
            await under_way.close()
        return why if why is None else await self._given_up(why)

    async def _send_pieces(self, file: BinaryIO, under_way: UnderWay) -> str | None:
        """Send them, some at a time: only the first of the file and the last go alone."""
        sent = 0
        ahead = await _read(file)
        while True:
            piece, ahead = ahead, await _read(file) if len(ahead) == PIECE else b""
            if self.maxsize is not None and sent + len(piece) > self.maxsize:
                await under_way.settle()
                return self._too_long()
            sending = self._send_piece({"content": piece}, sent, more=bool(ahead))
            command = await under_way.send(sending, alone=not sent or not ahead)
            sent += len(piece)
            if command is not None and (command.didFail() or not ahead):
                return await self._piece_ended(command)

    async def _let_copy(self, source: str, size: int) -> str | None:
        """Let the worker copy the file by itself; it is as large as it was at the beginning."""
        if self.maxsize is not None and size > self.maxsize:
            return self._too_long()
        self.checkWorkerHasCommand("downloadFile")
        for offset in range(0, size, COPIED_AT_ONCE):
            length = min(COPIED_AT_ONCE, size - offset)
            piece = {"source": source, "length": length}
            command = await self._send_piece(piece, offset, more=offset + length < size)
            is_last = offset + length == size
            why = await self._piece_ended(command) if is_last or command.didFail() else None
            if why is not None:
                return await self._given_up(why)
        return None

    async def _send_piece(self, piece: dict[str, Any], offset: int, *, more: bool) -> RemoteCommand:
        placed = {"offset": offset, "more": more} if offset or more else {}
        return await self._ordered(**piece, mode=self.mode, **placed)

    async def _piece_ended(self, command: RemoteCommand) -> str | None:
        """Log how the last piece, or one that failed, has ended; return why it failed if it did."""
        await self._ended(command)
        return self._why(command) if command.didFail() else None

    async def _given_up(self, why: str) -> str:
        """Remove the pieces from the worker, if that still does what it is told."""
        if not self.stopped:
            await self._ordered(abandoned=True)
        return why

    def _too_long(self) -> str:
        return f"the source has more than {self.maxsize} bytes (maxsize)"

    async def _ordered(self, **arguments: Any) -> RemoteCommand:
        where = {"workerdest": self.workerdest, "workdir": self.workdir}
        command = RemoteCommand("downloadFile", {**where, **arguments})
        await inward(self.runCommand, command)
        return command

    def _subject(self) -> str:
        return f"to {posixpath.basename(str(self.workerdest))}"


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
        blocksize: int = BLOCK,
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
        await self._begin(self._subject())
        try:
            file = await asyncio.to_thread(_opened, self.mastersrc)
        except OSError as error:
            text = f"File {self.mastersrc!r} not available at master\n"
            await self.addCompleteLog("stderr", text)
            return await self._outcome(on_master(error, self.mastersrc))
        try:
            why = await self._send_file(file)
        except OSError as error:
            why = await self._given_up(on_master(error, self.mastersrc))
        finally:
            file.close()
        return await self._outcome(why)

    async def _send_file(self, file: BinaryIO) -> str | None:
        size = os.fstat(file.fileno()).st_size
        if size > PIECE and self._is_on_same_machine():
            return await self._let_copy(await asyncio.to_thread(_real, self.mastersrc), size)
        return await self._download(file, size)


class _Content(_Download):
    """A download of what the master has in memory."""

    async def _send(self, content: bytes) -> int:
        await self._begin(self._subject())
        return await self._outcome(await self._download(io.BytesIO(content), len(content)))


class StringDownload(_Content):
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
        blocksize: int = BLOCK,
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


class JSONStringDownload(_Content):
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
        blocksize: int = BLOCK,
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


class JSONPropertiesDownload(_Content):
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
    return await asyncio.to_thread(file.read, PIECE)
