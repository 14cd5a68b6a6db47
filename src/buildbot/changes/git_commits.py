"""Git pollers that are subclasses of the user's: the poll in single steps that may be overridden.

The engine reads all commits of a poll by one command and stores them in one transaction. A subclass
that overrides one of these methods has every commit asked for by itself, as Buildbot does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from buildbot._border.bridge import inward, outward
from chargehand.domain.change import NewChange
from chargehand.domain.remembered import Remembered
from chargehand.intake.git_cache import GitCache
from chargehand.intake.git_command import GitCommand
from chargehand.intake.git_poller import GitPoller as EnginePoller
from chargehand.intake.git_poller import Settings
from chargehand.intake.rules import as_dict

_TIMEOUT = 600.0
_BRANCH = "refs/heads/"


class GitCommits:
    """What subclasses of GitPoller may override; all methods return Deferreds, or may be async."""

    repourl: Any
    lastRev: Any = None
    _poller: EnginePoller | None = None

    def _engine_settings(self) -> Settings:
        """Return the engine's settings of this poller."""
        raise NotImplementedError

    def _forget_poller(self) -> None:
        """Recreate the poller after a change of settings."""
        self._poller = None

    async def _poll_commits(self: Any) -> None:
        """Look once, the way that the subclass wants it."""
        poller = self._engine_poller()
        if not self._asks_for_commits():
            await poller.poll()
            self.lastRev = _short(poller.last)
            return
        heads = await poller.look()
        if heads is None:
            return
        before = poller.last
        self.lastRev = _short(before)
        if before is not None:
            for name, head in heads.items():
                if head != before.get(name):
                    await inward(self._process_changes, head, name.removeprefix(_BRANCH))
                    self.lastRev[name.removeprefix(_BRANCH)] = head
        await poller.publish([], heads)
        self.lastRev = _short(heads)

    def _asks_for_commits(self) -> bool:
        """Return whether a subclass overrides how commits become changes."""
        return any(
            getattr(type(self), name) is not method
            for name, method in vars(GitCommits).items()
            if name.startswith(("_get_commit_", "_process_changes"))
        )

    def _process_changes(self, newRev: str, branch: str) -> Any:
        """Add changes for what is new in a branch; returns a Deferred."""
        return outward(self._add_new(newRev, branch))

    async def _add_new(self: Any, head: str, branch: str) -> None:
        known = [f"^{revision}" for revision in self.lastRev.values()]
        arguments = [
            "--ignore-missing",
            "--first-parent",
            "--topo-order",
            "--reverse",
            head,
            *known,
            "--",
        ]
        listing = await inward(self._dovccmd, "rev-list", arguments, self.workdir)
        revisions = listing.split()
        if not known or (not revisions and self.buildPushesWithNoCommits):
            revisions = [head]
        for revision in revisions:
            await self._add_commit(revision, branch)

    async def _add_commit(self: Any, revision: str, branch: str) -> None:
        when = await inward(self._get_commit_timestamp, revision)
        await inward(
            self.master.data.updates.addChange,
            author=await inward(self._get_commit_author, revision),
            committer=await inward(self._get_commit_committer, revision),
            revision=revision,
            files=await inward(self._get_commit_files, revision),
            comments=await inward(self._get_commit_comments, revision),
            when_timestamp=when,
            branch=branch,
            category=await self._label(self.category, revision, branch),
            project=await self._label(self.project, revision, branch) or "",
            repository=self.repourl,
            src="git",
        )

    async def _label(self: Any, label: Any, revision: str, branch: str) -> Any:
        if not callable(label):
            return label
        change = NewChange(author="", revision=revision, branch=branch, repository=self.repourl)
        return await inward(label, as_dict(change))

    def _get_commit_author(self, rev: str) -> Any:
        """Return a Deferred of the author, as ``Name <address>``."""
        return outward(self._shown("%aN <%aE>", rev))

    def _get_commit_committer(self, rev: str) -> Any:
        """Return a Deferred of the committer, as ``Name <address>``."""
        return outward(self._shown("%cN <%cE>", rev))

    def _get_commit_comments(self, rev: str) -> Any:
        """Return a Deferred of the message."""
        return outward(self._shown("%B", rev))

    def _get_commit_timestamp(self, rev: str) -> Any:
        """Return a Deferred of the time of the commit; None without ``usetimestamps``."""
        return outward(self._time(rev))

    def _get_commit_files(self, rev: str) -> Any:
        """Return a Deferred of the list of files."""
        return outward(self._files(rev))

    async def _shown(self: Any, what: str, revision: str) -> str:
        arguments = ["--no-walk", f"--format={what}", revision, "--"]
        output: str = await inward(self._dovccmd, "log", arguments, self.workdir)
        return output.strip()

    async def _time(self: Any, revision: str) -> float | None:
        shown = await self._shown("%ct", revision) if self.usetimestamps else ""
        return float(shown) if shown.isdigit() else None

    async def _files(self: Any, revision: str) -> list[str]:
        options = ["--name-only", "--no-renames", "--no-walk", "-m", "--first-parent", "-z"]
        output = await inward(
            self._dovccmd, "log", [*options, "--format=", revision, "--"], self.workdir
        )
        return [name for name in output.strip("\n").split("\0") if name]

    def _dovccmd(self, command: str, args: Sequence[str], path: str | None = None) -> Any:
        """Run git in a directory; a Deferred of its output as text."""
        return outward(self._git(command, args, path))

    async def _git(self: Any, command: str, arguments: Sequence[str], path: str | None) -> str:
        output: bytes = await self._command().run(
            command, *arguments, directory=self._directory(path), timeout=_TIMEOUT
        )
        return output.decode(self.encoding, "replace")

    def _removeHeads(self, branch: str) -> str:
        """Return the name of a branch without ``refs/heads/``."""
        return branch.removeprefix(_BRANCH)

    def _command(self: Any) -> GitCommand:
        return GitCommand(binary=self.gitbin, slots=asyncio.Semaphore(1))

    def _directory(self: Any, path: str | None) -> Path:
        return Path(self.master.basedir, path or self.workdir)

    def _engine_poller(self: Any) -> EnginePoller:
        if self._poller is None:
            settings = self._engine_settings()
            git = self._command()
            cache = GitCache(
                owner=str(self.name),
                url=settings.url,
                directory=self._directory(settings.directory),
                git=git,
                lock=asyncio.Lock(),
            )
            poller = EnginePoller(
                name=str(self.name),
                settings=settings,
                git=git,
                cache=cache,
                state=_State(self),
                publish=self._publish,
            )
            self._poller = poller
        made: EnginePoller = self._poller
        return made

    async def _publish(self: Any, changes: Sequence[NewChange], remember: Remembered) -> None:
        for change in changes:
            await inward(self.master.data.updates.addChange, **as_dict(change))
        await inward(self.setState, remember.key, remember.value)


class _State:
    """What the engine's poller remembers, by way of the master's view."""

    def __init__(self, source: Any) -> None:
        self._source = source

    async def get(self, name: str, kind: str, key: str, default: Any = None) -> Any:
        return await inward(self._source.getState, key, default)

    async def set(self, name: str, kind: str, key: str, value: Any) -> None:
        await inward(self._source.setState, key, value)


def _short(heads: dict[str, str] | None) -> dict[str, str]:
    return {name.removeprefix(_BRANCH): head for name, head in (heads or {}).items()}
