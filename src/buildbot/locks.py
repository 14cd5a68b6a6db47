"""Locks: how many builds or steps may use a resource at once."""

from __future__ import annotations

from typing import Any, ClassVar

from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error, warn
from buildbot._border.finder import old_names_of
from buildbot._border.numbers import COUNT, check_number
from buildbot._border.old_arguments import say_renamed
from chargehand.domain import lock as domain

__all__ = ["BaseLock", "LockAccess", "MasterLock", "WorkerLock", "lock_accesses"]

_MODES = {mode.value: mode for mode in domain.LockMode}


class BaseLock(ComparableMixin):
    """The common part of both kinds of lock.

    Args:
        name (str): Name of the lock, which locks of the same kind must not share; shown to people
            who wait for it.
        maxCount (int): How many may hold it at once; 0 grants it to exclusive accesses only.
    """

    compare_attrs: ClassVar[Any] = ("name", "maxCount")
    _scope: domain.LockScope

    def __init__(self, name: str, maxCount: int = 1) -> None:
        if not isinstance(name, str) or not name:
            error(f"a lock's name must be a non-empty string, not {name!r}")
        self.name = name
        self.maxCount = _checked_count(name, maxCount)

    def access(self, mode: str, count: int = 1) -> LockAccess:
        """Return how a builder or step uses this lock: ``counting`` (*count* units) or
        ``exclusive``."""
        return LockAccess(self, mode, count)

    def defaultAccess(self) -> LockAccess:
        """Return the access used where a lock is given in place of an access."""
        return self.access("counting")

    def _as_spec(self) -> domain.LockSpec:
        return domain.LockSpec(name=str(self.name), scope=self._scope, max_count=self.maxCount)

    def _most(self) -> int:
        """Return the largest count that can be granted on any worker."""
        return self.maxCount

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, maxCount={self.maxCount!r})"


class MasterLock(BaseLock):
    """A lock for the whole farm."""

    _scope = domain.LockScope.MASTER


class WorkerLock(BaseLock):
    """A lock on each worker; ``maxCountForWorker`` overrides the count of some workers.

    Args:
        maxCountForWorker (dict[str, int] | None): maxCount of single workers, by name.
        maxCountForSlave (dict[str, int] | None): Old name of maxCountForWorker.
    """

    compare_attrs = ("maxCountForWorker",)
    _scope = domain.LockScope.WORKER

    def __init__(
        self,
        name: str,
        maxCount: int = 1,
        maxCountForWorker: dict[str, int] | None = None,
        *,
        maxCountForSlave: dict[str, int] | None = None,
    ) -> None:
        super().__init__(name, maxCount)
        if maxCountForSlave is not None:
            say_renamed("WorkerLock", "maxCountForSlave")
            maxCountForWorker = maxCountForSlave
        if not isinstance(maxCountForWorker or {}, dict):
            wanted = "a dictionary from worker names to counts"
            error(f'lock "{name}": maxCountForWorker must be {wanted}, not {maxCountForWorker!r}')
            maxCountForWorker = None
        self.maxCountForWorker = dict(maxCountForWorker or {})
        for worker_name, count in self.maxCountForWorker.items():
            self.maxCountForWorker[worker_name] = _checked_count(name, count)

    def _most(self) -> int:
        return max((self.maxCount, *self.maxCountForWorker.values()))

    def _as_spec(self) -> domain.LockSpec:
        return domain.LockSpec(
            name=str(self.name),
            scope=self._scope,
            max_count=self.maxCount,
            max_count_for_worker=self.maxCountForWorker,
        )


def _checked_count(name: str, count: Any) -> int:
    """Return the count; 0 lets nobody use the lock but those who want it for themselves."""
    if not check_number(f'lock "{name}"', "maxCount", count, COUNT):
        return 1
    if count == 0:
        warn(f'lock "{name}": maxCount is 0: builds and steps that count on it never start')
    return int(count)


class LockAccess(ComparableMixin):
    """How a builder or a step wants to use a lock."""

    compare_attrs = ("lockid", "mode", "count")

    def __init__(self, lockid: BaseLock, mode: str, count: int = 1) -> None:
        self.lockid = lockid
        self.mode = mode
        self.count = count
        if not isinstance(mode, str) or mode not in ("counting", "exclusive"):
            error(
                f"lock \"{lockid.name}\": access mode must be 'counting' or 'exclusive', "
                f"not {mode!r}"
            )
            self.mode = "counting"
        elif not check_number(f'lock "{lockid.name}"', "count", count, COUNT):
            self.count = 1
        elif mode == "exclusive" and count != 1:
            error(f'lock "{lockid.name}": exclusive access must have count 1, not {count!r}')
        elif count > (most := lockid._most()) and most > 0:  # Else it has been said.
            error(
                f'lock "{lockid.name}": count {count} can never be granted; its maxCount is {most}'
            )

    def _as_access(self) -> domain.LockAccess:
        return domain.LockAccess(
            lock=self.lockid._as_spec(),
            mode=_MODES.get(self.mode, domain.LockMode.COUNTING),
            count=self.count,
        )

    def __repr__(self) -> str:
        return f"{self.lockid!r}.access({self.mode!r}, count={self.count!r})"


def lock_accesses(locks: Any) -> tuple[domain.LockAccess, ...]:
    """Return the engine's values for a ``locks=`` argument: a list of accesses (or locks)."""
    if isinstance(locks, LockAccess | BaseLock):
        locks = [locks]
    if not isinstance(locks, list | tuple):
        raise TypeError(
            f"locks must be a list of lock accesses (lock.access('counting')), not {locks!r}"
        )
    found = []
    for lock in locks:
        access = lock.defaultAccess() if isinstance(lock, BaseLock) else lock
        if not isinstance(access, LockAccess):
            raise TypeError(
                f"locks must be a list of lock accesses (lock.access('counting')), not of {lock!r}"
            )
        found.append(access._as_access())
    return tuple(found)


__getattr__ = old_names_of(__name__)
