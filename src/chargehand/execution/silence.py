"""Which masters are silent: known by watching them, not by comparing clocks."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from chargehand.domain.identifiers import MasterId
from chargehand.domain.ownership import SignOfLife

_HEARTBEATS = 3
"""For so many heartbeats a master must be seen unchanged, whatever the time of day."""


class _Watched(msgspec.Struct, frozen=True):
    sign: SignOfLife
    seconds: float
    """How long it was watched without another sign."""


class SilentMasters:
    """Watches other masters' signs of life, at each *heartbeat* of this one.

    A master is silent when its sign did not change while it was watched for three heartbeats and
    is older than *dead_after* by the time of day, or while it was watched for *dead_after*. What
    passes while nobody can look does not count: after an outage of the database that all masters
    share, or after the clock was set, the others have the time to show that they live.
    """

    def __init__(self, *, heartbeat: float, dead_after: float) -> None:
        self._heartbeat = heartbeat
        self._dead_after = dead_after
        self._looked_at: float | None = None
        self._watched: dict[MasterId, _Watched] = {}

    def look(
        self, signs: Mapping[MasterId, SignOfLife], *, elapsed: float, now: float
    ) -> dict[MasterId, SignOfLife]:
        """Return the signs of those that are silent.

        *elapsed* is the loop's time, *now* the time of day.
        """
        passed = self._counted(elapsed)
        self._watched = {
            master_id: self._watched_again(master_id, sign, passed)
            for master_id, sign in signs.items()
        }
        return {
            master_id: watched.sign
            for master_id, watched in self._watched.items()
            if self._is_silent(watched, now)
        }

    def _counted(self, elapsed: float) -> float:
        """Return for how long the masters were watched since the last look."""
        last, self._looked_at = self._looked_at, elapsed
        if last is None or elapsed - last > _HEARTBEATS * self._heartbeat:
            return 0.0
        return min(elapsed - last, self._heartbeat)

    def _watched_again(self, master_id: MasterId, sign: SignOfLife, passed: float) -> _Watched:
        before = self._watched.get(master_id)
        if before is None or before.sign != sign:
            return _Watched(sign, 0.0)
        return _Watched(sign, before.seconds + passed)

    def _is_silent(self, watched: _Watched, now: float) -> bool:
        if watched.seconds >= self._dead_after:
            return True
        is_old = now - watched.sign.last_active >= self._dead_after
        return is_old and watched.seconds >= _HEARTBEATS * self._heartbeat
