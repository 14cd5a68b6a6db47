"""The engine's interface for the code of a running step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chargehand.domain.build import LogType, Step, StepUrl
from chargehand.domain.command import Command, Origin
from chargehand.domain.identifiers import CommandId
from chargehand.domain.json import Json
from chargehand.domain.properties import Property
from chargehand.domain.result import Result
from chargehand.domain.session import Session, WorkerLost
from chargehand.execution.build_services import BuildServices
from chargehand.execution.routing import Router, Routes
from chargehand.execution.step_logs import StepLogs
from chargehand.execution.stop import Stop
from chargehand.kit.values import replace
from chargehand.logs.writer import Encoding, LogWriter


class StepContext:
    """The `StepRuntime` of one step, with the step as last recorded."""

    def __init__(
        self,
        *,
        step: Step,
        logs: StepLogs,
        session: Session,
        builddir: str,
        services: BuildServices,
        stop_all: Callable[[Stop], None],
    ) -> None:
        self.step = step
        self.is_worker_lost = False
        """Whether the worker was lost during one of the step's commands."""
        self._logs = logs
        self._session = session
        self._builddir = builddir
        self._services = services
        self._stop_all = stop_all
        self._commands: dict[CommandId, Command] = {}
        self.metrics: dict[str, float] = {}
        """How far the step is, by what it counts."""

    async def run_command(
        self, command: Command, routes: Routes, *, encoding: str | None = None
    ) -> None:
        """Run a command on the worker, with its output going to *routes*."""
        command = replace(
            command,
            builddir=self._builddir,
            arguments=self._arguments(
                command,
                encoding or self._services.log_config.encoding,
                is_collected=routes.collector is not None,
            ),
            origin=Origin(build_id=self.step.build_id, step_id=self.step.id),
            routes=await _names(routes),
        )
        router = Router(
            routes,
            tasks=self._services.tasks,
            stop=lambda: self._kill(command, "its output failed"),
        )
        self._commands[command.id] = command
        try:
            await self._session.run(command, router.receive)
        except WorkerLost:
            self.is_worker_lost = True
            raise
        finally:
            del self._commands[command.id]
        await router.end()

    def _arguments(
        self, command: Command, encoding: str, *, is_collected: bool
    ) -> dict[str, object]:
        """Return the arguments, with what our own workers have to know besides."""
        arguments = command.arguments
        if command.name == "shell" and encoding != "utf-8":
            arguments = {"encoding": encoding, **arguments}
        if self._services.redaction.has_secrets and not is_collected:
            # They hide them before anything leaves them. What a step reads is what was written.
            arguments = {**arguments, "redactions": self._services.redaction.spellings}
        return arguments

    def _kill(self, command: Command, reason: str) -> None:
        self._services.tasks.spawn(
            self._session.interrupt(command, reason), name=f"interrupt command {command.id}"
        )

    async def interrupt_command(self, command_id: CommandId, reason: str) -> None:
        """Kill a running command."""
        if (command := self._commands.get(command_id)) is not None:
            await self._session.interrupt(command, reason)

    def time_to_die(self) -> float:
        """Return how many seconds a running command may take to end after an interrupt."""
        times = [command.arguments.get("sigtermTime") for command in self._commands.values()]
        return max((time for time in times if isinstance(time, int | float)), default=0.0)

    def open_log(
        self,
        name: str,
        kind: LogType,
        *,
        encoding: Encoding | None = None,
    ) -> LogWriter:
        """Open a log of this step."""
        return self._logs.open(name, kind, encoding=encoding)

    def set_state(self, sentence: str) -> None:
        """Show what the step is doing; repeated sentences are written once."""
        if sentence != self.step.state:
            self.step = self._services.steps.set_step_state(self.step, sentence)

    def add_url(self, name: str, url: str, replaces: str | None = None) -> None:
        """Add a link, in the place of the one called *replaces* if there is one."""
        self.step = self._services.steps.add_step_url(self.step, StepUrl(name, url), replaces)

    def set_progress(self, metric: str, value: float) -> None:
        """Record how far the step is."""
        self.metrics[metric] = value

    def set_statistics(self, statistics: Mapping[str, Json]) -> None:
        """Record what the step has counted."""
        self._services.steps.set_step_statistics(self.step, statistics)

    def set_build_properties(self, properties: Mapping[str, Property]) -> None:
        """Record properties of the build."""
        self._services.builds.set_build_properties(self.step.build_id, properties)

    def stop_build(self, reason: str, result: Result) -> None:
        """End the build soon, including this step."""
        self._stop_all(Stop(result, reason, counts=True))


async def _names(routes: Routes) -> dict[str, str]:
    """Return the names of the logs, for output that the worker buffers without a master.

    That output is not redacted; with secrets, the worker must not buffer it.
    """
    names = {stream: (await log.opened()).name for stream, log in routes.logs.items()}
    if any(log.has_secrets for log in routes.logs.values()):
        return {}
    return {**{stream: stream for stream in routes.delayed}, **names}
