"""Polling a git repository.

New commits: none at the first poll; later every first-parent commit of a watched branch that no
watched branch had before. Commits brought in by a merge are new in the merged branch; the merge
itself is new in its target branch. A deleted branch is forgotten; a rewritten one adds its new
commits. The position of each branch (its full name and last seen commit) is stored in the same
transaction as its changes, so that a master killed at any point repeats the whole poll or none of
it: no change is lost or duplicated.

A bad branch or commit (a name that is not UTF-8, an unreadable object) is skipped and reported by
`GitPoller.warnings`; other changes are still found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from chargehand.domain.change import NewChange
from chargehand.domain.remembered import Remembered
from chargehand.intake.git_access import Access, access
from chargehand.intake.git_branches import (
    BRANCH,
    TAG,
    full_names,
    list_arguments,
    missing,
    unknown_branch,
    unreadable_names,
    watched,
)
from chargehand.intake.git_cache import GitCache
from chargehand.intake.git_command import GitCommand, GitFailed
from chargehand.intake.git_output import Commit, RemoteHeads, remote_heads
from chargehand.intake.git_settings import Branches, Settings, Watched
from chargehand.intake.labelling import labelled
from chargehand.intake.ports import StateStore

__all__ = ["GitPoller", "Settings", "Watched"]

_KIND = "GitPoller"
_KEY = "lastRev"
_LIST_TIMEOUT = 120.0
_FETCH_TIMEOUT = 3600.0
_ANYWHERE = Path("/")
_REMEMBERED_WARNINGS = 10


Publish = Callable[[Sequence[NewChange], Remembered], Awaitable[object]]


class GitPoller:
    """Polls one repository, and publishes new commits as changes."""

    def __init__(
        self,
        *,
        name: str,
        settings: Settings,
        git: GitCommand,
        cache: GitCache,
        state: StateStore,
        publish: Publish,
    ) -> None:
        self._name = name
        self._settings = settings
        self._git = git
        self._cache = cache
        self._state = state
        self._publish = publish
        self._last: dict[str, str] | None = None
        self._is_cache_filled = False
        self._was_discarded = False
        self._of_names: tuple[str, ...] = ()
        self._of_fetching: tuple[str, ...] = ()
        self._of_commits: deque[str] = deque(maxlen=_REMEMBERED_WARNINGS)
        self._missing: dict[frozenset[str], tuple[str, ...]] = {}

    async def poll(self) -> None:
        """Poll once. Runs one cheap command if nothing has changed. Raises PollFailed."""
        try:
            heads = await self.look()
            if heads is not None:
                await self._take_over(heads)
            self._was_discarded = False
        except GitFailed as failure:
            await self._heal(failure)
            raise

    async def remember(self) -> bool:
        """Before the very first poll, record the refs' commits without fetching.

        Finds everything pushed from now on. Returns whether this was the first time.
        """
        await self._recall()
        if self._last is not None:
            return False
        credentials = self._settings.credentials and await self._settings.credentials()
        async with access(credentials, self._git) as allowed:
            await self.publish([], await self._watched_heads(allowed))
        return True

    @property
    def warnings(self) -> tuple[str, ...]:
        """Skipped branches and commits, and configured branches missing in the repository."""
        return (*self._of_names, *self._of_fetching, *self._of_commits)

    @property
    def last(self) -> dict[str, str] | None:
        """The last seen commits of the watched refs; None before the first poll."""
        return self._last

    async def look(self) -> dict[str, str] | None:
        """Fetch and return the watched refs' current commits; None if nothing changed."""
        await self._recall()
        credentials = self._settings.credentials and await self._settings.credentials()
        async with access(credentials, self._git) as allowed:
            heads = await self._watched_heads(allowed)
            if heads == self._last and self._is_cache_filled:
                self._of_fetching = ()
                return None
            heads = await self._fetch(heads, allowed)
        return None if heads == self._last else heads

    async def publish(self, changes: Sequence[NewChange], heads: dict[str, str]) -> None:
        """Publish changes, and record the refs' commits."""
        await self._publish(changes, Remembered(name=self._name, kind=_KIND, key=_KEY, value=heads))
        self._last = heads

    async def _recall(self) -> None:
        if self._last is None:
            self._last = full_names(await self._state.get(self._name, _KIND, _KEY))

    async def _watched_heads(self, allowed: Access) -> dict[str, str]:
        """Return the watched refs' commits in the remote repository."""
        branches = self._settings.branches
        offered = await self._list(branches, allowed)
        heads = await watched(offered, branches)
        in_vain = await self._unknown(missing(branches, heads), allowed)
        self._of_names = (*in_vain, *unreadable_names(offered))
        return heads

    async def _unknown(self, names: frozenset[str], allowed: Access) -> tuple[str, ...]:
        """Return warnings about missing branches; cached for the same set of branches."""
        if names and names not in self._missing:
            offered = await self._list(Watched.ALL_BRANCHES, allowed)
            found = tuple(unknown_branch(one, list(offered.commits)) for one in sorted(names))
            self._missing = {names: found}
        return self._missing[names] if names else ()

    async def _list(self, branches: Branches, allowed: Access) -> RemoteHeads:
        listing = await self._git.run(
            "ls-remote",
            *list_arguments(self._settings.url, branches),
            directory=_ANYWHERE,
            timeout=_LIST_TIMEOUT,
            environment=allowed.environment,
            configuration=allowed.configuration,
        )
        return remote_heads(listing)

    async def _fetch(self, heads: dict[str, str], allowed: Access) -> dict[str, str]:
        """Fetch the commits; branches may have moved meanwhile, so return their current commits."""
        last = self._last or {}
        is_full = not self._is_cache_filled
        fetched = await self._cache.fetch(
            [name for name, head in heads.items() if is_full or head != last.get(name)],
            forget=last.keys() - heads.keys(),
            access=allowed,
            timeout=_FETCH_TIMEOUT,
        )
        if fetched.failed and fetched.failed.keys() >= heads.keys():
            raise GitFailed(next(iter(fetched.failed.values())))
        self._is_cache_filled = True
        self._of_fetching = tuple(
            f"skipping {name.removeprefix(BRANCH)} until it can be fetched: {failure}"
            for name, failure in fetched.failed.items()
        )
        # A tag's commit is the one it resolves to, from the listing.
        now = {
            name: head if name.startswith(TAG) else fetched.heads.get(name, head)
            for name, head in heads.items()
            if name not in fetched.failed
        }
        return now | {name: last[name] for name in fetched.failed if name in last}

    async def _take_over(self, heads: dict[str, str]) -> None:
        """Publish new commits, and update the positions with them."""
        changes = [] if self._last is None else await self._changes(self._last, heads)
        await self.publish(changes, heads)

    async def _changes(self, last: dict[str, str], heads: dict[str, str]) -> list[NewChange]:
        moved = {name: head for name, head in heads.items() if head != last.get(name)}
        present = await self._cache.present({*last.values(), *moved.values()})
        known = present.intersection(last.values())
        moved = {name: head for name, head in moved.items() if head in present}
        # A known head has no new commits: this one command suffices for most branches.
        new = set(await self._cache.new_revisions(moved.values(), known)) if known else set()
        found: list[tuple[str, str]] = []
        told: set[str] = set()
        # A commit that is new in both a known and a new branch belongs to the known one.
        for name in sorted(moved, key=lambda name: name not in last):
            head = moved[name]
            revisions = await self._cache.new_revisions([head], known) if head in new else []
            revisions = [one for one in revisions if one not in told]
            is_told = bool(known) or head in told
            if not revisions and (not is_told or self._settings.build_pushes_with_no_commits):
                # Without a known commit to compare with, publish only the newest commit.
                revisions = [head]
            told.update(revisions)
            found += [(name, revision) for revision in revisions]
        by_revision = await self._commits([revision for _, revision in found])
        return [
            await self._change(by_revision[revision], name)
            for name, revision in found
            if revision in by_revision
        ]

    async def _commits(self, revisions: Sequence[str]) -> dict[str, Commit]:
        """Read commits. If some cannot be read, recreate the cache, once."""
        found, failed = await self._cache.commits(
            list(dict.fromkeys(revisions)), self._settings.encoding
        )
        for revision, failure in failed.items():
            if not self._was_discarded:
                await self._heal(GitFailed(failure))
            self._of_commits.append(f"skipping commit {revision}: {failure}")
        for commit in found:
            if commit.committed_at is None:
                self._of_commits.append(
                    f"commit {commit.revision} has no usable date; "
                    "its change has the time of its arrival instead"
                )
        return {commit.revision: commit for commit in found}

    async def _change(self, commit: Commit, ref: str) -> NewChange:
        settings = self._settings
        change = NewChange(
            author=commit.author,
            committer=commit.committer,
            files=commit.files,
            comments=commit.message,
            revision=commit.revision,
            when=commit.committed_at if settings.use_timestamps else None,
            branch=ref.removeprefix(BRANCH),
            repository=settings.url,
        )
        return await labelled(change, category=settings.category, project=settings.project)

    async def _heal(self, failure: GitFailed) -> None:
        if await self._cache.discard_if_damaged(failure):
            self._is_cache_filled = False
            self._was_discarded = True
            raise GitFailed(
                f"{failure}; removed its cache, which will be fetched again"
            ) from failure
