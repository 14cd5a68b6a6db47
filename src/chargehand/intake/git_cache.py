"""The bare repository that caches pollers' fetched commits."""

from __future__ import annotations

import asyncio
import codecs
import hashlib
import re
import shutil
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from chargehand.intake.git_access import Access
from chargehand.intake.git_command import GitCommand, GitFailed, GitRefused
from chargehand.intake.git_output import (
    REF_FORMAT,
    Commit,
    commits,
    local_refs,
    log_format,
)

_LOCAL_TIMEOUT = 600.0
_REFS_PER_FETCH = 500
_HOPELESS = 12
"""After this many failures and no success, the problem is not with single refs."""
_MARK = "chargehand.cache"
_DAMAGE = re.compile(
    "is corrupt|is empty|bad object|bad tree|missing (blob|tree|commit)|unable to read|"
    r"invalid sha1 pointer|not a git repository|\.lock': File exists"
)


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """The commits of all fetched refs, and why others could not be fetched."""

    heads: dict[str, str]
    failed: dict[str, str]


class GitCache:
    """One poller's part of a cache directory; several pollers may share the directory.

    ``owner`` is the poller's name; each poller has its own refs. ``lock`` belongs to the
    directory: because of git's own locks, concurrent fetches would fail.
    """

    def __init__(
        self, *, owner: str, url: str, directory: Path, git: GitCommand, lock: asyncio.Lock
    ) -> None:
        self._url = url
        self._directory = directory
        self._git = git
        self._lock = lock
        whose = hashlib.sha256(f"{owner} {url}".encode()).hexdigest()[:16]
        self._namespace = f"refs/chargehand/{whose}/"

    async def fetch(
        self, refs: Sequence[str], *, forget: Iterable[str], access: Access, timeout: float
    ) -> Fetched:
        """Fetch *refs*, and return the commits of all fetched ones.

        A ref that cannot be fetched (the repository lacks one of its objects) does not affect the
        others.
        """
        failed: dict[str, str] = {}
        async with self._lock:
            await self._prepare()
            # Prune first: a deleted branch "a" would conflict with a new "a/b".
            await self._forget(forget)
            for start in range(0, len(refs), _REFS_PER_FETCH):
                some = refs[start : start + _REFS_PER_FETCH]
                failed |= await self._fetch_each(some, access, timeout)
            return Fetched(heads=await self._fetched(), failed=failed)

    async def _fetch_each(
        self, refs: Sequence[str], access: Access, timeout: float
    ) -> dict[str, str]:
        """Fetch all refs; on failure, bisect. Returns the refs that failed."""
        failed: dict[str, str] = {}
        failures, has_worked = 0, False
        groups = [refs]
        while groups:
            group = groups.pop()
            try:
                await self._fetch_together(group, access, timeout)
                has_worked = True
            except GitRefused as failure:
                failures += 1
                if _DAMAGE.search(str(failure)) or (failures >= _HOPELESS and not has_worked):
                    raise
                if len(group) == 1:
                    failed[group[0]] = str(failure)
                else:
                    groups += _halves(group)
        return failed

    async def _fetch_together(self, refs: Sequence[str], access: Access, timeout: float) -> None:
        await self._git.run(
            "fetch",
            "--no-tags",
            "--force",
            "--quiet",
            "--",
            self._url,
            *map(self._refspec, refs),
            directory=self._directory,
            timeout=timeout,
            environment=access.environment,
            configuration=("gc.autoDetach=false", *access.configuration),
        )

    async def new_revisions(self, heads: Iterable[str], known: Iterable[str]) -> list[str]:
        """Return the first-parent commits of *heads* that none of *known* has, oldest first.

        Excludes commits brought in by a merge: they belong to the merged branch.
        """
        wanted = "\n".join([*heads, *(f"^{revision}" for revision in sorted(known)), ""])
        output = await self._run(
            "rev-list",
            "--first-parent",
            "--topo-order",
            "--reverse",
            "--stdin",
            standard_input=wanted.encode(),
        )
        return output.decode().split()

    async def present(self, revisions: Iterable[str]) -> set[str]:
        """Return which of these commits are in the cache."""
        output = await self._run(
            "cat-file",
            "--batch-check=%(objectname) %(objecttype)",
            standard_input="".join(f"{revision}\n" for revision in revisions).encode(),
        )
        lines = [line.split() for line in output.decode().splitlines()]
        return {revision for revision, kind in lines if kind == "commit"}

    async def commits(
        self, revisions: Sequence[str], encoding: str
    ) -> tuple[list[Commit], dict[str, str]]:
        """Return these commits, in that order, and the errors of unreadable ones."""
        found: list[Commit] = []
        failed: dict[str, str] = {}
        groups = [revisions] if revisions else []
        while groups:
            group = groups.pop()
            try:
                found += await self._commits(group, encoding)
            except GitRefused as failure:
                if len(group) == 1:
                    failed[group[0]] = str(failure)
                else:
                    groups += _halves(group)
        return found, failed

    async def _commits(self, revisions: Sequence[str], encoding: str) -> list[Commit]:
        marker = uuid.uuid4().hex
        output = await self._run(
            "log",
            "--stdin",
            "--no-walk=unsorted",
            "-z",
            "-m",
            "--first-parent",
            "--name-only",
            "--no-renames",  # List both names of a renamed file.
            "--no-show-signature",
            "--no-notes",
            # iconv usually knows Python's name of the encoding; otherwise git converts nothing.
            f"--encoding={codecs.lookup(encoding).name}",
            f"--format={log_format(marker)}",
            configuration=("log.showRoot=true",),
            standard_input="\n".join([*revisions, ""]).encode(),
        )
        return commits(output, marker, encoding)

    async def discard_if_damaged(self, failure: GitFailed) -> bool:
        """Remove the cache if the failure shows that it is damaged; the next fetch recreates it."""
        if not _DAMAGE.search(str(failure)) or not await asyncio.to_thread(self._is_ours):
            return False
        async with self._lock:
            await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)
        return True

    async def _run(
        self,
        verb: str,
        *arguments: str,
        configuration: Sequence[str] = (),
        standard_input: bytes = b"",
    ) -> bytes:
        return await self._git.run(
            verb,
            *arguments,
            directory=self._directory,
            timeout=_LOCAL_TIMEOUT,
            configuration=configuration,
            standard_input=standard_input,
        )

    async def _prepare(self) -> None:
        """Create the repository unless it exists; one created by Buildbot works as well."""
        if await asyncio.to_thread((self._directory / "HEAD").is_file):
            return
        try:
            await asyncio.to_thread(self._directory.mkdir, parents=True, exist_ok=True)
        except OSError as error:
            raise GitFailed(f"cannot create {self._directory}: {error.strerror}") from error
        await self._run("init", "--bare", "--quiet", "--template=")
        await self._run("config", _MARK, "true")

    def _is_ours(self) -> bool:
        try:
            return "[chargehand]" in (self._directory / "config").read_text(encoding="utf-8")
        except OSError:
            return False

    async def _forget(self, refs: Iterable[str]) -> None:
        commands = "".join(f"delete {self._local(ref)}\n" for ref in refs)
        if commands:
            await self._run("update-ref", "--stdin", standard_input=commands.encode())

    async def _fetched(self) -> dict[str, str]:
        listing = await self._run("for-each-ref", f"--format={REF_FORMAT}", self._namespace)
        return {
            "refs/" + name.removeprefix(self._namespace): commit
            for name, commit in local_refs(listing).items()
        }

    def _refspec(self, ref: str) -> str:
        return f"+{ref}:{self._local(ref)}"

    def _local(self, ref: str) -> str:
        return self._namespace + ref.removeprefix("refs/")


def _halves(group: Sequence[str]) -> list[Sequence[str]]:
    """Return both halves, the first one last, so that it is popped next."""
    middle = len(group) // 2
    return [group[middle:], group[:middle]]
