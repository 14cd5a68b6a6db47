"""Polling a git repository.

What counts as new: at the first poll nothing; later every commit that a watched branch has and
that no watched branch had before. A branch that is gone is forgotten; one whose history was
rewritten brings its new commits. Branches are remembered by their full names with the
commits they were last seen at, in the same transaction that stores their changes. Hence a
master that is killed anywhere in between does the whole poll again, or none of it: no
change is lost, and none comes twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from msgspec import structs

from chargehand.config.model import Hook
from chargehand.domain.change import NewChange
from chargehand.intake.git_access import Access, access
from chargehand.intake.git_cache import GitCache
from chargehand.intake.git_command import GitCommand, GitFailed
from chargehand.intake.git_output import Commit, RemoteHeads, remote_heads
from chargehand.intake.polling import Schedule
from chargehand.intake.ports import Remembered, StateStore
from chargehand.intake.rules import as_dict

_KIND = "GitPoller"
_KEY = "lastRev"
_LIST_TIMEOUT = 120.0
_FETCH_TIMEOUT = 3600.0
_BRANCH = "refs/heads/"
_TAG = "refs/tags/"
_ANYWHERE = Path("/")


class Watched(Enum):
    """What to watch where no branches are named."""

    DEFAULT_BRANCH = "default branch"
    ALL_BRANCHES = "all branches"
    TAGS = "tags"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A repository to be polled; hooks are compared by the component's identity.

    ``branches`` may be a hook ``(full name of a ref) -> bool``, ``category`` and ``project`` may be
    hooks ``(change as a dict) -> str``; ``credentials`` is a hook ``() -> Credentials | None``,
    called for each poll.
    """

    url: str
    branches: tuple[str, ...] | Watched | Hook = field(
        default=Watched.DEFAULT_BRANCH, compare=False
    )
    schedule: Schedule = field(default_factory=Schedule)
    directory: str = "gitpoller-work"
    binary: str = "git"
    category: str | Hook | None = field(default=None, compare=False)
    project: str | Hook = field(default="", compare=False)
    use_timestamps: bool = True
    encoding: str = "utf-8"
    build_pushes_with_no_commits: bool = False
    credentials: Hook | None = field(default=None, compare=False)


Publish = Callable[[Sequence[NewChange], Remembered], Awaitable[object]]


class GitPoller:
    """Looks at one repository, and publishes what is new."""

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

    async def poll(self) -> None:
        """Look once. One cheap command where nothing has changed. Raises PollFailed."""
        try:
            heads = await self.look()
            if heads is not None:
                await self._take_over(heads)
        except GitFailed as failure:
            await self._heal(failure)
            raise

    @property
    def last(self) -> dict[str, str] | None:
        """The commits at which the watched refs were last seen; None before the first poll."""
        return self._last

    async def look(self) -> dict[str, str] | None:
        """Return where the watched refs stand now, their commits fetched; None: nothing moved."""
        if self._last is None:
            self._last = _full_names(await self._state.get(self._name, _KIND, _KEY))
        credentials = self._settings.credentials and await self._settings.credentials()
        async with access(credentials, self._git) as allowed:
            heads = await self._watched_heads(allowed)
            if heads == self._last and self._is_cache_filled:
                return None
            heads = await self._fetch(heads, allowed)
        return None if heads == self._last else heads

    async def publish(self, changes: Sequence[NewChange], heads: dict[str, str]) -> None:
        """Publish changes, and remember where the refs stand."""
        await self._publish(changes, Remembered(name=self._name, kind=_KIND, key=_KEY, value=heads))
        self._last = heads

    async def _watched_heads(self, allowed: Access) -> dict[str, str]:
        """Ask the repository where the refs stand that we watch."""
        listing = await self._git.run(
            "ls-remote",
            *_list_arguments(self._settings.url, self._settings.branches),
            directory=_ANYWHERE,
            timeout=_LIST_TIMEOUT,
            environment=allowed.environment,
            configuration=allowed.configuration,
        )
        heads = remote_heads(listing)
        return await _watched(heads, self._settings.branches)

    async def _fetch(self, heads: dict[str, str], allowed: Access) -> dict[str, str]:
        """Get the commits; branches may have moved on meanwhile, so return where they are now."""
        last = self._last or {}
        is_full = not self._is_cache_filled
        fetched = await self._cache.fetch(
            [name for name, head in heads.items() if is_full or head != last.get(name)],
            forget=last.keys() - heads.keys(),
            access=allowed,
            timeout=_FETCH_TIMEOUT,
        )
        self._is_cache_filled = True
        # A tag is known by the commit it names in the end, which the listing has told.
        return {
            name: head if name.startswith(_TAG) else fetched.get(name, head)
            for name, head in heads.items()
        }

    async def _take_over(self, heads: dict[str, str]) -> None:
        """Publish what is new, and move the marks with it."""
        changes = [] if self._last is None else await self._changes(self._last, heads)
        await self.publish(changes, heads)

    async def _changes(self, last: dict[str, str], heads: dict[str, str]) -> list[NewChange]:
        moved = {name: head for name, head in heads.items() if head != last.get(name)}
        present = await self._cache.present({*last.values(), *moved.values()})
        known = present.intersection(last.values())
        moved = {name: head for name, head in moved.items() if head in present}
        # A head that is not new has no new commits: for most branches this one command will do.
        new = set(await self._cache.new_revisions(moved.values(), known)) if known else set()
        found: list[tuple[str, str]] = []
        for name, head in moved.items():
            if head in new:
                revisions = await self._cache.new_revisions([head], known)
            else:
                revisions = []
            if not revisions and (not known or self._settings.build_pushes_with_no_commits):
                # Where nothing is known to compare with, the newest commit stands for them all.
                revisions = [head]
            found += [(name, revision) for revision in revisions]
            known.add(head)
        commits = await self._cache.commits(
            list(dict.fromkeys(revision for _, revision in found)), self._settings.encoding
        )
        by_revision = {commit.revision: commit for commit in commits}
        return [await self._change(by_revision[revision], name) for name, revision in found]

    async def _change(self, commit: Commit, ref: str) -> NewChange:
        settings = self._settings
        change = NewChange(
            author=commit.author,
            committer=commit.committer,
            files=commit.files,
            comments=commit.message,
            revision=commit.revision,
            when=commit.committed_at if settings.use_timestamps else None,
            branch=ref.removeprefix(_BRANCH),
            repository=settings.url,
        )
        return await _labelled(change, category=settings.category, project=settings.project)

    async def _heal(self, failure: GitFailed) -> None:
        if await self._cache.discard_if_damaged(failure):
            self._is_cache_filled = False
            raise GitFailed(f"{failure}; its cache was removed, to be fetched anew") from failure


async def _labelled(
    change: NewChange, *, category: str | Hook | None, project: str | Hook
) -> NewChange:
    if callable(project):
        project = await project(as_dict(change))
    change = structs.replace(change, project=str(project or ""))
    if callable(category):
        category = await category(as_dict(change))
    return structs.replace(change, category=None if category is None else str(category))


def _list_arguments(url: str, branches: tuple[str, ...] | Watched | Hook) -> tuple[str, ...]:
    match branches:
        case Watched.DEFAULT_BRANCH:
            return ("--symref", "--", url, "HEAD")
        case Watched.ALL_BRANCHES:
            return ("--heads", "--", url)
        case Watched.TAGS:
            return ("--tags", "--", url)
        case tuple():
            return ("--", url, *map(_full_name, branches))
        case _:
            return ("--", url)


async def _watched(
    heads: RemoteHeads, branches: tuple[str, ...] | Watched | Hook
) -> dict[str, str]:
    """Choose among what the repository offers, in the order in which to look at it."""
    match branches:
        case Watched.DEFAULT_BRANCH:
            return _default(heads)
        case Watched():
            return dict(heads.commits)
        case tuple():
            names = map(_full_name, branches)
            return {name: heads.commits[name] for name in names if name in heads.commits}
        case choose:
            return {
                name: head
                for name, head in heads.commits.items()
                if name.startswith("refs/") and await choose(name)
            }


def _default(heads: RemoteHeads) -> dict[str, str]:
    if "HEAD" not in heads.commits:
        return {}
    if heads.default is None:
        raise GitFailed("the repository has no default branch: name one with branches=[…]")
    return {heads.default: heads.commits["HEAD"]}


def _full_name(branch: str) -> str:
    return branch if branch.startswith("refs/") else _BRANCH + branch


def _full_names(remembered: object) -> dict[str, str] | None:
    """Read what was remembered; Buildbot's marks have short names where branches were listed."""
    if not isinstance(remembered, Mapping):
        return None
    return {_full_name(name): str(commit) for name, commit in remembered.items()}
