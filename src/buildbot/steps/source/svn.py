"""Getting sources with Subversion."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote, unquote
from xml.etree import ElementTree

from buildbot._border.bridge import inward, outgoing
from buildbot._border.errors import error, warn
from buildbot._border.old_arguments import of_old_mode
from buildbot._border.rendering import is_constant
from buildbot.process import remotecommand
from buildbot.process.errors import BuildStepCancelled, BuildStepFailed
from buildbot.process.properties import Interpolate
from buildbot.process.results import SUCCESS
from buildbot.steps.source.base import Source

__all__ = ["SVN"]

_MODES = ("incremental", "full")
_METHODS = ("clean", "fresh", "clobber", "copy", "export", None)
_DEPTHS = ("empty", "files", "immediates", "infinity", None)
_INTERRUPTED = re.compile(r"E155004|E155037|is locked|run '?svn cleanup", re.IGNORECASE)
"""What svn says of a working copy in which a killed svn left its locks."""
_PASSWORD_FROM_STDIN = (1, 10)
"""The first version of svn that reads a password from its standard input."""
_OLDEST = (0, 0)


class SVN(Source):
    """Check out or update a Subversion working copy, and set ``got_revision``.

    The mode ``incremental`` keeps what builds left in the directory; ``full`` removes it with
    ``method`` ``clean`` (not what svn ignores), ``fresh``, ``clobber`` (all; checks out again),
    ``copy`` (from a working copy beside it) or ``export`` (the same, without Subversion's files).
    Paths in ``keep_on_purge`` stay. A working copy of another address is replaced; a working
    copy that a killed svn left locked is repaired. With ``preferLastChangedRev``, ``got_revision``
    is the last revision that changed something below ``repourl``.

    Args:
        repourl (str | None, required, renderable): Address of the directory to check out; may
            contain `%%BRANCH%%`.
        mode (str, renderable): "incremental" keeps files that earlier builds left, "full" removes
            them as method says.
        method (str | None, renderable): For "full": "clean", "fresh" (the default), "clobber",
            "copy" or "export".
        username (str | None, renderable): User of the repository.
        password (str | None, renderable): The user's password, usually a util.Secret.
        extra_args (list[str] | None, renderable): Further arguments for svn.
        keep_on_purge (list[str] | None, renderable): Paths that cleaning keeps.
        depth (str | None, renderable): How much to check out: "empty", "files", "immediates" or
            "infinity".
        preferLastChangedRev (bool, renderable): Set got_revision to the last revision that changed
            something below repourl.
        svnurl (str | None): Old name of repourl.
        baseURL (str | None): Old form of repourl: the branch is appended.
        defaultBranch (str | None): Old form: the branch to append if the build has none.
    """

    name = "svn"
    renderables = [
        *("repourl", "mode", "method", "username", "password", "extra_args", "keep_on_purge"),
        *("depth", "preferLastChangedRev"),
    ]
    srcdir = "source"

    def __init__(
        self,
        repourl: Any = None,
        mode: Any = "incremental",
        method: Any = None,
        username: Any = None,
        password: Any = None,
        extra_args: Any = None,
        keep_on_purge: Any = None,
        depth: Any = None,
        preferLastChangedRev: Any = False,
        *,
        svnurl: Any = None,
        baseURL: Any = None,
        defaultBranch: Any = None,
        **kwargs: Any,
    ) -> None:
        mode, method = of_old_mode(type(self).__name__, mode, method)
        self.repourl = repourl or _of_old_arguments(svnurl, baseURL, defaultBranch)
        self.method = method
        self.username = username
        self.password = password
        self.extra_args = extra_args
        self.keep_on_purge = keep_on_purge or []
        self.depth = depth
        self.preferLastChangedRev = preferLastChangedRev
        self.revision: Any = None
        self._version = _OLDEST
        self._source = self.srcdir
        """The working copy beside the directory, in the methods that have one."""
        super().__init__(mode=mode, **kwargs)
        self._check_arguments()

    def _check_arguments(self) -> None:
        if self.repourl is None:
            error("SVN: argument repourl is missing")
        if is_constant(self.mode) and self.mode not in _MODES:
            error(f"SVN: mode must be {' or '.join(_MODES)}, not {self.mode!r}")
        if is_constant(self.method) and self.method not in _METHODS:
            error(f"SVN: invalid method for mode {self.mode!r}: {self.method!r}")
        if is_constant(self.depth) and self.depth not in _DEPTHS:
            names = ", ".join(name for name in _DEPTHS if name)
            error(f"SVN: depth must be one of {names}, not {self.depth!r}")

    def computeSourceRevision(self, changes: Sequence[Any]) -> Any:
        """Return the highest revision of the changes."""
        numbers = [int(one.revision) for one in changes if str(one.revision or "").isdigit()]
        return max(numbers, default=None)

    @outgoing
    async def run_vc(self, branch: Any, revision: Any, patch: Any) -> int:
        """Get the sources of *revision*, or the newest."""
        self.revision = None if revision is None else str(revision)
        self.repourl = str(self.repourl).rstrip("/")
        for name, value in (("repourl", self.repourl), ("revision", self.revision or "")):
            if value.startswith("-"):
                await self._fail(
                    f"the {name} {value!r} is not valid: svn would take it as an option"
                )
        await self._find_version()
        if self.mode == "incremental":
            await self._updated(self._update)
        else:
            await self.mode_full()
        await self.parseGotRevision()
        return SUCCESS

    @outgoing
    async def mode_full(self) -> None:
        """Leave nothing in the directory but the sources."""
        match self.method or "fresh":
            case "clobber":
                await self.clobber()
            case "copy":
                await self._through_a_copy(self._copy)
            case "export":
                await self._through_a_copy(self._export)
            case "clean":
                await self._updated(lambda: self._purged(is_ignored_kept=True))
            case _:
                await self._updated(lambda: self._purged(is_ignored_kept=False))

    @outgoing
    async def clobber(self) -> None:
        """Remove the directory, and check out."""
        await self.runRmdir(self.workdir)
        await self._check_out()

    async def _updated(self, update: Callable[[], Awaitable[None]]) -> None:
        """Check out, or update the working copy that is there, unless it is of another address."""
        if await self._is_updatable():
            if await inward(self.sourcedirIsPatched):
                await self._purged(is_ignored_kept=False)
            else:
                await update()
        else:
            await self.clobber()

    async def _is_updatable(self) -> bool:
        command = remotecommand.RemoteCommand(
            "stat", {"file": self.build.path_module.join(self.workdir, ".svn")}
        )
        await inward(self.runCommand, command)
        if command.didFail():
            return False
        known = await self._dovccmd(["info", "--xml"], with_login=False, abandonOnFailure=False)
        return not known.didFail() and _same(_text(known.stdout, "entry/url"), self.repourl)

    async def _check_out(self) -> None:
        """Check out, as often as ``retry`` allows."""
        delay, repeats = self.retry or (0, 0)
        command = ["checkout", self.repourl, ".", *self._which()]
        for attempt in range(repeats + 1):
            is_last = attempt == repeats
            done = await self._dovccmd(command, abandonOnFailure=is_last)
            if not done.didFail():
                return
            await self._wait(delay)
            await self.runRmdir(self.workdir)

    async def _update(self) -> None:
        done = await self._dovccmd(["update", *self._which()], abandonOnFailure=False)
        if done.didFail() and _INTERRUPTED.search(done.stderr):
            await self._dovccmd(["cleanup"], with_login=False)
            done = await self._dovccmd(["update", *self._which()], abandonOnFailure=False)
        if done.didFail():
            await self._give_up("update", done)

    def _which(self) -> list[str]:
        depth = ["--depth", self.depth] if self.depth else []
        return [*depth, *(["--revision", self.revision] if self.revision else [])]

    async def _purged(self, *, is_ignored_kept: bool) -> None:
        """Remove what svn does not know, and update."""
        words = ["status", "--xml", *([] if is_ignored_kept else ["--no-ignore"])]
        done = await self._dovccmd(words, with_login=False)
        kept = set(self.keep_on_purge)
        found = [path for path in _unknown(done.stdout, is_ignored_kept) if path not in kept]
        for path in found:  # One after the other: workers of earlier versions take no list.
            await self.runRmdir(self.build.path_module.join(self.workdir, path))
        await self._dovccmd(["revert", "--recursive", "."], with_login=False)
        await self._update()

    async def _through_a_copy(self, take: Callable[[], Awaitable[None]]) -> None:
        """Update a working copy beside the directory, and fill the directory from it."""
        await self.runRmdir(self.workdir)
        workdir, self.workdir = self.workdir, self._directory_of_source()
        try:
            await self._updated(lambda: self._purged(is_ignored_kept=False))
        finally:
            self._source, self.workdir = self.workdir, workdir
        await take()

    def _directory_of_source(self) -> str:
        """Each codebase has a working copy of its own beside the directory."""
        if not self.codebase:
            return self.srcdir
        return f"{self.srcdir}-{re.sub('[^A-Za-z0-9._-]', '_', str(self.codebase))}"

    async def _copy(self) -> None:
        places = {"fromdir": self._source, "todir": self.workdir, "timeout": self.timeout}
        command = remotecommand.RemoteCommand("cpdir", {**places, "logEnviron": self.logEnviron})
        command.useLog(self.stdio_log, False)
        await inward(self.runCommand, command)
        if command.didFail():
            await self._fail("the working copy could not be copied; see the log")

    async def _export(self) -> None:
        revision = ["--revision", self.revision] if self.revision else []
        words = ["export", *revision, self._source, self.workdir]
        await self._dovccmd(words, with_login=False, workdir=".")

    @outgoing
    async def parseGotRevision(self) -> int:
        """Set ``got_revision``."""
        is_exported = self.mode == "full" and self.method in ("copy", "export")
        workdir = self._source if is_exported else self.workdir
        done = await self._dovccmd(["info", "--xml"], with_login=False, workdir=workdir)
        wanted = "entry/commit" if self.preferLastChangedRev else "entry"
        revision = _attribute(done.stdout, wanted, "revision") or _attribute(
            done.stdout, "entry", "revision"
        )
        if not revision:
            await self._fail("svn info reported no revision; see the log")
        self.updateSourceProperty("got_revision", revision)
        return SUCCESS

    async def _find_version(self) -> None:
        words = ["--version", "--quiet"]
        done = await self._dovccmd(words, with_login=False, abandonOnFailure=False, workdir=".")
        if done.didFail():
            await self._fail("svn cannot be run on the worker; install Subversion there")
        self._version = _version_of(done.stdout)

    @outgoing
    async def _dovccmd(
        self,
        command: Sequence[str],
        abandonOnFailure: bool = True,
        with_login: bool = True,
        workdir: str | None = None,
    ) -> remotecommand.RemoteShellCommand:
        """Run ``svn *command``; a Deferred of the command. A failure ends the step, unless not."""
        words: list[Any] = ["svn", *command]
        stdin = None
        if with_login:
            login, stdin = self._login()
            words += ["--non-interactive", "--no-auth-cache", *login, *(self.extra_args or [])]
        done = remotecommand.RemoteShellCommand(
            workdir or self.workdir,
            words,
            env={"LC_MESSAGES": "C", **(self.build.env or {}), **(self.env or {})},
            logEnviron=self.logEnviron,
            timeout=self.timeout,
            initialStdin=stdin,
            collectStdout=True,
            collectStderr=True,
        )
        done.useLog(self.stdio_log, False)
        await inward(self.runCommand, done)
        if self.stopped:
            raise BuildStepCancelled
        if abandonOnFailure and done.didFail():
            await self._give_up(command[0], done)
        return done

    def _login(self) -> tuple[list[Any], str | None]:
        """Return options, and what svn reads; its arguments show no password where it can."""
        user = ["--username", self.username] if self.username else []
        if not self.password:
            return user, None
        if self._version >= _PASSWORD_FROM_STDIN:
            return [*user, "--password-from-stdin"], str(self.password)
        return [*user, "--password", ("obfuscated", self.password, "XXXXXX")], None

    async def _give_up(self, verb: str, done: remotecommand.RemoteShellCommand) -> None:
        lines = [line.strip() for line in done.stderr.splitlines() if line.startswith("svn: ")]
        what = lines[0].removeprefix("svn: ") if lines else f"exit code {done.rc}"
        await self._fail("svn timed out" if self.timed_out else f"svn {verb} failed: {what}")

    async def _fail(self, sentence: str) -> None:
        self.failure = sentence
        await self.stdio_log.addHeader(f"{sentence}\n")
        raise BuildStepFailed


def _of_old_arguments(svnurl: Any, base: Any, default: Any) -> Any:
    if svnurl is not None:
        warn('SVN: argument "svnurl" is now called "repourl"')
        return svnurl
    if base is None:
        return None
    warn(
        'SVN: arguments "baseURL" and "defaultBranch" were removed from Buildbot; use '
        "repourl=Interpolate('BASE%(src::branch:~DEFAULT)s')"
    )
    if not isinstance(base, str):
        error(f"SVN: baseURL must be a string, not {base!r}")
        return None
    escaped = base.replace("%", "%%")
    return Interpolate(f"{escaped}%(src::branch:~{default or ''})s")


def _same(one: str, other: str) -> bool:
    """Whether two addresses mean the same, however they are quoted."""
    return quote(unquote(one.rstrip("/"))) == quote(unquote(other.rstrip("/")))


def _tree(output: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(output.encode())
    except ElementTree.ParseError:
        return ElementTree.Element("nothing")


def _text(output: str, path: str) -> str:
    return _tree(output).findtext(path, "")


def _attribute(output: str, path: str, name: str) -> str:
    element = _tree(output).find(path)
    return "" if element is None else element.get(name, "")


def _unknown(output: str, is_ignored_kept: bool) -> list[str]:
    """Return the paths that svn does not know, from ``svn status --xml``."""
    items = ("unversioned",) if is_ignored_kept else ("unversioned", "ignored")
    return [
        entry.get("path", "")
        for entry in _tree(output).iter("entry")
        for status in entry.iterfind("wc-status")
        if status.get("item") in items and entry.get("path")
    ]


def _version_of(output: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", output.strip())
    return (int(found[1]), int(found[2])) if found else _OLDEST
