"""Steps that bring files from the worker to the master."""

from __future__ import annotations

import asyncio
import glob
import importlib
import os
import posixpath
import tarfile as _tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, ClassVar
from uuid import uuid4

from buildbot._border.arguments import renamed
from buildbot._border.bridge import inward, outgoing
from buildbot._border.numbers import COUNT_OR_NONE, PERMISSIONS_OR_NONE, POSITIVE, check_number
from buildbot.config import error
from buildbot.process.buildstep import BuildStep
from buildbot.process.remotecommand import RemoteCommand
from buildbot.process.results import CANCELLED, FAILURE, SKIPPED, SUCCESS
from buildbot.steps.receiving import Receiving
from buildbot.steps.worker import CompositeStepMixin

# Python 3.11.2, which Debian 12 has, cannot keep an archive from leaving its directory.
_CAN_FILTER = hasattr(_tarfile, "data_filter")
tarfile: Any = _tarfile if _CAN_FILTER else importlib.import_module("backports.tarfile")

_BLOCK = 256 * 1024


class _Upload(BuildStep):
    """What the uploads have in common: ``masterdest`` is there whole, or as it was before.

    Args:
        masterdest (str, required, renderable): Path on the master, relative to its directory;
            missing directories are created.
        maxsize (int | None, bytes): A source that is larger fails the step, and nothing is written;
            None for no limit.
        blocksize (int, bytes): Size of the pieces that are sent.
        url (str | None, renderable): Address of the result, shown as a link of the step.
        urlText (str | None, renderable): Text of that link; by default the last part of masterdest.
    """

    renderables: ClassVar[Any] = ["workersrc", "masterdest", "url", "urlText"]
    haltOnFailure = True
    flunkOnFailure = True
    description: Any = ["uploading"]

    def __init__(
        self,
        *,
        workersrc: Any,
        masterdest: Any,
        workdir: Any,
        maxsize: int | None,
        blocksize: int,
        url: Any,
        urlText: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(workdir=workdir, **kwargs)
        check_number(type(self).__name__, "maxsize", maxsize, COUNT_OR_NONE)
        check_number(type(self).__name__, "blocksize", blocksize, POSITIVE)
        self.workersrc = workersrc
        self.masterdest = masterdest
        self.maxsize = maxsize
        self.blocksize = blocksize
        self.url = url
        self.urlText = urlText

    async def _upload_file(
        self, source: str, target: Path, mode: int | None, keepstamp: bool
    ) -> str | None:
        """Bring a file; return why not, None if it worked."""

        def place(name: Path, times: list[float] | None) -> None:
            if mode is not None:
                name.chmod(mode)
            if keepstamp and times is not None:
                os.utime(name, (times[0], times[1]))
            name.replace(target)

        return await self._receive("uploadFile", {"workersrc": source}, target.parent, place)

    async def _upload_directory(
        self, source: str, target: Path, compress: str | None
    ) -> str | None:
        """Bring a directory's content into *target*; return why not, None if it worked."""

        def place(name: Path, _times: list[float] | None) -> None:
            target.mkdir(parents=True, exist_ok=True)
            with tarfile.open(name) as archive:
                # Nothing outside of the directory, no devices, no links that lead away.
                archive.extractall(target, filter="data")
            name.unlink()

        arguments = {"workersrc": source, "compress": compress}
        return await self._receive("uploadDirectory", arguments, target.parent, place)

    async def _receive(
        self,
        command_name: str,
        arguments: dict[str, Any],
        directory: Path,
        place: Callable[[Path, list[float] | None], None],
    ) -> str | None:
        self.checkWorkerHasCommand(command_name)
        try:
            file = await asyncio.to_thread(_temporary, directory)
        except OSError as error:
            return f"on the master: {error.strerror}: {error.filename or directory}"
        name = Path(file.name)
        try:
            return await self._receive_into(file, name, command_name, arguments, place)
        finally:
            await asyncio.to_thread(_discard, file, name)

    async def _receive_into(
        self,
        file: BinaryIO,
        name: Path,
        command_name: str,
        arguments: dict[str, Any],
        place: Callable[[Path, list[float] | None], None],
    ) -> str | None:
        more = {"workdir": self.workdir, "maxsize": self.maxsize, "blocksize": self.blocksize}
        into = {"into": str(name)} if self._is_on_same_machine() else {}
        command = Receiving(command_name, {**arguments, **more, **into}, file)
        try:
            await inward(self.runCommand, command)
        finally:
            await command.finish()
        if command.failure is not None:
            return f"on the master: {command.failure.strerror}: {name.parent}"
        if command.results() != SUCCESS:
            why = command.updates["why"]
            return f"on worker {self.getWorkerName()}: {why[-1] if why else 'interrupted'}"
        times = command.updates["times"]
        try:
            await asyncio.to_thread(place, name, times[-1] if times else None)
        except (OSError, tarfile.TarError) as error:
            return f"on the master: {error}"
        return None

    def _target(self) -> Path:
        return Path(os.path.expanduser(self.masterdest))  # noqa: PTH111 - it reads no disk

    async def _add_link(self) -> None:
        if self.url is not None:
            text = self.urlText or posixpath.basename(str(self.masterdest).rstrip("/"))
            await self.addURL(text, self.url)

    def _outcome(self, source: Any, why: str | None) -> int:
        if why is not None:
            self.descriptionDone = [f"upload {source} ({why})"]
            return CANCELLED if self.stopped else FAILURE
        self.descriptionDone = ["uploaded", source]
        return SUCCESS


class FileUpload(_Upload):
    """Copy a file of the worker to the master.

    ``workersrc`` is relative to the working directory, ``masterdest`` to the master's directory;
    missing directories are made. ``mode`` is that of the new file, ``keepstamp`` keeps the times of
    the old one. A file of more than ``maxsize`` bytes fails the step, and nothing is written.

    Args:
        workersrc (str, required, renderable): Path on the worker, relative to the working
            directory.
        mode (int | None): Permissions of the new file, such as 0o644.
        keepstamp (bool): Keep the times of the worker's file.
        slavesrc (str | None, default None): Old name of workersrc.
    """

    name = "upload"

    def __init__(
        self,
        workersrc: Any = None,
        masterdest: Any = None,
        workdir: Any = None,
        maxsize: int | None = None,
        blocksize: int = _BLOCK,
        mode: int | None = None,
        keepstamp: bool = False,
        url: Any = None,
        urlText: Any = None,
        slavesrc: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            workersrc=_source(self, workersrc, slavesrc),
            masterdest=_needed(self, masterdest),
            workdir=workdir,
            maxsize=maxsize,
            blocksize=blocksize,
            url=url,
            urlText=urlText,
            **kwargs,
        )
        check_number(type(self).__name__, "mode", mode, PERMISSIONS_OR_NONE)
        self.mode = mode
        self.keepstamp = keepstamp

    @outgoing
    async def run(self) -> int:
        """Bring the file."""
        target = self._target()
        why = await self._upload_file(self.workersrc, target, self.mode, self.keepstamp)
        if why is None:
            await self._add_link()
        return self._outcome(self.workersrc, why)


class DirectoryUpload(_Upload):
    """Copy a directory of the worker, with all it contains, into a directory of the master.

    It travels as an archive, compressed if ``compress`` is ``"gz"`` or ``"bz2"``; ``maxsize``
    limits the archive. Links that lead out of the directory fail the step.

    Args:
        workersrc (str, required, renderable): Path on the worker, relative to the working
            directory.
        compress (str | None): "gz" or "bz2" to compress what is sent.
        slavesrc (str | None, default None): Old name of workersrc.
    """

    name = "upload"

    def __init__(
        self,
        workersrc: Any = None,
        masterdest: Any = None,
        workdir: Any = None,
        maxsize: int | None = None,
        blocksize: int = _BLOCK,
        compress: str | None = None,
        url: Any = None,
        urlText: Any = None,
        slavesrc: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            workersrc=_source(self, workersrc, slavesrc),
            masterdest=_needed(self, masterdest),
            workdir=workdir,
            maxsize=maxsize,
            blocksize=blocksize,
            url=url,
            urlText=urlText,
            **kwargs,
        )
        self.compress = _compression(self, compress)

    @outgoing
    async def run(self) -> int:
        """Bring the directory."""
        target = self._target()
        why = await self._upload_directory(self.workersrc, target, self.compress)
        if why is None:
            await self._add_link()
        return self._outcome(self.workersrc, why)


class MultipleFileUpload(CompositeStepMixin, _Upload):
    """Copy several files and directories of the worker into a directory of the master.

    With ``glob``, ``workersrcs`` are patterns. Subclasses override `uploadDone` and
    `allUploadsDone`. Without anything to copy, the step is skipped.

    Args:
        workersrcs (list[str] | str, required, renderable): Paths of files and directories on the
            worker, relative to the working directory.
        glob (bool): workersrcs are patterns such as `*.log`.
        mode (int | None): Permissions of the new files, such as 0o644.
        compress (str | None): "gz" or "bz2" to compress directories that are sent.
        keepstamp (bool): Keep the times of the worker's files.
        slavesrcs (list[str] | str | None, default None): Old name of workersrcs.
    """

    name = "upload"
    renderables: ClassVar[Any] = ["workersrcs"]

    def __init__(
        self,
        workersrcs: Any = None,
        masterdest: Any = None,
        workdir: Any = None,
        maxsize: int | None = None,
        blocksize: int = _BLOCK,
        glob: bool = False,
        mode: int | None = None,
        compress: str | None = None,
        keepstamp: bool = False,
        url: Any = None,
        urlText: Any = None,
        slavesrcs: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            workersrc=None,
            masterdest=_needed(self, masterdest),
            workdir=workdir,
            maxsize=maxsize,
            blocksize=blocksize,
            url=url,
            urlText=urlText,
            **kwargs,
        )
        self.workersrcs = _source(self, workersrcs, slavesrcs, "workersrcs")
        self.glob = glob
        check_number(type(self).__name__, "mode", mode, PERMISSIONS_OR_NONE)
        self.mode = mode
        self.compress = _compression(self, compress)
        self.keepstamp = keepstamp

    def uploadDone(self, result: int, source: str, masterdest: str) -> Any:
        """Called after each source; may return a Deferred."""

    def allUploadsDone(self, result: int, sources: list[str], masterdest: str) -> Any:
        """Called after the last one; may return a Deferred."""

    @outgoing
    async def run(self) -> int:
        """Bring one after the other; end at the first that fails."""
        given = self.workersrcs if isinstance(self.workersrcs, list | tuple) else [self.workersrcs]
        sources = [found for source in given for found in await self._found(source)]
        if not sources:
            self.descriptionDone = ["uploaded nothing"]
            return SKIPPED
        result = SUCCESS
        for source in sources:
            why = await self._upload(source)
            result = self._outcome(source, why)
            await inward(self.uploadDone, result, source, self.masterdest)
            if why is not None:
                break
        else:
            self.descriptionDone = ["uploaded", f"{len(sources)} {_files(len(sources))}"]
            await self._add_link()
        await inward(self.allUploadsDone, result, sources, self.masterdest)
        return result

    async def _found(self, source: str) -> list[str]:
        if not self.glob or not glob.has_magic(source):
            return [source]
        command = RemoteCommand("glob", {"path": posixpath.join(str(self.workdir), source)})
        await inward(self.runCommand, command)
        files = command.updates["files"]
        return list(files[-1]) if files else []

    async def _upload(self, source: str) -> str | None:
        target = self._target() / posixpath.basename(source.rstrip("/"))
        command = RemoteCommand("stat", {"file": source, "workdir": self.workdir})
        await inward(self.runCommand, command)
        status = command.updates["stat"]
        if status and status[-1][0] & 0o170000 == 0o040000:
            return await self._upload_directory(source, target, self.compress)
        return await self._upload_file(source, target, self.mode, self.keepstamp)


def _files(count: int) -> str:
    return "file" if count == 1 else "files"


def _temporary(directory: Path) -> BinaryIO:
    """Make a file with the usual mode in a directory, which is made if it is missing."""
    directory.mkdir(parents=True, exist_ok=True)
    return (directory.absolute() / f".upload-{uuid4().hex}").open("xb")


def _discard(file: BinaryIO, name: Path) -> None:
    file.close()
    with suppress(OSError):  # It was placed, as a rule.
        name.unlink()


def _source(step: BuildStep, value: Any, old_value: Any, name: str = "workersrc") -> Any:
    old = name.replace("worker", "slave")
    return renamed(type(step).__name__, old, old_value, name, value)


def _needed(step: BuildStep, masterdest: Any) -> Any:
    if masterdest is None:
        raise TypeError(f"{type(step).__name__}: argument 'masterdest' is missing")
    return masterdest


def _compression(step: BuildStep, compress: str | None) -> str | None:
    if compress not in (None, "gz", "bz2"):
        error(f"{type(step).__name__}: 'compress' must be None, 'gz' or 'bz2', not {compress!r}")
    return compress
