"""What the code of a running step may use of the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from chargehand.domain.build import LogType, Step, StepUrl
from chargehand.domain.command import Command, Origin
from chargehand.domain.identifiers import CommandId
from chargehand.domain.properties import Property
from chargehand.domain.result import Result
from chargehand.domain.session import Session, WorkerLost
from chargehand.execution.build_services import BuildServices
from chargehand.execution.routing import Router, Routes
from chargehand.execution.step_logs import StepLogs
from chargehand.execution.stop import Stop
from chargehand.logs.writer import Encoding, LogWriter


class StepContext:
    """`StepRuntime` of one step. The step is what has been recorded of it last."""

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
        """Whether the worker went away while one of the step's commands ran."""
        self._logs = logs
        self._session = session
        self._builddir = builddir
        self._services = services
        self._stop_all = stop_all
        self._commands: dict[CommandId, Command] = {}

    async def run_command(
        self, command: Command, routes: Routes, *, encoding: str | None = None
    ) -> None:
        """Run a command on the worker, its output going where *routes* say."""
        command = replace(
            command,
            builddir=self._builddir,
            arguments=self._arguments(command, encoding or self._services.log_config.encoding),
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

    def _arguments(self, command: Command, encoding: str) -> dict[str, object]:
        if command.name != "shell" or encoding == "utf-8":
            return command.arguments
        return {"encoding": encoding, **command.arguments}

    def _kill(self, command: Command, reason: str) -> None:
        self._services.tasks.spawn(
            self._session.interrupt(command, reason), name=f"interrupt command {command.id}"
        )

    async def interrupt_command(self, command_id: CommandId, reason: str) -> None:
        """Kill a command that runs."""
        if (command := self._commands.get(command_id)) is not None:
            await self._session.interrupt(command, reason)

    def time_to_die(self) -> float:
        """Return how many seconds a command that runs may take to end after it was interrupted."""
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
        """Show what the step is doing; equal sentences are not written twice."""
        if sentence != self.step.state:
            self.step = self._services.steps.set_step_state(self.step, sentence)

    def add_url(self, name: str, url: str) -> None:
        """Show a link."""
        self.step = self._services.steps.add_step_url(self.step, StepUrl(name, url))

    def set_build_properties(self, properties: Mapping[str, Property]) -> None:
        """Record properties of the build."""
        self._services.builds.set_build_properties(self.step.build_id, properties)

    def stop_build(self, reason: str, result: Result) -> None:
        """Let the build end soon, this step included."""
        self._stop_all(Stop(result, reason, counts=True))


async def _names(routes: Routes) -> dict[str, str]:
    """Return the names of the logs, for output that the worker keeps while no master is there.

    Nobody takes secrets out of that; where there are some, it is not to be kept.
    """
    names = {stream: (await log.opened()).name for stream, log in routes.logs.items()}
    if any(log.has_secrets for log in routes.logs.values()):
        return {}
    return {**{stream: stream for stream in routes.delayed}, **names}
