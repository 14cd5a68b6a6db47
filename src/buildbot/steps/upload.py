"""Steps that bring files from the worker to the master."""

from __future__ import annotations

import glob
import posixpath
from typing import Any, ClassVar

from buildbot._border.arguments import renamed
from buildbot._border.bridge import inward, outgoing
from buildbot.config import error
from buildbot.process.buildstep import BuildStep
from buildbot.process.remotecommand import RemoteCommand
from buildbot.process.results import SKIPPED, SUCCESS
from buildbot.steps.receiving import Upload
from buildbot.steps.transferring import BLOCK
from buildbot.steps.worker import CompositeStepMixin


class FileUpload(Upload):
    """Copy a file of the worker to the master.

    ``workersrc`` is relative to the working directory, ``masterdest`` to the master's directory;
    missing directories are made. ``mode`` is that of the new file, ``keepstamp`` keeps the times of
    the old one. A file of more than ``maxsize`` bytes fails the step, and nothing is written.

    Args:
        workersrc (str, required, renderable): Path on the worker, relative to the working
            directory.
        mode (int | None): Permissions of the new file, such as 0o644.
        keepstamp (bool): Keep the times of the worker's file.
        slavesrc (str | None, renderable, default None): Old name of workersrc.
    """

    name = "upload"

    def __init__(
        self,
        workersrc: Any = None,
        masterdest: Any = None,
        workdir: Any = None,
        maxsize: int | None = None,
        blocksize: int = BLOCK,
        mode: int | None = None,
        keepstamp: bool = False,
        url: Any = None,
        urlText: Any = None,
        slavesrc: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            masterdest=masterdest,
            workdir=workdir,
            maxsize=maxsize,
            blocksize=blocksize,
            mode=mode,
            url=url,
            urlText=urlText,
            **kwargs,
        )
        self.workersrc = _source(self, workersrc, slavesrc)
        self.keepstamp = keepstamp

    @outgoing
    async def run(self) -> int:
        """Bring the file."""
        await self._begin(_last_part(self.workersrc))
        why = await self._upload_file(self.workersrc, self._target(), self.mode, self.keepstamp)
        if why is None:
            await self._add_link()
        return await self._outcome(why)


class DirectoryUpload(Upload):
    """Copy a directory of the worker, with all it contains, into a directory of the master.

    It travels as an archive, compressed if ``compress`` is ``"gz"``, ``"bz2"`` or ``"zstd"`` (from
    a worker without zstd, such as a stock one, with ``"gz"`` instead); ``maxsize`` limits the
    archive. Links that lead out of the directory fail the step.

    Args:
        workersrc (str, required, renderable): Path on the worker, relative to the working
            directory.
        compress (str | None): "gz", "bz2" or "zstd" to compress what is sent.
        slavesrc (str | None, renderable, default None): Old name of workersrc.
    """

    name = "upload"

    def __init__(
        self,
        workersrc: Any = None,
        masterdest: Any = None,
        workdir: Any = None,
        maxsize: int | None = None,
        blocksize: int = BLOCK,
        compress: str | None = None,
        url: Any = None,
        urlText: Any = None,
        slavesrc: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            masterdest=masterdest,
            workdir=workdir,
            maxsize=maxsize,
            blocksize=blocksize,
            mode=None,
            url=url,
            urlText=urlText,
            **kwargs,
        )
        self.workersrc = _source(self, workersrc, slavesrc)
        self.compress = _compression(self, compress)

    @outgoing
    async def run(self) -> int:
        """Bring the directory."""
        await self._begin(_last_part(self.workersrc))
        why = await self._upload_directory(self.workersrc, self._target(), self.compress)
        if why is None:
            await self._add_link()
        return await self._outcome(why)


class MultipleFileUpload(CompositeStepMixin, Upload):
    """Copy several files and directories of the worker into a directory of the master.

    With ``glob``, ``workersrcs`` are patterns. Subclasses override `uploadDone` and
    `allUploadsDone`. Without anything to copy, the step is skipped.

    Args:
        workersrcs (list[str] | str, required, renderable): Paths of files and directories on the
            worker, relative to the working directory.
        glob (bool): workersrcs are patterns such as `*.log`.
        mode (int | None): Permissions of the new files, such as 0o644.
        compress (str | None): "gz", "bz2" or "zstd" to compress directories that are sent.
        keepstamp (bool): Keep the times of the worker's files.
        slavesrcs (list[str] | str | None, renderable, default None): Old name of workersrcs.
    """

    name = "upload"
    renderables: ClassVar[Any] = ["workersrcs"]

    def __init__(
        self,
        workersrcs: Any = None,
        masterdest: Any = None,
        workdir: Any = None,
        maxsize: int | None = None,
        blocksize: int = BLOCK,
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
            masterdest=masterdest,
            workdir=workdir,
            maxsize=maxsize,
            blocksize=blocksize,
            mode=mode,
            url=url,
            urlText=urlText,
            **kwargs,
        )
        self.workersrcs = _source(self, workersrcs, slavesrcs, "workersrcs")
        self.glob = glob
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
        sources: list[str] = []
        for source in given:
            found, why = await self._found(source)
            if why is not None:
                await self._begin(source)
                return await self._outcome(why)
            sources += found
        await self._begin(f"{len(sources)} {'file' if len(sources) == 1 else 'files'}")
        if not sources:
            return SKIPPED
        result = SUCCESS
        for source in sources:
            result = await self._outcome(await self._upload(source))
            await inward(self.uploadDone, result, source, self.masterdest)
            if result != SUCCESS:
                break
        else:
            await self._add_link()
        await inward(self.allUploadsDone, result, sources, self.masterdest)
        return result

    async def _found(self, source: str) -> tuple[list[str], str | None]:
        """Return the files of a pattern, and why they cannot be named, if they cannot."""
        if not self.glob or not glob.has_magic(source):
            return [source], None
        command = RemoteCommand("glob", {"path": posixpath.join(str(self.workdir), source)})
        await inward(self.runCommand, command)
        if command.didFail():
            return [], self._why(command)
        files = command.updates["files"]
        return (list(files[-1]) if files else []), None

    async def _upload(self, source: str) -> str | None:
        target = self._target() / _last_part(source)
        command = RemoteCommand("stat", {"file": source, "workdir": self.workdir})
        await inward(self.runCommand, command)
        if command.didFail():
            missing = posixpath.join(str(self.workdir), source)
            await self.addCompleteLog("stderr", f"File {missing} not available at worker\n")
            return self._why(command)
        if command.updates["stat"][-1][0] & 0o170000 == 0o040000:
            return await self._upload_directory(source, target, self.compress)
        return await self._upload_file(source, target, self.mode, self.keepstamp)


def _last_part(path: Any) -> str:
    return posixpath.basename(str(path).rstrip("/"))


def _source(step: BuildStep, value: Any, old_value: Any, name: str = "workersrc") -> Any:
    old = name.replace("worker", "slave")
    return renamed(type(step).__name__, old, old_value, name, value)


def _compression(step: BuildStep, compress: str | None) -> str | None:
    if compress not in (None, "gz", "bz2", "zstd"):
        error(
            f"{type(step).__name__}: 'compress' must be None, 'gz', 'bz2' or 'zstd', "
            f"not {compress!r}"
        )
    return compress
