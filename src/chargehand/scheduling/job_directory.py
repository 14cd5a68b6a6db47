"""Building what developers put into a directory: files of `buildbot try`, as in a maildir."""

from __future__ import annotations

import asyncio
import logging
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from chargehand.domain.change import Change
from chargehand.kit.complaints import Complaints
from chargehand.kit.guard import guarded
from chargehand.scheduling.behaviour import Common, Parts
from chargehand.scheduling.submitting import BuildsetOptions
from chargehand.scheduling.try_job import BadJob, TryJob, read_job

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
_LARGEST = 256 * 1024 * 1024
"""Bytes of a job."""
_SOURCE = "try build"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a scheduler whose jobs come into a directory."""

    common: Common
    directory: Callable[[], Path]
    """Where new jobs are in ``new``; those that were taken are moved to ``cur``."""
    chosen: Callable[[Sequence[str]], Sequence[str]]
    """Returns the names of the builders to build on, of those that a job names."""


class JobDirectory:
    """Submits a buildset for each job, then moves it to ``cur``: after a crash one may build twice,
    but none is lost."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self._settings = settings
        self._parts = parts
        self._watch: asyncio.Task[None] | None = None
        self._taking = asyncio.Lock()
        self._stuck: set[str] = set()
        """Names of jobs that were taken, and could not be moved."""
        self._complaints = Complaints(_log)

    async def activate(self) -> None:
        """Begin to watch the directory."""
        self._watch = self._parts.services.tasks.keep(
            self._look_again, name=f"jobs of {self._parts.name}"
        )

    async def deactivate(self) -> None:
        """End, after what is being submitted."""
        if self._watch is None:
            return
        async with self._taking:
            self._watch.cancel()
        await asyncio.wait([self._watch])
        self._watch = None

    async def got_change(self, change: Change, important: bool) -> None:
        """Do nothing: jobs are no changes."""

    async def _look_again(self) -> None:
        while True:
            directory = self._settings.directory()
            try:
                names = await asyncio.to_thread(_new_jobs, directory)
            except OSError as error:
                self._complaints.failed(
                    error, "scheduler %s: cannot read its jobdir", self._parts.name
                )
                names = []
            for name in names:
                if name not in self._stuck:
                    async with self._taking:
                        await self._take(directory, name)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _take(self, directory: Path, name: str) -> None:
        scheduler = self._parts.name
        with guarded(_log, "scheduler %s: cannot submit the job %s", scheduler, name):
            try:
                job = read_job(await asyncio.to_thread(_content, directory / "new" / name))
                await self._submit(job)
            except BadJob as bad:
                _log.error("scheduler %s: the job %s is left out: %s", scheduler, name, bad)
        try:
            await asyncio.to_thread((directory / "new" / name).replace, directory / "cur" / name)
        except OSError as error:
            self._stuck.add(name)
            _log.error("scheduler %s: cannot move a job that was taken: %s", scheduler, error)

    async def _submit(self, job: TryJob) -> None:
        names = self._settings.chosen(job.builder_names)
        if not names:
            wanted = ", ".join(job.builder_names)
            raise BadJob(f"it wants builders that this scheduler does not have: {wanted}")
        own = self._settings.common.targets.properties
        given = {n: (value, _SOURCE) for n, value in job.properties.items() if n not in own}
        options = BuildsetOptions(
            reason=job.reason, external_id=job.id, builder_names=names, properties=given
        )
        await self._parts.buildsets.for_stamps(options, [job.stamp])


def _new_jobs(directory: Path) -> list[str]:
    """Return the names of new jobs, the oldest first."""
    for part in ("new", "cur", "tmp"):
        (directory / part).mkdir(parents=True, exist_ok=True)
    found = [(path.lstat(), path.name) for path in (directory / "new").iterdir()]
    return [name for status, name in sorted(found, key=_age) if stat.S_ISREG(status.st_mode)]


def _age(entry: tuple[object, str]) -> tuple[int, str]:
    status, name = entry
    return getattr(status, "st_mtime_ns", 0), name


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise BadJob(f"it is larger than {_LARGEST} bytes")
        return path.read_bytes()
    except OSError as error:
        raise BadJob(f"it cannot be read: {error}") from None
