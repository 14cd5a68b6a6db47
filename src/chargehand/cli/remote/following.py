"""Following builds of a running master: steps as they finish, and output as it arrives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec
from rich.console import Console

from chargehand.cli.remote.master import Events, RemoteMaster, Unreachable
from chargehand.cli.remote.rows import Build, Log, Request, Step, Why
from chargehand.cli.showing import build_begins, build_ended, log_text, step_ended
from chargehand.domain.result import Result

T = TypeVar("T")

_LINES_AT_ONCE = 2000
_LOOK_AGAIN_SECONDS = 5.0
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds to wait before each attempt to reconnect."""


class Follower:
    """Prints a request's progress, across restarts of the master and retries of its builds."""

    def __init__(self, master: RemoteMaster, console: Console, *, show_output: bool = True) -> None:
        self._master = master
        self._console = console
        self._show_output = show_output
        self._offsets: dict[int, int] = {}
        self._ended_steps: set[int] = set()
        self._said = ""

    async def request(self, request_id: int, builder: str) -> Build | None:
        """Follow a request to its last build; None: it ended without a build."""
        done: set[int] = set()
        while True:
            build = await self._next_build(request_id, done)
            if build is None:
                return None
            build = await self.build(build, builder)
            done.add(build.buildid)
            if build.result is not Result.RETRY:
                return build

    async def build(self, build: Build, builder: str) -> Build:
        """Follow a build to its end, and return it."""
        title = f"{builder} #{build.number}"
        self._print_line(build_begins(title))

        async def look(events: Events) -> Build | None:
            await self._show_steps(build.buildid, events)
            now = (await self._master.all(Build, f"builds/{build.buildid}"))[0]
            if not now.complete or now.result is None:
                return None
            await self._show_steps(build.buildid, events)
            took = (now.complete_at or now.started_at) - now.started_at
            self._print_line(build_ended(title, now.result, now.state_string, took))
            return now

        return await self.until(
            look, [f"builds/{build.buildid}/*", f"builds/{build.buildid}/steps/*/*"]
        )

    async def log(self, log: Log, show: Callable[[list[str]], None]) -> None:
        """Follow a log to its end; *show* is called with new lines."""

        async def look(events: Events) -> Log | None:
            now = (await self._master.all(Log, f"logs/{log.logid}"))[0]
            async for lines in self.lines(now):
                show(lines)
            return now if now.complete else None

        await self.until(look, [f"logs/{log.logid}/*"])

    async def _next_build(self, request_id: int, done: set[int]) -> Build | None:
        """Wait for a build of the request that is not in *done*; meanwhile, print why it waits."""
        path = f"buildrequests/{request_id}"

        async def look(events: Events) -> list[Build] | None:
            # Its build may begin and end between two questions: builds are asked about last.
            is_complete = (await self._master.all(Request, path))[0].complete
            builds = await self._master.all(Build, f"{path}/builds", order="buildid")
            if new := [build for build in builds if build.buildid not in done]:
                return new
            if is_complete:
                return []
            for why in await self._master.all(Why, f"{path}/why"):
                if why.kind != "about_to_start":
                    self._say(f"waiting: {why.sentence}")
            return None

        found = await self.until(look, [f"{path}/*", "builds/*/new"])
        return found[0] if found else None

    async def until(self, look: Callable[[Events], Awaitable[T | None]], paths: Sequence[str]) -> T:
        """Return what *look* finds; it is called after each event, and every few seconds.

        When the connection is lost, reconnect.
        """
        attempt = 0
        while True:
            try:
                async with self._master.listening(paths) as events:
                    async for _ in _wakes(events):
                        found = await look(events)
                        attempt = 0
                        if found is not None:
                            return found
            except Unreachable:
                if attempt >= len(_PAUSES):
                    raise
            if attempt == 0:
                self._console.print("  connection lost; reconnecting…", style="bright_black")
            await asyncio.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
            attempt += 1

    async def _show_steps(self, build_id: int, events: Events) -> None:
        for step in await self._master.all(Step, f"builds/{build_id}/steps", order="number"):
            if step.stepid in self._ended_steps:
                continue
            if step.started_at is not None:
                if not step.complete:
                    await events.add(f"steps/{step.stepid}/logs/*/*")
                await self._show_logs(step)
            if step.complete and step.result is not None:
                self._ended_steps.add(step.stepid)
                took = (step.complete_at or 0) - (step.started_at or step.complete_at or 0)
                if not step.hidden:
                    self._print_line(step_ended(step.name, step.result, step.state_string, took))

    async def _show_logs(self, step: Step) -> None:
        if not self._show_output:
            return
        for log in await self._master.all(Log, f"steps/{step.stepid}/logs"):
            if log.type == "h":
                continue
            async for lines in self.lines(log):
                text = log_text(lines, has_channels=log.type == "s", details=False)
                if text is not None:
                    self._print_line(text)

    async def lines(self, log: Log) -> AsyncIterator[list[str]]:
        """Yield the lines that have not been yielded yet, many at once."""
        while (first := self._offsets.get(log.logid, 0)) < log.num_lines:
            count = min(_LINES_AT_ONCE, log.num_lines - first)
            path = f"logs/{log.logid}/contents"
            # As they were written: `log_text` shows colours, and makes the rest harmless.
            rows = await self._master.rows(path, offset=first, limit=count)
            chunk = msgspec.convert(rows, list[_Chunk])
            lines = chunk[0].content.removesuffix("\n").split("\n") if chunk else []
            if not lines:
                return
            self._offsets[log.logid] = first + len(lines)
            yield lines

    def _say(self, sentence: str) -> None:
        if sentence != self._said:
            self._said = sentence
            self._console.print(f"  {sentence}", style="bright_black", markup=False)

    def _print_line(self, line: object) -> None:
        self._console.print(line, soft_wrap=True, highlight=False)


class _Chunk(msgspec.Struct, frozen=True, kw_only=True):
    content: str


async def _wakes(events: Events) -> AsyncIterator[None]:
    """Yield at once, after each event, and every few seconds; end with the connection."""
    ended = False
    woken = asyncio.Event()

    async def hear() -> None:
        nonlocal ended
        while await events.next() is not None:
            woken.set()
        ended = True
        woken.set()

    hearing = asyncio.create_task(hear())
    try:
        while not ended:
            woken.clear()
            yield
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AGAIN_SECONDS):
                    await woken.wait()
    finally:
        hearing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await hearing
