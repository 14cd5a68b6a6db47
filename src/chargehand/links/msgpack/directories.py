"""The directories of builders on a worker over MessagePack, which leaves them to the master."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from chargehand.domain.session import CommandRefused, Receipt, WorkerLost
from chargehand.kit.tasks import Tasks
from chargehand.links.msgpack.orders import Orders

_log = logging.getLogger(__name__)

OUTPUTS = ("stdout", "stderr", "header")
"""The updates that are text to be read."""
_INFO = "info"
"""The directory in which a worker's people describe it."""
_DIRECTORY = 0o040000
_KIND = 0o170000


class OwnCommand:
    """Receives the outcome of a command that the master runs for itself."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.text = ""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def has_succeeded(self) -> bool:
        """Whether its exit status is 0."""
        return self.values.get("rc") == 0

    def update(self, key: str, value: object) -> None:
        """Take output, or a value."""
        if key in OUTPUTS:
            self.text += str(value)
        else:
            self.values[key] = value

    def write(self, data: bytes) -> Receipt | None:
        """Take nothing."""
        return None

    def times(self, accessed: float, modified: float) -> None:
        """Take nothing."""

    async def read(self, length: int) -> bytes:
        """Return nothing."""
        return b""

    def complete(self, error: str | None) -> bool:
        """Note the end."""
        self.text = error or self.text
        if not self.ended.done():
            self.ended.set_result(None)
        return True

    def lose(self) -> None:
        """Note that the connection was lost."""
        if not self.ended.done():
            self.ended.set_exception(WorkerLost("the connection was lost"))
            self.ended.exception()


Run = Callable[[str, Mapping[str, object]], Awaitable[OwnCommand]]
"""Runs a command by the worker's name of it. Raises CommandRefused and WorkerLost."""


class Directories:
    """Makes directories below the worker's own, and *deletes* others if the worker asks for it
    (``--delete-leftover-dirs``)."""

    def __init__(self, run: Run, *, orders: Orders, tasks: Tasks, deletes: bool) -> None:
        self._run = run
        self._tasks = tasks
        self._orders = orders
        self._deletes = deletes
        self._made: set[str] = set()
        self._configured: set[str] = set()
        self._turn = asyncio.Lock()
        self._doomed: set[str] = set()
        """Those that are being deleted, which may take long."""
        self._deletion: asyncio.Task[None] | None = None

    async def prepare(self, names: Sequence[str]) -> None:
        """Ensure that these directories exist. Raises CommandRefused."""
        async with self._turn:
            await self._make(names)

    async def configure(self, names: Sequence[str], *, may_forget: bool) -> None:
        """Ensure that those of the builders exist; others are left over if it *may_forget* them."""
        async with self._turn:
            await self._make(names)
            if not may_forget:
                self._configured.update(names)
                return
            self._made -= self._configured - {*names}
            self._configured = {*names}
            if self._deletes and self._deletion is None:
                await self._begin_to_delete()

    async def _make(self, names: Sequence[str]) -> None:
        missing = [name for name in dict.fromkeys(names) if name not in self._made]
        if not missing:
            return
        if self._deletion is not None and self._doomed.intersection(map(self._first_part, missing)):
            await asyncio.wait((self._deletion,))
        paths = [self._orders.path(name) for name in missing]
        made = await self._run("mkdir", {"paths": paths})
        if not made.has_succeeded:
            raise CommandRefused(made.text.strip() or "the directory could not be created")
        self._made.update(missing)

    async def _begin_to_delete(self) -> None:
        """Find the directories in the worker's own that no builder uses, and delete them."""
        listed = await self._run("listdir", {"path": self._orders.path()})
        files = listed.values.get("files")
        names = [name for name in files if isinstance(name, str)] if isinstance(files, list) else []
        used = {self._first_part(name) for name in (*self._made, _INFO)}
        self._doomed = {name for name in names if name not in used and await self._is_one(name)}
        if self._doomed:
            self._deletion = self._tasks.spawn(self._delete(), name="delete directories")

    async def _is_one(self, name: str) -> bool:
        found = await self._run("stat", {"path": self._orders.path(name)})
        status = found.values.get("stat")
        mode = status[0] if isinstance(status, list) and status else None
        return isinstance(mode, int) and mode & _KIND == _DIRECTORY

    async def _delete(self) -> None:
        paths = [self._orders.path(name) for name in sorted(self._doomed)]
        _log.info("deleting directories that no builder uses: %s", ", ".join(paths))
        try:
            deleted = await self._run("rmdir", {"paths": paths, "timeout": 1200, "maxTime": None})
            if not deleted.has_succeeded:
                _log.warning("cannot delete all of them: %s", deleted.text.strip())
        except (CommandRefused, WorkerLost) as error:
            _log.warning("cannot delete them: %s", error)
        finally:
            self._doomed, self._deletion = set(), None

    def _first_part(self, path: str) -> str:
        return self._orders.first_part(path)
