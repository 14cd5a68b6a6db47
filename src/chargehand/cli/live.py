"""Builds as they run, in the terminal: steps with a spinner and timing, and their output."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from chargehand.cli.showing import build_begins, build_ended, log_text, step_ended
from chargehand.domain.build import Build, Log, LogType, Step
from chargehand.domain.identifiers import BuilderId, BuildId, LogId, StepId
from chargehand.events.bus import Bus
from chargehand.events.messages import (
    BuildFinished,
    BuildStarted,
    BuildUpdated,
    Event,
    LogAppended,
    StepFinished,
    StepStarted,
    StepUpdated,
)
from chargehand.kit.durations import duration

ReadLines = Callable[[LogId, int, int | None], Awaitable[bytes]]


class LiveView:
    """Prints the progress of builds. On a terminal, running steps have lines at the bottom."""

    def __init__(
        self,
        *,
        console: Console,
        bus: Bus,
        read_lines: ReadLines,
        builder_name: Callable[[BuilderId], str],
        show_output: bool = True,
        show_details: bool = False,
    ) -> None:
        self._console = console
        self._bus = bus
        self._read_lines = read_lines
        self._builder_name = builder_name
        self._show_output = show_output
        self._show_details = show_details
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._builds: dict[BuildId, Build] = {}
        self._running: dict[StepId, tuple[Step, float]] = {}
        self._printed: dict[LogId, int] = {}
        self._finished: dict[BuildId, Build] = {}
        self._anything_finished = asyncio.Event()
        self._live = Live(
            Group(),
            console=console,
            transient=True,
            refresh_per_second=8,
            get_renderable=self._status,
        )

    async def run(self) -> None:
        """Show builds until cancelled."""
        subscription = self._bus.subscribe(
            self._events.put_nowait,
            BuildStarted,
            BuildUpdated,
            BuildFinished,
            StepStarted,
            StepUpdated,
            StepFinished,
            LogAppended,
        )
        try:
            if self._console.is_terminal:
                with self._live:
                    await self._show_events()
            else:
                await self._show_events()
        finally:
            subscription.cancel()

    async def next_finished(self) -> Build:
        """Wait until a build has ended (and is shown), and return it, each once."""
        while not self._finished:
            self._anything_finished.clear()
            await self._anything_finished.wait()
        return self._finished.pop(next(iter(self._finished)))

    def show_interrupted(self) -> None:
        """Print what Ctrl-C stopped."""
        for build in self._builds.values():
            steps = [step.name for step, _ in self._running.values() if step.build_id == build.id]
            during = f" during {', '.join(map(repr, steps))}" if steps else ""
            self._print(Text(f"■ {self._title(build)}: stopped by Ctrl-C{during}", style="bold"))
        if not self._builds:
            self._print(Text("■ stopped by Ctrl-C before the build started", style="bold"))

    async def _show_events(self) -> None:
        while True:
            await self._show(await self._events.get())

    async def _show(self, event: Event) -> None:
        match event:
            case BuildStarted(build=build):
                self._builds[build.id] = build
                self._print(build_begins(self._title(build)))
            case BuildUpdated(build=build):
                self._builds[build.id] = build
            case StepStarted(step=step):
                self._running[step.id] = (step, time.monotonic())
            case StepUpdated(step=step):
                if step.id in self._running:
                    self._running[step.id] = (step, self._running[step.id][1])
            case StepFinished(step=step):
                self._running.pop(step.id, None)
                self._show_step(step)
            case LogAppended(log=log):
                if self._show_output:
                    await self._show_lines(log)
            case BuildFinished(build=build):
                self._show_build(build)

    def _show_step(self, step: Step) -> None:
        if step.hidden or step.result is None:
            return
        took = (step.complete_at or 0) - (step.started_at or step.complete_at or 0)
        self._print(step_ended(step.name, step.result, step.state, took))

    def _show_build(self, build: Build) -> None:
        self._builds.pop(build.id, None)
        if build.result is not None:
            took = (build.complete_at or build.started_at) - build.started_at
            self._print(build_ended(self._title(build), build.result, build.state, took))
        self._finished[build.id] = build
        self._anything_finished.set()

    async def _show_lines(self, log: Log) -> None:
        first = self._printed.get(log.id, 0)
        if log.line_count <= first or log.type is LogType.HTML:
            return
        data = await self._read_lines(log.id, first, log.line_count - first)
        self._printed[log.id] = first + data.count(b"\n")
        lines = data.decode(errors="replace").removesuffix("\n").split("\n")
        has_channels = log.type is LogType.STDIO
        text = log_text(lines, has_channels=has_channels, details=self._show_details)
        if text is not None:
            self._print(text)

    def _print(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True, highlight=False)

    def _title(self, build: Build) -> str:
        return f"{self._builder_name(build.builder_id)} #{build.number}"

    def _status(self) -> RenderableType:
        now = time.monotonic()
        lines: list[RenderableType] = []
        for step, since in self._running.values():
            build = self._builds.get(step.build_id)
            title = self._title(build) if build else ""
            text = Text.assemble(
                (f" {title} ", "bold"), step.name, (f"  {duration(now - since)}", "bright_black")
            )
            lines.append(Spinner("dots", text=text))
        return Group(*lines)
