"""Files and directories that a worker sends: they are placed when they are whole."""

from __future__ import annotations

import asyncio
import io
import os
import posixpath
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Protocol
from uuid import uuid4

from buildbot._border.arguments import needed
from buildbot._border.bridge import inward
from buildbot.process.remotecommand import RemoteCommand
from buildbot.process.results import SUCCESS
from buildbot.steps.placing import LeadsOutside, place_tree, staging_directory
from buildbot.steps.transferring import Transfer, on_master
from buildbot.steps.unpacking import Unpacking, tarfile
from chargehand.domain.session import Receipt

_Place = Callable[[Path, list[float] | None], None]


class Upload(Transfer):
    """What the uploads have in common: ``masterdest`` is there whole, or as it was before.

    Args:
        masterdest (str, required, renderable): Path on the master, relative to its directory;
            missing directories are created.
        url (str | None, renderable): Address of the result, shown as a link of the step.
        urlText (str | None, renderable): Text of that link; by default the last part of masterdest.
    """

    renderables: ClassVar[Any] = ["workersrc", "masterdest", "url", "urlText"]

    workersrc: Any = None

    def __init__(self, *, masterdest: Any, url: Any, urlText: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.masterdest = needed(type(self).__name__, "masterdest", masterdest)
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

        arguments = {"workersrc": source}
        return await self._bring("uploadFile", arguments, _Arriving(target.parent, place))

    async def _upload_directory(
        self, source: str, target: Path, compress: str | None
    ) -> str | None:
        """Bring a directory's content into *target*; return why not, None if it worked."""
        compress = self._compression(compress)
        arguments = {"workersrc": source, "compress": compress}
        arriving: _Arriving = _ArrivingArchive(target)
        # How much a limit leaves of an archive depends on its compression.
        if self._can_copy_directories() and (compress is None or self.maxsize is None):
            arguments["compress"] = None
            arriving = _ArrivingTree(target)
        return await self._bring("uploadDirectory", arguments, arriving)

    async def _bring(
        self, command_name: str, arguments: dict[str, Any], arriving: _Arriving
    ) -> str | None:
        self.checkWorkerHasCommand(command_name)
        await self._sending(arguments["workersrc"])
        try:
            await asyncio.to_thread(arriving.open)
        except OSError as error:
            return on_master(error, arriving.directory)
        try:
            return await self._bring_into(command_name, arguments, arriving)
        finally:
            await asyncio.to_thread(arriving.discard)

    async def _bring_into(
        self, command_name: str, arguments: dict[str, Any], arriving: _Arriving
    ) -> str | None:
        more = {"workdir": self.workdir, "maxsize": self.maxsize, "blocksize": self.blocksize}
        command_arguments = {**arguments, **more}
        if arriving.argument is not None and self._is_on_same_machine():
            command_arguments[arriving.argument] = str(arriving.name)
        command = Receiving(command_name, command_arguments, arriving.file)
        try:
            await inward(self.runCommand, command)
        finally:
            await command.finish()
        await self._ended(command)
        if command.failure is not None:
            return on_master(command.failure, arriving.directory)
        if command.results() != SUCCESS:
            return self._why(command)
        times = command.updates["times"]
        try:
            await asyncio.to_thread(arriving.place, arriving.name, times[-1] if times else None)
        except OSError as error:
            return on_master(error, arriving.directory)
        except (LeadsOutside, tarfile.TarError) as error:
            return str(error)
        return None

    def _target(self) -> Path:
        return Path(os.path.expanduser(self.masterdest))  # noqa: PTH111 - it reads no disk

    async def _add_link(self) -> None:
        if self.url is not None:
            text = self.urlText or posixpath.basename(str(self.masterdest).rstrip("/"))
            await self.addURL(text, self.url)


class _Arriving:
    """A file in the directory of its target until it is whole; *place* brings it to its place."""

    argument: ClassVar[str | None] = "into"
    """The command's argument for a worker that can write there itself, if one can."""

    def __init__(self, directory: Path, place: _Place) -> None:
        self.directory = directory
        self.place = place
        self.name = directory.absolute() / f".upload-{uuid4().hex}"
        self.file: Sink | None = None

    def open(self) -> None:
        """Make the file, with the usual mode, and its directory. Raises OSError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.file = self.name.open("xb")

    def discard(self) -> None:
        """Remove it, unless it was placed."""
        if isinstance(self.file, io.IOBase):
            self.file.close()
        with suppress(OSError):
            self.name.unlink()


class _ArrivingTree(_Arriving):
    """A directory into which a worker on the same machine copies."""

    argument: ClassVar[str | None] = "intoDirectory"

    def __init__(self, target: Path) -> None:
        super().__init__(target.parent, lambda name, _: place_tree(name, target))
        self._target = target

    def open(self) -> None:
        """Make the directory. Raises OSError."""
        self.name = staging_directory(self._target)

    def discard(self) -> None:
        """Remove what was not placed."""
        shutil.rmtree(self.name, ignore_errors=True)


class _ArrivingArchive(_ArrivingTree):
    """An archive that becomes a directory while it arrives."""

    argument = None

    def __init__(self, target: Path) -> None:
        super().__init__(target)
        self._unpacking: Unpacking | None = None
        self._place_tree, self.place = self.place, self._place

    def open(self) -> None:
        """Make the directory. Raises OSError."""
        super().open()
        self.file = self._unpacking = Unpacking(self.name)

    def discard(self) -> None:
        """Unpack no more, and remove what was not placed."""
        if self._unpacking is not None:
            self._unpacking.give_up()
        super().discard()

    def _place(self, name: Path, times: list[float] | None) -> None:
        if self._unpacking is not None:
            self._unpacking.finish()
        self._place_tree(name, times)


class Sink(Protocol):
    """Where pieces go; both methods raise OSError."""

    def write(self, piece: bytes, /) -> int:
        """Take a piece."""

    def flush(self) -> None:
        """Let nothing wait."""


class Receiving(RemoteCommand):
    """A command whose ``content`` goes to a file of the master.

    The worker continues when a piece is written, so that a slow disk slows it down. A piece comes
    once, also when the connection is interrupted.
    """

    def __init__(self, name: str, arguments: dict[str, Any], file: Sink | None) -> None:
        super().__init__(name, arguments)
        self._file = file
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="upload")
        self.failure: OSError | None = None

    def _take_value(self, key: str, value: Any) -> Receipt | None:
        if key != "content":
            return super()._take_value(key, value)
        return asyncio.get_running_loop().run_in_executor(self._writer, self._keep, value)

    def _keep(self, piece: bytes) -> None:
        if self.failure is not None or self._file is None:
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
        if self.failure is None and self._file is not None:
            try:
                self._file.flush()
            except OSError as error:
                self.failure = error
