"""Files and directories that a worker sends: they are placed when they are whole."""

from __future__ import annotations

import asyncio
import importlib
import os
import posixpath
import shutil
import tarfile as _tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, ClassVar
from uuid import uuid4

import zstandard

from buildbot._border.arguments import needed
from buildbot._border.bridge import inward
from buildbot.process.remotecommand import RemoteCommand
from buildbot.process.results import SUCCESS
from buildbot.steps.placing import LeadsOutside, place_tree, staging_directory
from buildbot.steps.transferring import Transfer, on_master
from chargehand.domain.session import Receipt

# Python 3.11.2, which Debian 12 has, cannot keep an archive from leaving its directory.
_CAN_FILTER = hasattr(_tarfile, "data_filter")
tarfile: Any = _tarfile if _CAN_FILTER else importlib.import_module("backports.tarfile")

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

        def place(name: Path, _times: list[float] | None) -> None:
            stage = staging_directory(target)
            try:
                with _archive(name, compress) as archive:
                    # Nothing outside of the directory, no devices, no links that lead away.
                    archive.extractall(stage, filter="data")
                place_tree(stage, target)
            finally:
                shutil.rmtree(stage, ignore_errors=True)
            name.unlink()

        arguments = {"workersrc": source, "compress": compress}
        arriving = _Arriving(target.parent, place)
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
        into = {arriving.argument: str(arriving.name)} if self._is_on_same_machine() else {}
        command = Receiving(command_name, {**arguments, **more, **into}, arriving.file)
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

    argument = "into"

    def __init__(self, directory: Path, place: _Place) -> None:
        self.directory = directory
        self.place = place
        self.name = directory.absolute() / f".upload-{uuid4().hex}"
        self.file: BinaryIO | None = None

    def open(self) -> None:
        """Make the file, with the usual mode, and its directory. Raises OSError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.file = self.name.open("xb")

    def discard(self) -> None:
        """Remove it, unless it was placed."""
        if self.file is not None:
            self.file.close()
        with suppress(OSError):
            self.name.unlink()


class _ArrivingTree(_Arriving):
    """A directory into which a worker on the same machine copies."""

    argument = "intoDirectory"

    def __init__(self, target: Path) -> None:
        super().__init__(target.parent, lambda name, _: place_tree(name, target))
        self._target = target

    def open(self) -> None:
        """Make the directory. Raises OSError."""
        self.name = staging_directory(self._target)

    def discard(self) -> None:
        """Remove what was not placed."""
        shutil.rmtree(self.name, ignore_errors=True)


@contextmanager
def _archive(name: Path, compress: str | None) -> Iterator[Any]:
    """Open an archive. Raises OSError, TarError."""
    if compress != "zstd":
        with tarfile.open(name) as archive:
            yield archive
        return
    with name.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as text:
        try:
            with tarfile.open(fileobj=text, mode="r|") as archive:
                yield archive
        except zstandard.ZstdError as error:
            raise tarfile.ReadError(f"the archive is damaged: {error}") from error


class Receiving(RemoteCommand):
    """A command whose ``content`` goes to a file of the master.

    The worker continues when a piece is written, so that a slow disk slows it down. A piece comes
    once, also when the connection is interrupted.
    """

    def __init__(self, name: str, arguments: dict[str, Any], file: BinaryIO | None) -> None:
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
