"""Getting sources with git."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from buildbot._border.bridge import inward, outgoing
from buildbot._border.errors import error
from buildbot._border.numbers import COUNT_OR_NONE, check_number
from buildbot._border.old_arguments import of_old_mode
from buildbot._border.rendering import is_constant
from buildbot.process.errors import BuildStepFailed
from buildbot.process.remotecommand import RemoteCommand
from buildbot.process.results import SUCCESS
from buildbot.steps.source.base import Source
from buildbot.steps.source.git_description import check_description, describe_options
from buildbot.steps.source.git_publishing import GitCommit, GitPush, GitTag
from buildbot.steps.source.git_revisions import GitRevisions
from buildbot.steps.source.patching import PATCHED
from buildbot.util.git import RC_SUCCESS
from buildbot.util.git_failures import CloneDamaged, is_absent

__all__ = ["RC_SUCCESS", "Git", "GitCommit", "GitPush", "GitTag"]

_MODES = ("incremental", "full")
_METHODS = ("clean", "fresh", "clobber", "copy", None)
_HASH_LENGTHS = (40, 64)


class Git(GitRevisions, Source):
    """Clone or update a git repository, and set ``got_revision`` (and ``commit-description``).

    The mode ``incremental`` keeps what builds left in the directory; ``full`` removes it with
    ``method`` ``clean`` (not what git ignores), ``fresh``, ``clobber`` (all; clones again) or
    ``copy`` (from a clone beside it). A clone that is damaged is made again. What is checked out is
    on its branch, where one is known.

    Args:
        repourl (str | None, required, renderable): Address of the repository.
        branch (str | None, renderable): Branch for builds whose source stamp names none.
        mode (str, renderable): "incremental" keeps files that earlier builds left, "full" removes
            them as method says.
        method (str | None, renderable): For "full": "clean", "fresh" (the default), "clobber" or
            "copy"; for "incremental" what to do about a damaged clone.
        reference (str | None, renderable): Repository on the worker whose objects the clone uses.
        submodules (bool, renderable): Check out submodules, too.
        remoteSubmodules (bool): Take the newest revisions of the submodules' branches.
        tags (bool, renderable): Fetch all tags, too, not only the branch.
        shallow (bool | int, renderable): Fetch only the newest commit, or so many.
        filters (list[str] | None, renderable): Filters for a partial clone (`--filter`).
        progress (bool): Have git report its progress, so that a long fetch does not count as
            silence.
        retryFetch (bool): Try again when fetching fails.
        clobberOnFailure (bool): Clone again when updating fails.
        getDescription (bool | dict[str, Any], renderable): Set the property commit-description with
            git describe; a dictionary has its options.
        config (dict[str, str] | None, renderable): Settings of git for its commands (`-c`).
        origin (str | None, renderable): Name of the remote; by default origin.
        sshPrivateKey (str | None, renderable): Private key for the repository, usually a
            util.Secret.
        sshHostKey (str | None, renderable): Public key of the repository's host.
        sshKnownHosts (str | None, renderable): Content of a known_hosts file, instead of
            sshHostKey.
        auth_credentials (tuple[str, str] | None): (user, password) for the repository.
        git_credentials (Any): Credentials as util.GitCredentialOptions.
    """

    name = "git"
    renderables = [
        "branch",
        "codebase",
        "config",
        "filters",
        "getDescription",
        "method",
        "mode",
        "origin",
        "reference",
        "repourl",
        "shallow",
        "sshHostKey",
        "sshKnownHosts",
        "sshPrivateKey",
        "submodules",
        "tags",
    ]
    srcdir = "source"

    def __init__(
        self,
        repourl: Any = None,
        branch: Any = "HEAD",
        mode: Any = "incremental",
        method: Any = None,
        reference: Any = None,
        submodules: Any = False,
        remoteSubmodules: bool = False,
        tags: Any = False,
        shallow: Any = False,
        filters: Any = None,
        progress: bool = True,
        retryFetch: bool = False,
        clobberOnFailure: bool = False,
        getDescription: Any = False,
        config: Any = None,
        origin: Any = None,
        sshPrivateKey: Any = None,
        sshHostKey: Any = None,
        sshKnownHosts: Any = None,
        auth_credentials: tuple[Any, Any] | None = None,
        git_credentials: Any = None,
        **kwargs: Any,
    ) -> None:
        mode, method = of_old_mode(type(self).__name__, mode, method)
        self.repourl = repourl
        self.branch = branch
        self.method = method
        self.reference = reference
        self.submodules = submodules
        self.remoteSubmodules = remoteSubmodules
        self.tags = tags
        if not isinstance(shallow, bool):
            check_number(type(self).__name__, "shallow", shallow, COUNT_OR_NONE)
        self.shallow = shallow
        self.filters = filters
        self.prog = progress
        self.retryFetch = retryFetch
        self.clobberOnFailure = clobberOnFailure
        self.getDescription = getDescription
        self.config = config
        self.origin = origin
        self.revision: Any = None
        self._was_patched = False
        super().__init__(mode=mode, **kwargs)
        self.setupGitStep(
            sshPrivateKey, sshHostKey, sshKnownHosts, auth_credentials, git_credentials
        )
        self._check_arguments()

    def _check_arguments(self) -> None:
        if is_constant(self.mode) and self.mode not in _MODES:
            error(f"Git: mode must be {' or '.join(_MODES)}, not {self.mode!r}")
        is_used = self.mode != "incremental"  # Files of others name methods that are ignored.
        if is_used and is_constant(self.method) and self.method not in _METHODS:
            error(f"Git: invalid method for mode {self.mode!r}: {self.method!r}")
        check_description(self.getDescription)

    def computeSourceRevision(self, changes: Any) -> Any:
        """Return the revision of the last change."""
        return changes[-1].revision if changes else None

    @outgoing
    async def run_vc(self, branch: Any, revision: Any, patch: Any) -> int:
        """Get the sources of *revision*, or the newest of *branch*."""
        self.branch = branch or "HEAD"
        self.revision = revision or None
        await self._refuse_options()
        async with self._access():
            if self.mode == "incremental":
                await self.mode_incremental()
            else:
                await self.mode_full()
            await self.parseGotRevision()
            await self.parseCommitDescription()
        return SUCCESS

    async def _refuse_options(self) -> None:
        """Keep the name of a branch from being used as an option such as ``--upload-pack=x``."""
        for name in ("repourl", "branch", "revision"):
            value = getattr(self, name)
            if isinstance(value, str) and value.startswith("-"):
                await self._fail(
                    f"the {name} {value!r} is not valid: git would take it as an option"
                )

    @outgoing
    async def mode_full(self) -> None:
        """Leave nothing in the directory but the sources."""
        match self.method or "fresh":
            case "clobber":
                await self.clobber()
            case "copy":
                await self.copy()
            case "clean":
                await self._updated(self.clean)
            case _:
                await self._updated(self.fresh)

    @outgoing
    async def mode_incremental(self) -> None:
        """Bring the directory up to date."""
        await self._updated(self._update)

    async def _updated(self, update: Callable[[], Awaitable[None]]) -> None:
        """Clone, or update the clone that is there, unless that turns out to be damaged."""
        if not await self._sourcedirIsUpdatable():
            await self._fullCloneOrFallback(self.shallow)
            return
        try:
            await (self.fresh() if self._was_patched else update())
        except CloneDamaged:
            await self.stdio_log.addHeader(f"{self.failure}; cloning again\n")
            self.failure = None
            await self.clobber()

    async def _update(self) -> None:
        if self.branch == "HEAD" and not self.revision:
            await self._find_default_branch()
        await self._fetchOrFallback(self.shallow)
        await self._syncSubmodule()
        await self._updateSubmodule()

    @outgoing
    async def clean(self) -> None:
        """Remove what git neither knows nor ignores, and update."""
        await self._cleaned(["clean", "-f", "-f", "-d"])

    @outgoing
    async def fresh(self) -> None:
        """Remove what git does not know, and update."""
        await self._cleaned(["clean", "-f", "-f", "-d", "-x"])

    async def _cleaned(self, clean: list[str]) -> None:
        may_clone = bool(self.clobberOnFailure)
        if await self._dovccmd(clean, abandonOnFailure=not may_clone) != RC_SUCCESS:
            await self.clobber()
            return
        await self._update()
        if self.submodules:
            await self._dovccmd(["submodule", "foreach", "--recursive", " ".join(["git", *clean])])
            await self._dovccmd(clean)

    @outgoing
    async def clobber(self) -> None:
        """Remove the directory, and clone."""
        await self._doClobber()
        await self._fullClone(self.shallow)

    @outgoing
    async def copy(self) -> None:
        """Update a clone beside the directory, and copy it there."""
        await self._doClobber()
        workdir = self.workdir
        self.workdir = source = self._directory_of_source()
        try:
            await self._updated(self.fresh)
        finally:
            self.workdir = workdir
        await self.runRemoteCommand(
            "cpdir",
            {
                "fromdir": source,
                "todir": workdir,
                "timeout": self.timeout,
                "logEnviron": self.logEnviron,
            },
        )

    def _directory_of_source(self) -> str:
        """Each codebase has a clone of its own beside the directory."""
        if not self.codebase:
            return self.srcdir
        return f"{self.srcdir}-{re.sub('[^A-Za-z0-9._-]', '_', str(self.codebase))}"

    @outgoing
    async def _doClobber(self) -> None:
        await self.runRmdir(self.workdir)

    @outgoing
    async def _sourcedirIsUpdatable(self) -> bool:
        """Whether there is a clone; anything else would be in the way of one, and is removed."""
        # Not logged: an empty directory is not an error.
        command = RemoteCommand("listdir", {"dir": self.workdir})
        await inward(self.runCommand, command)
        there = _listed(command)
        if there and ".git" not in there:
            await self._doClobber()
        self._was_patched = PATCHED in there
        return ".git" in there

    @outgoing
    async def _fetchOrFallback(self, shallowClone: Any) -> None:
        fetched = await self._fetch(shallowClone, not self.clobberOnFailure)
        if fetched != RC_SUCCESS:
            await self.clobber()

    @outgoing
    async def _fullCloneOrFallback(self, shallowClone: Any) -> None:
        code = await self._fullClone(shallowClone, not self.clobberOnFailure)
        if code != RC_SUCCESS:
            await self.clobber()

    @outgoing
    async def _fullClone(self, shallowClone: Any = False, abandonOnFailure: bool = True) -> int:
        """Clone, check out the revision, and get the submodules; a Deferred of the exit code."""
        code = await self._clone(shallowClone, abandonOnFailure)
        if code == RC_SUCCESS and (self.revision or self._needs_fetch()):
            code = await self._fetch(shallowClone, abandonOnFailure)
        if code == RC_SUCCESS and self.submodules:
            remote = ["--remote"] if self.remoteSubmodules else []
            depth = ["--depth", str(int(shallowClone))] if shallowClone else []
            command = ["submodule", "update", "--init", "--recursive", *remote, *depth]
            code = await self._dovccmd(command, abandonOnFailure)
        return int(code)

    def _needs_fetch(self) -> bool:
        return bool(self.branch.startswith("refs/"))

    @outgoing
    async def _clone(self, shallowClone: Any, abandonOnFailure: bool = True) -> int:
        """Clone, as often as ``retry`` allows; a Deferred of the exit code."""
        command = self._clone_command(shallowClone, with_branch=True)
        delay, repeats = self.retry or (0, 0)
        for attempt in range(repeats + 1):
            code = await self._dovccmd(command, abandonOnFailure=False)
            if code == RC_SUCCESS:
                return RC_SUCCESS
            if self.revision and is_absent(self.errors):
                # The branch is gone; its commits may well be in another one.
                command = self._clone_command(shallowClone, with_branch=False)
                return int(await self._dovccmd(command, abandonOnFailure))
            if attempt < repeats:
                await self._wait(delay)
                await self._doClobber()
        if abandonOnFailure:
            await self._give_up()
        return int(code)

    def _clone_command(self, shallow: Any, *, with_branch: bool) -> list[str]:
        options = []
        if self._needs_fetch() or not with_branch:
            options += ["--no-checkout"]
        elif self.branch != "HEAD":
            options += ["--branch", self.branch]
        if shallow:
            options += ["--depth", str(int(shallow))]
        if self.reference:
            options += ["--reference", self.reference]
        if self.origin:
            options += ["--origin", self.origin]
        for each in self.filters or ():
            options += ["--filter", each]
        return ["clone", *options, self.repourl, ".", *self._progress_option()]

    @outgoing
    async def _syncSubmodule(self) -> None:
        if self.submodules:
            # Where submodules have relative addresses, these count from here.
            address = f"remote.{self.origin or 'origin'}.url"
            await self._dovccmd(["config", address, self.repourl])
            await self._dovccmd(["submodule", "sync", "--recursive"])

    @outgoing
    async def _updateSubmodule(self) -> None:
        if self.submodules:
            remote = ["--remote"] if self.remoteSubmodules else []
            update = ["submodule", "update", "--init", "--recursive", "--force", "--checkout"]
            if await self._dovccmd([*update, *remote], abandonOnFailure=False) != RC_SUCCESS:
                # Only now do submodules say where those within them have moved to.
                await self._dovccmd(["submodule", "sync", "--recursive"])
                await self._dovccmd([*update, *remote])

    @outgoing
    async def parseGotRevision(self) -> int:
        """Set ``got_revision``."""
        output = await self._dovccmd(["rev-parse", "HEAD"], collectStdout=True)
        revision = output.strip()
        if len(revision) not in _HASH_LENGTHS:
            await self._fail(f"git rev-parse HEAD printed {revision!r}, which is not a revision")
        self.updateSourceProperty("got_revision", revision)
        return RC_SUCCESS

    @outgoing
    async def parseCommitDescription(self) -> None:
        """Set ``commit-description``, if it is asked for and there is one."""
        if self.getDescription is False:
            return
        options = self.getDescription if isinstance(self.getDescription, dict) else {}
        try:
            output = await self._dovccmd(
                ["describe", *describe_options(options)], collectStdout=True
            )
        except BuildStepFailed:
            return
        self.updateSourceProperty("commit-description", output.strip())

    @outgoing
    async def checkFeatureSupport(self) -> bool:
        """Return whether git can be run on the worker at all."""
        return bool(await self._dovccmd(["--version"], abandonOnFailure=False) == RC_SUCCESS)


def _listed(command: RemoteCommand) -> list[str]:
    return list(command.updates["files"][-1]) if command.updates["files"] else []
