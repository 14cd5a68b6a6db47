"""Steps that move files between the master and the worker."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any, ClassVar

from buildbot._border.arguments import renamed
from buildbot._border.bridge import inward, outgoing
from buildbot.process.buildstep import BuildStep
from buildbot.process.remotecommand import RemoteCommand
from buildbot.process.results import FAILURE, SUCCESS
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

MOST = 32 * 1024 * 1024
"""The largest file that a download can send, in bytes: it goes with the order, in one piece."""


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
        *,
        workerdest: Any,
        workdir: Any,
        maxsize: int | None,
        blocksize: int,
        mode: int | None,
        slavedest: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(workdir=workdir, **kwargs)
        workerdest = renamed(type(self).__name__, "slavedest", slavedest, "workerdest", workerdest)
        self.workerdest = workerdest
        self.maxsize = maxsize
        self.blocksize = blocksize
        self.mode = mode

    async def _send(self, content: bytes) -> int:
        """Write the content to the file on the worker."""
        most = MOST if self.maxsize is None else min(self.maxsize, MOST)
        if len(content) > most:
            return self._failed(f"it has more than {most} bytes")
        self.checkWorkerHasCommand("downloadFile")
        arguments = {
            "workerdest": self.workerdest,
            "workdir": self.workdir,
            "mode": self.mode,
            "content": content,
        }
        command = RemoteCommand("downloadFile", arguments)
        await inward(self.runCommand, command)
        if command.didFail():
            why = command.updates["why"]
            return self._failed(f"on worker {self.getWorkerName()}: {why[-1]}" if why else "")
        self.descriptionDone = ["downloaded", self.workerdest]
        return SUCCESS

    def _failed(self, why: str) -> int:
        reason = f" ({why})" if why else ""
        self.descriptionDone = [f"download {self.workerdest}{reason}"]
        return FAILURE


class FileDownload(_Download):
    """Copy a file of the master to the worker.

    ``mastersrc`` is relative to the master's directory. A file of more than 32 MiB, or ``maxsize``
    bytes, fails the step, and nothing is written.

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
            content = await asyncio.to_thread(_beginning, self.mastersrc)
        except OSError as error:
            return self._failed(f"on the master: {error.strerror}: {self.mastersrc}")
        return await self._send(content)


class StringDownload(_Download):
    """Write a text to a file on the worker, as UTF-8.

    Args:
        s (str, renderable): The file's text.
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
        super().__init__(
            workerdest=workerdest,
            workdir=workdir,
            maxsize=maxsize,
            blocksize=blocksize,
            mode=mode,
            slavedest=slavedest,
            **kwargs,
        )

    @outgoing
    async def run(self) -> int:
        """Send the properties."""
        properties = {name: value for name, (value, _) in self.getProperties().asDict().items()}
        stamps = [stamp.asDict() for stamp in self.build.getAllSourceStamps()]
        content = {"properties": properties, "sourcestamps": stamps}
        return await self._send(json.dumps(content).encode())


def _beginning(name: str) -> bytes:
    """Return the file's bytes; of one that is too long, enough to tell."""
    with os.fdopen(open_regular(Path(name).expanduser()), "rb") as file:
        return file.read(MOST + 1)
