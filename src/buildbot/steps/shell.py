"""Steps that run a program on the worker."""

from __future__ import annotations

from typing import Any

from buildbot._host.errors import error
from buildbot.process.buildstep import BuildStep
from buildbot.process.shell_mixin import ShellMixin


class ShellCommand(ShellMixin, BuildStep):
    """Run ``command``: a list of words, or one string for the worker's shell."""

    name = "shell"

    def __init__(self, **kwargs: Any) -> None:
        if self.is_exact_step_class(ShellCommand):
            if "command" not in kwargs:
                error("ShellCommand's `command' argument is not specified")
            kwargs = self._known(kwargs)
        kwargs = self.setupShellMixin(kwargs)
        super().__init__(**kwargs)

    def _known(self, arguments: dict[str, Any]) -> dict[str, Any]:
        unknown = self.unknown_arguments(arguments)
        if unknown:
            error(f"Invalid argument(s) passed to ShellCommand: {', '.join(unknown)}")
        return {name: value for name, value in arguments.items() if name not in unknown}

    async def run(self) -> int:
        """Run the program; its exit code says the result."""
        command = await self.makeRemoteShellCommand()
        await self.runCommand(command)
        return command.results()  # type: ignore[no-any-return] # one of Buildbot's numbers
