"""A store of logs in memory."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator

import msgspec

from chargehand.domain.build import Log, LogType, NewLog, Segment
from chargehand.domain.identifiers import BuildId, LogId, StepId
from chargehand.logs.segments import lines_of


class MemoryLogStore:
    """`LogStore`, in memory. Set ``failure`` to let `append` fail."""

    def __init__(self) -> None:
        self.logs: dict[LogId, Log] = {}
        self.segments: dict[LogId, list[Segment]] = {}
        self.failure: Exception | None = None

    def text(self, name: str, step_name: StepId | None = None) -> str:
        """Return the text of the last log of that name, with channel letters."""
        found = [
            log.id
            for log in self.logs.values()
            if log.name == name and step_name in (None, log.step_id)
        ]
        lines = b"".join(lines_of(segment) for segment in self.segments[found[-1]])
        return lines.decode("utf-8", "backslashreplace")

    async def open(
        self,
        step_id: StepId,
        name: str,
        slug: str,
        kind: LogType,
        *,
        build_id: BuildId | None = None,
    ) -> Log:
        """Create the log."""
        return self.add(step_id, NewLog(name, slug, kind))

    def add(self, step_id: StepId, new: NewLog) -> Log:
        """Create a log; its slug is made unique in its step."""
        others = {log.slug for log in self.logs.values() if log.step_id == step_id}
        slugs = itertools.chain([new.slug], _numbered(new.slug))
        slug = next(one for one in slugs if one not in others)
        log_id = LogId(len(self.logs) + 1)
        log = Log(id=log_id, step_id=step_id, name=new.name, slug=slug, type=new.type)
        self.logs[log_id] = log
        self.segments[log_id] = []
        return log

    def append(self, log_id: LogId, segment: Segment) -> asyncio.Future[None]:
        """Append a segment."""
        if self.failure is not None:
            raise self.failure
        assert not self.logs[log_id].complete, "appended to a finished log"
        self.segments[log_id].append(segment)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    async def flush(self, log_id: LogId) -> None:
        """Everything is there already."""

    async def finish(self, log_id: LogId) -> Log:
        """No more will come."""
        lines = sum(segment.line_count for segment in self.segments[log_id])
        log = msgspec.structs.replace(self.logs[log_id], complete=True, line_count=lines)
        self.logs[log_id] = log
        return log

    async def read_lines(self, log_id: LogId, first: int, count: int | None) -> bytes:
        """Return lines as stored."""
        lines = b"".join(lines_of(segment) for segment in self.segments[log_id])
        last = None if count is None else first + count
        return b"".join(line + b"\n" for line in lines.split(b"\n")[:-1][first:last])


def _numbered(slug: str) -> Iterator[str]:
    return (f"{slug}_{number}" for number in itertools.count(2))
