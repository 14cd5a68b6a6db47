"""Builds in columns: by builder, and by the hour in which they began. Pure.

Columns are arrays: a build takes some 50 bytes, and what is computed of many runs in C.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from operator import attrgetter
from typing import NamedTuple

from chargehand.domain.result import Result
from chargehand.resources.field import Resource

MOST_RECENT = 50
"""Builds of each builder that can be shown one by one."""
HOUR = 3600
DAY = 24 * HOUR
WINDOW = 30 * DAY
"""Seconds that the statistics of a builder are about."""

_MEASURED = {Result.SUCCESS, Result.WARNINGS, Result.FAILURE, Result.EXCEPTION}
GOOD = frozenset((Result.SUCCESS, Result.WARNINGS))
_UNKNOWN = -1
_FAILED = _MEASURED - {Result.SUCCESS}
_ID = attrgetter("id")
_WIDTH = 6


class Record(NamedTuple):
    """A build."""

    id: int
    builder_id: int
    number: int
    worker_id: int
    started_at: float
    complete_at: float | None
    result: int | None
    submitted_at: float

    @property
    def shown(self) -> Resource:
        """The build as one of a builder's recent ones."""
        return {
            "buildid": self.id,
            "number": self.number,
            "results": self.result,
            "started_at": int(self.started_at),
            "complete_at": None if self.complete_at is None else int(self.complete_at),
        }


class Work:
    """How long workers were busy in each hour, and how many builds they began."""

    __slots__ = ("begun", "seconds")

    def __init__(self) -> None:
        self.begun: dict[tuple[int, int], int] = {}
        """By the number of the hour, and worker."""
        self.seconds: dict[tuple[int, int], float] = {}
        """Likewise."""

    def add(self, worker: int, started: float, ended: float) -> None:
        """Add a build."""
        hour = int(started // HOUR)
        key = hour, worker
        self.begun[key] = self.begun.get(key, 0) + 1
        while started < ended:
            end = min(ended, (hour + 1) * HOUR)
            key = hour, worker
            self.seconds[key] = self.seconds.get(key, 0.0) + end - started
            started = end
            hour += 1


class Ended:
    """Builds that have ended, in no order: columns, in one array."""

    __slots__ = ("_known", "_work", "values")

    def __init__(self) -> None:
        self.values = array("d")
        """Of each build: builder, worker, start, seconds, seconds of waiting, and result."""
        self._known = 0
        self._work = Work()

    def work(self) -> Work:
        """Return what workers did for these builds."""
        if self._known != len(self.values):
            work = Work()
            for worker, started, seconds in zip(
                self.workers, self.started, self.seconds, strict=True
            ):
                work.add(int(worker), started, started + seconds)
            self._work, self._known = work, len(self.values)
        return self._work

    def __len__(self) -> int:
        return len(self.values) // _WIDTH

    @property
    def builders(self) -> array[float]:
        """The builders' identifiers."""
        return self.values[0::_WIDTH]

    @property
    def workers(self) -> array[float]:
        """The workers' identifiers."""
        return self.values[1::_WIDTH]

    @property
    def started(self) -> array[float]:
        """When they began."""
        return self.values[2::_WIDTH]

    @property
    def seconds(self) -> array[float]:
        """How long they took."""
        return self.values[3::_WIDTH]

    @property
    def waits(self) -> array[float]:
        """How long their requests had waited, in seconds."""
        return self.values[4::_WIDTH]

    @property
    def results(self) -> array[float]:
        """Their results; -1 for none."""
        return self.values[5::_WIDTH]


def are_measured(results: Iterable[float]) -> Iterator[bool]:
    """Return, for each result, whether the build counts: whether it ran to an end of its own.

    What was skipped, cancelled or begun again says nothing about how long builds take, or fail.
    """
    return map(_MEASURED.__contains__, results)


class Line:
    """The builds of one builder."""

    __slots__ = ("_good", "_known", "_shown", "_statistics", "_until", "ended", "newest")

    def __init__(self) -> None:
        self.newest: list[Record] = []
        """The oldest first."""
        self.ended = array("d")
        """Of each build that has ended, in no order: start, seconds, and result."""
        self._good: list[float] = []
        self._known = 0
        self._shown: list[Resource] | None = None
        self._statistics: Resource | None = None
        self._until = 0.0

    @property
    def is_full(self) -> bool:
        """Whether an older build is not one of the newest."""
        return len(self.newest) == MOST_RECENT

    def put(self, one: Record) -> None:
        """Add or replace a build, if it is among the newest."""
        newest = self.newest
        place = bisect_left(newest, one.id, key=_ID)
        if place == 0 and self.is_full and newest[0].id != one.id:
            return
        self._shown = None
        is_known = place < len(newest) and newest[place].id == one.id
        newest[place : place + is_known] = [one]
        del newest[:-MOST_RECENT]

    def drop(self, build_id: int) -> None:
        """Forget one of the newest."""
        self._shown = None
        self.newest = [other for other in self.newest if other.id != build_id]

    def counts(self) -> None:
        """Note that a build has ended."""
        self._statistics = None

    def good(self) -> list[float]:
        """Return when those builds began that succeeded, in order."""
        if self._known != len(self.ended):
            self._known = len(self.ended)
            succeeded = map(GOOD.__contains__, self.ended[2::3])
            self._good = sorted(compress(self.ended[0::3], succeeded))
        return self._good

    def recent(self, count: int) -> list[Resource]:
        """Return the newest builds, the newest first."""
        if self._shown is None:
            self._shown = [one.shown for one in reversed(self.newest)]
        return self._shown[:count]

    def statistics(self, now: float) -> Resource:
        """Return statistics of the builds that began in the last 30 days and have ended."""
        if self._statistics is None or now >= self._until:
            self._until = now + HOUR
            since = now - WINDOW
            results = self.ended[2::3]
            wanted = [
                is_measured and started >= since
                for is_measured, started in zip(
                    are_measured(results), self.ended[0::3], strict=True
                )
            ]
            self._statistics = _summary(
                list(compress(results, wanted)), sorted(compress(self.ended[1::3], wanted))
            )
        return self._statistics


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the value below which that share of the *ordered* ones is; None if there are none."""
    if not ordered:
        return None
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return round(ordered[low] + (ordered[high] - ordered[low]) * (place - low), 3)


def _summary(results: Sequence[float], seconds: Sequence[float]) -> Resource:
    good = sum(results.count(one) for one in GOOD)
    return {
        "builds": len(results),
        "success_rate": round(good / len(results), 4) if results else None,
        "median_seconds": quantile(seconds, 0.5),
    }


class Memory:
    """All builds that were read, by builder and by hour.

    The last *overlap* identifiers may be given again.
    """

    def __init__(self, *, overlap: int = 0) -> None:
        self.lines: dict[int, Line] = {}
        self.hours: dict[int, Ended] = {}
        """By the number of the hour, since 1970, in which they began."""
        self.running: dict[int, Record] = {}
        self.failed: set[int] = set()
        """Those that ended without success, and whose steps nobody has asked about yet."""
        self.failed_tests: set[int] = set()
        """Likewise, whose tests nobody has asked about yet."""
        self.first_id = 0
        """Builds before this one are not counted: not all of them are here."""
        self.last_id = 0
        """The highest identifier that was read."""
        self.count = 0
        """Builds that have ended."""
        self._overlap = overlap
        self._latest: set[int] = set()

    def load(self, builds: Iterable[Record]) -> None:
        """Add builds that were not counted so far, because they began too early."""
        lines, hours = self.lines, self.hours
        for one in builds:
            _, builder_id, _, worker_id, started, ended, result, submitted = one
            if ended is None:
                self.show(one)
                continue
            line = lines.get(builder_id) or self.line(builder_id)
            if len(line.newest) < MOST_RECENT:
                line.put(one)
            # Clocks are set back, now and then.
            seconds = max(0.0, ended - started)
            waited = max(0.0, started - submitted)
            outcome = _UNKNOWN if result is None else result
            line.ended.extend((started, seconds, outcome))
            number = int(started // HOUR)
            hour = hours.get(number)
            if hour is None:
                hour = hours[number] = Ended()
            hour.values.extend((builder_id, worker_id, started, seconds, waited, outcome))
            line.counts()
            if outcome in _FAILED:
                self.failed.add(one.id)
                self.failed_tests.add(one.id)
            self.count += 1
            self._remember(one.id)

    def add(self, builds: Iterable[Record]) -> None:
        """Add builds: each is new, was running, or is one of the latest."""
        for one in builds:
            if one.id in self._latest and one.id not in self.running:
                continue
            self.show(one)
            if one.complete_at is not None:
                self.running.pop(one.id, None)
                if one.id >= self.first_id:
                    self.load((one,))
            self.last_id = max(self.last_id, one.id)

    def _remember(self, build_id: int) -> None:
        if not self._overlap or build_id <= self.last_id - self._overlap:
            return
        self._latest.add(build_id)
        if len(self._latest) > 2 * self._overlap:
            self._latest = {one for one in self._latest if one > self.last_id - self._overlap}

    def show(self, one: Record) -> Line:
        """Add a build to those of its builder, and to those that run, without counting it."""
        line = self.line(one.builder_id)
        line.put(one)
        if one.complete_at is None:
            self.running[one.id] = one
        return line

    def line(self, builder_id: int) -> Line:
        """Return the builds of one builder."""
        line = self.lines.get(builder_id)
        if line is None:
            line = self.lines[builder_id] = Line()
        return line

    def forget(self, build_id: int) -> None:
        """Forget a running build, which is not there any more."""
        one = self.running.pop(build_id)
        self.line(one.builder_id).drop(build_id)
