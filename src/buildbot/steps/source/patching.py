"""Applying the patch of a source stamp to sources that are checked out."""

from __future__ import annotations

from typing import Any

from buildbot._border.bridge import inward, outgoing
from buildbot.process.errors import BuildStepCancelled, BuildStepFailed
from buildbot.process.remotecommand import RemoteShellCommand
from buildbot.process.results import SUCCESS

PATCHED = ".buildbot-patched"
"""The file that says that sources were patched, so that the next build has to clean them."""
_NOT_FOUND = 127
"""The exit code of shells and of our agent for a program that is not there."""
_DIFF = ".buildbot-diff"


class Patching:
    """Applies patches with the program ``patch`` on the worker."""

    workdir: Any
    failure: str | None
    is_patched: bool = False
    """Whether this build's patch was applied."""

    @outgoing
    async def sourcedirIsPatched(self: Any) -> bool:
        """Whether an earlier build has patched the sources."""
        marker = self.build.path_module.join(self.workdir, PATCHED)
        return bool(await inward(self.pathExists, marker))

    @outgoing
    async def patch(self: Any, patch: Any) -> int:
        """Apply ``(level, body, subdir)``. It fails the step if it does not apply."""
        level, body, subdir = (*patch, None)[:3]
        workdir = self._directory_of_patch(subdir)
        if workdir is None:
            await self._not_patched(f"the patch's directory {subdir!r} is not below the sources")
        level = int(level)
        if level < 0:
            await self._not_patched(f"the patch's level must not be negative, but is {level}")
        await inward(self.downloadFileContentToWorker, PATCHED, "patched\n", abandonOnFailure=True)
        await inward(
            self.downloadFileContentToWorker, _DIFF, body, abandonOnFailure=True, workdir=workdir
        )
        command = RemoteShellCommand(
            workdir,
            ["patch", f"-p{level}", "--remove-empty-files", "--force", "--forward", "-i", _DIFF],
            env={**(self.build.env or {}), **(self.env or {})},
            logEnviron=self.logEnviron,
            timeout=self.timeout,
        )
        command.useLog(self.stdio_log, False)
        await inward(self.runCommand, command)
        diff = self.build.path_module.join(workdir, _DIFF)
        await inward(self.runRmFile, diff, abandonOnFailure=False)
        if self.stopped:
            raise BuildStepCancelled
        if command.didFail():
            await self._not_patched(_problem(command))
        self.is_patched = True
        return SUCCESS

    def _directory_of_patch(self: Any, subdir: str | None) -> str | None:
        """Return the directory in which to apply a patch, None if it is outside of the sources."""
        if not subdir:
            return str(self.workdir)
        path = self.build.path_module
        inside = path.normpath(subdir)
        if path.isabs(inside) or path.splitdrive(inside)[0] or inside.split(path.sep)[0] == "..":
            return None
        return str(path.join(self.workdir, inside))

    async def _not_patched(self: Any, sentence: str) -> None:
        self.failure = sentence
        await self.stdio_log.addHeader(f"{sentence}\n")
        raise BuildStepFailed


def _problem(command: RemoteShellCommand) -> str:
    if command.rc == 1:
        return "the patch does not apply; see the log"
    if command.rc == _NOT_FOUND:
        return 'the program "patch" is not installed on the worker'
    return f'"patch" failed with exit code {command.rc}; see the log'
