"""Statistics of builds by interval, of workers, and of steps and tests that fail now and then."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import compress

from sqlalchemy import select

from chargehand.domain.result import Result
from chargehand.resources.field import Resource
from chargehand.resources.query import Query
from chargehand.store.engine.database import Database, Lane
from chargehand.store.engine.reading import Reading
from chargehand.store.engine.tables import (
    builders,
    masters,
    steps,
    test_result_sets,
    test_results,
    workers,
)
from chargehand.store.history.failures import Failures
from chargehand.store.history.history import TABLE, History
from chargehand.store.history.memory import (
    DAY,
    HOUR,
    WINDOW,
    Memory,
    Work,
    are_measured,
    quantile,
)

_SECONDS = {"hour": HOUR, "day": DAY, "week": 7 * DAY}
_MONDAY = 4 * DAY
"""The first one after the beginning of 1970."""
_MOST_INTERVALS = 5000
_MOST_KNOWN = 4 * _MOST_INTERVALS
_LONGEST = DAY
"""How long before the time that is asked about builds of workers are looked at."""

_BUILDERS = select(builders.c.id, builders.c.name)
_WORKERS = select(workers.c.id, workers.c.name)


class Span:
    """The time that a question is about, in whole intervals."""

    def __init__(self, arguments: Mapping[str, int | str], now: float) -> None:
        """Raise ValueError for too many intervals."""
        self.length = _SECONDS[str(arguments.get("interval", "day"))]
        until = int(arguments.get("until", int(now) + 1))
        since = int(arguments.get("since", until - WINDOW))
        offset = _MONDAY if self.length == 7 * DAY else 0
        self.start = (since - offset) // self.length * self.length + offset
        self.until = until
        count = -(-(until - self.start) // self.length)
        if count > _MOST_INTERVALS:
            raise ValueError(
                f"these are {count:,} intervals, and there may be {_MOST_INTERVALS:,}: ask for a "
                "shorter time, or longer intervals"
            )
        self.starts = range(self.start, until, self.length)
        self.end = self.start + max(0, count) * self.length


class Statistics:
    """Answers questions about ``statistics/…``."""

    def __init__(self, *, database: Database, history: History) -> None:
        self._database = database
        self._history = history
        self._failed_steps = Failures.of_steps()
        self._failed_tests = Failures.of_tests()
        self._known: dict[tuple[int, int], Resource] = {}
        """By start and end of the interval."""
        self.kinds: Mapping[str, Callable[[Reading, Query, int], list[Resource]]] = {
            "builder_statistics": self._of_builders,
            "step_statistics": self._of_steps,
            "test_statistics": self._of_tests,
            "worker_statistics": self._of_workers,
        }

    async def prepare(self, query: Query, lane: Lane) -> None:
        """Read what is needed into memory. Raises ValueError."""
        if query.kind in self.kinds:
            span = Span(query.arguments, self._database.now())
            await self._history.cover(span.start - _LONGEST, lane)

    def _seen(self, reading: Reading, query: Query) -> Mapping[int, str]:
        """Return the builders that are asked about and seen, by identifier."""
        reading.tables |= {TABLE, masters.name}
        only = query.arguments.get("builderid")
        rows = reading.execute(_BUILDERS, {})
        return {row[0]: row[1] for row in rows if only is None or row[0] == only}

    def _of_builders(self, reading: Reading, query: Query, as_of: int) -> list[Resource]:
        span = Span(query.arguments, self._database.now())
        only = query.arguments.get("builderid")
        seen = self._seen(reading, query)
        with self._history.using:
            memory = self._history.look(reading.connection, as_of)
            wanted = _wanted(memory, seen)
            return [
                self._interval(memory, start, start + span.length, wanted)
                | {"starts_at": start, "builderid": only}
                for start in span.starts
            ]

    def _interval(
        self, memory: Memory, start: int, end: int, wanted: Mapping[int, str] | None
    ) -> Resource:
        """Return the statistics of an interval, which are kept while no build is added to it."""
        if wanted is not None:
            return _interval(memory, start, end, wanted)
        hours = map(memory.hours.get, range(start // HOUR, end // HOUR))
        count = sum(len(hour) for hour in hours if hour is not None)
        known = self._known.get((start, end))
        if known is not None and known["builds"] == count:
            return known
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        found = self._known[start, end] = _interval(memory, start, end, None)
        return found

    def _of_workers(self, reading: Reading, query: Query, as_of: int) -> list[Resource]:
        span = Span(query.arguments, self._database.now())
        names = {row[0]: row[1] for row in reading.execute(_WORKERS, {})}
        seen = self._seen(reading, query)
        with self._history.using:
            memory = self._history.look(reading.connection, as_of)
            wanted = _wanted(memory, seen)
            busy = _busy(memory, span, wanted, self._database.now())
        return [
            {
                "workerid": worker,
                "name": names[worker],
                "starts_at": start,
                "busy_seconds": round(seconds, 3),
                "builds": count,
            }
            for (start, worker), (seconds, count) in sorted(busy.items())
            if worker in names
        ]

    def _of_steps(self, reading: Reading, query: Query, as_of: int) -> list[Resource]:
        reading.tables.add(steps.name)
        return self._flaky(reading, query, as_of, self._failed_steps)

    def _of_tests(self, reading: Reading, query: Query, as_of: int) -> list[Resource]:
        reading.tables |= {test_result_sets.name, test_results.name}
        return self._flaky(reading, query, as_of, self._failed_tests)

    def _flaky(
        self, reading: Reading, query: Query, as_of: int, failures: Failures
    ) -> list[Resource]:
        """Return a row for each thing that failed, those that flip most first."""
        span = Span(query.arguments, self._database.now())
        names = self._seen(reading, query)
        with self._history.using:
            memory = self._history.look(reading.connection, as_of)
            failures.catch_up(reading.connection, memory)
            rows = [
                _flips(builder, names[builder], name, failed, good)
                for builder, of_builder in failures.times.items()
                if builder in names
                for good in (_within(memory.line(builder).good(), span),)
                for name, times in of_builder.items()
                if (failed := _within(sorted(times), span))
            ]
        return sorted(rows, key=lambda row: (-row["flips"], -row["failures"], row["name"]))


def _wanted(memory: Memory, seen: Mapping[int, str]) -> Mapping[int, str] | None:
    """Return the builders whose builds count; None for all that are in memory.

    What is left in memory of deleted builders does not count.
    """
    return None if memory.lines.keys() <= seen.keys() else seen


def _interval(memory: Memory, start: int, end: int, wanted: Mapping[int, str] | None) -> Resource:
    """Return the statistics of builds that began in that time, of the builders *wanted*."""
    results, seconds, waits = array("d"), array("d"), array("d")
    for number in range(start // HOUR, end // HOUR):
        if (ended := memory.hours.get(number)) is None:
            continue
        columns = ended.results, ended.seconds, ended.waits
        if wanted is None:
            of_hour: Sequence[array[float]] = columns
        else:
            mask = list(map(wanted.__contains__, ended.builders))
            of_hour = [array("d", compress(column, mask)) for column in columns]
        for column, more in zip((results, seconds, waits), of_hour, strict=True):
            column.extend(more)
    mask = list(are_measured(results))
    durations, waiting = sorted(compress(seconds, mask)), sorted(compress(waits, mask))
    return {
        "builds": len(results),
        "counts": {one.word: results.count(one) for one in Result},
        "median_seconds": quantile(durations, 0.5),
        "p90_seconds": quantile(durations, 0.9),
        "median_wait_seconds": quantile(waiting, 0.5),
        "p90_wait_seconds": quantile(waiting, 0.9),
    }


def _busy(
    memory: Memory, span: Span, wanted: Mapping[int, str] | None, now: float
) -> dict[tuple[int, int], list[float]]:
    """Return, by interval and worker, how long builds ran in it, and how many began in it."""
    found: dict[tuple[int, int], list[float]] = defaultdict(lambda: [0.0, 0])
    for work in _work(memory, span, wanted, now):
        both: tuple[Mapping[tuple[int, int], float], ...] = (work.seconds, work.begun)
        for place, amounts in enumerate(both):
            for (hour, worker), amount in amounts.items():
                moment = hour * HOUR
                if span.start <= moment < span.end:
                    at = moment - (moment - span.start) % span.length
                    found[at, worker][place] += amount
    return found


def _work(
    memory: Memory, span: Span, wanted: Mapping[int, str] | None, now: float
) -> Iterator[Work]:
    """Return what was done in that time for builders that are *wanted*."""
    for number in range((span.start - _LONGEST) // HOUR, span.end // HOUR):
        if (ended := memory.hours.get(number)) is None:
            continue
        if wanted is None:
            yield ended.work()
            continue
        work = Work()
        for builder, worker, started, seconds in zip(
            ended.builders, ended.workers, ended.started, ended.seconds, strict=True
        ):
            if builder in wanted:
                work.add(int(worker), started, started + seconds)
        yield work
    running = Work()
    for one in memory.running.values():
        if wanted is None or one.builder_id in wanted:
            running.add(one.worker_id, one.started_at, now)
    yield running


def _within(times: list[float], span: Span) -> list[float]:
    """Return those of the times, which are in order, that are in the span."""
    return times[bisect_left(times, span.start) : bisect_left(times, span.end)]


def _flips(
    builder_id: int, builder: str, name: str, failed: Sequence[float], good: Sequence[float]
) -> Resource:
    """Return a row about a step or a test: it flips wherever a good build is next to a failure."""
    places = {bisect_left(good, started) for started in failed}
    flips = sum((place > 0) + (place < len(good)) for place in places)
    return {
        "builderid": builder_id,
        "builder": builder,
        "name": name,
        "builds": len(set(good) | set(failed)),
        "failures": len(failed),
        "flips": flips,
    }
