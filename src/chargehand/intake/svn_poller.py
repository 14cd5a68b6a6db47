"""Polling a Subversion repository.

New revisions: none at the first poll; later all since the last one that was seen, oldest first. A
revision becomes a change for each branch, project, repository and codebase that its files belong
to, as the configuration's function says. The last seen revision is stored in the same transaction
as its changes, so that a master killed at any point repeats a page of revisions or none of it: no
change is lost or duplicated.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote_plus

from chargehand.domain.change import NewChange
from chargehand.domain.remembered import Remembered
from chargehand.intake.labelling import labelled
from chargehand.intake.polling import PollFailed
from chargehand.intake.ports import StateStore
from chargehand.intake.svn_command import SvnCommand
from chargehand.intake.svn_output import (
    ChangedPath,
    Place,
    Revision,
    UnreadableOutput,
    place_of,
    revisions_of,
)
from chargehand.intake.svn_settings import Login, Settings

__all__ = ["Settings", "SvnPoller"]

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

_KIND = "SVNPoller"
_KEY = "last_change"
_INFO_TIMEOUT = 120.0
_LOG_TIMEOUT = 3600.0

_UNKNOWN_AUTHOR = "None"
"""The author of a revision that has none, as Buildbot calls it."""


Publish = Callable[[Sequence[NewChange], Remembered], Awaitable[object]]


class SvnPoller:
    """Polls one address, and publishes new revisions as changes."""

    def __init__(
        self, *, name: str, settings: Settings, svn: SvnCommand, state: StateStore, publish: Publish
    ) -> None:
        self._name = name
        self._settings = settings
        self._svn = svn
        self._state = state
        self._publish = publish
        self._last: int | None = None

    async def poll(self) -> None:
        """Poll once. Runs one cheap command if nothing has changed. Raises PollFailed."""
        await self._recall()
        login = await self._settings.login()
        place = await self._place(login)
        if self._last is None or place.newest < self._last:
            await self._begin_anew(place)
        elif place.changed > self._last:
            await self._read_pages(place, login)

    async def remember(self) -> bool:
        """Before the very first poll, note the newest revision. Returns whether it was the first.

        Finds everything that is committed from now on.
        """
        await self._recall()
        if self._last is not None:
            return False
        await self._begin_anew(await self._place(await self._settings.login()))
        return True

    async def _recall(self) -> None:
        if self._last is not None:
            return
        stored = await self._state.get(self._name, _KIND, _KEY)
        self._last = stored if isinstance(stored, int) else self._settings.recalled

    async def _begin_anew(self, place: Place) -> None:
        if self._last is not None:
            _log.warning(
                "%s: the newest revision is %d, but %d was seen before; treating it as a "
                "new repository and continuing from there",
                self._name,
                place.newest,
                self._last,
            )
        await self._advance([], place.newest)

    async def _place(self, login: Login) -> Place:
        url = f"{self._settings.url}@HEAD"
        output = await self._svn.run("info", url, login=login, timeout=_INFO_TIMEOUT)
        return _read(place_of, output)

    async def _read_pages(self, place: Place, login: Login) -> None:
        while (last := self._last or 0) < place.changed:
            output = await self._svn.run(
                "log",
                "--verbose",
                f"--revision={last + 1}:{place.newest}",
                f"--limit={self._settings.page}",
                f"{self._settings.url}@{place.newest}",
                login=login,
                timeout=_LOG_TIMEOUT,
            )
            revisions = await asyncio.to_thread(_read, revisions_of, output)
            changes = [
                change
                for revision in revisions
                for change in await self._changes(revision, place.prefix)
            ]
            is_last = len(revisions) < self._settings.page
            await self._advance(changes, place.newest if is_last else revisions[-1].number)

    async def _advance(self, changes: Sequence[NewChange], revision: int) -> None:
        remembered = Remembered(name=self._name, kind=_KIND, key=_KEY, value=revision)
        await self._publish(changes, remembered)
        self._last = revision

    async def _changes(self, revision: Revision, prefix: str) -> list[NewChange]:
        """Return the changes of a revision: one for each of the places it touched."""
        found: dict[tuple[str | None, ...], list[tuple[str, str]]] = {}
        for changed in revision.paths:
            part = await self._part(changed, prefix)
            if part is not None:
                path = (part.pop("path") or "").removesuffix("/")  # A directory's.
                where = tuple(part.get(name) for name in _PARTS)
                found.setdefault(where, []).append((changed.action, path))
        return [
            await self._change(revision, dict(zip(_PARTS, where, strict=True)), files)
            for where, files in found.items()
            if files != [("D", "")]  # A branch that was deleted is nothing to build.
        ]

    async def _part(self, changed: ChangedPath, prefix: str) -> dict[str, str | None] | None:
        below = changed.path.removeprefix(prefix)
        if not changed.path.startswith(prefix) or not below.startswith("/"):
            return None
        part = await self._settings.split(below[1:])
        if part is None:
            return None
        if not isinstance(part, Mapping) or not isinstance(part.get("path"), str):
            raise PollFailed(
                f"split_file returned {part!r} for {below[1:]!r}; it must return a dictionary with "
                'at least "path", a tuple (branch, path), or None'
            )
        return dict(part)

    async def _change(
        self, revision: Revision, part: dict[str, str | None], files: list[tuple[str, str]]
    ) -> NewChange:
        settings = self._settings
        number = str(revision.number)
        link = settings.revlink_template
        change = NewChange(
            author=revision.author or _UNKNOWN_AUTHOR,
            files=tuple(path for _, path in files),
            comments=revision.message,
            revision=number,
            branch=part["branch"],
            revlink=link.replace("%s", quote_plus(number)) if link else "",
            repository=part["repository"] or settings.url,
            codebase=part["codebase"] or "",
        )
        project = part["project"] or settings.project
        return await labelled(change, category=settings.category, project=project)


_PARTS = ("branch", "project", "repository", "codebase")


def _read(read: Callable[[bytes], _T], output: bytes) -> _T:
    try:
        return read(output)
    except UnreadableOutput as error:
        raise PollFailed(str(error)) from None
