"""Running programs from a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from buildbot._border.arguments import arguments_of, no_argument
from buildbot._border.bridge import outgoing
from buildbot._border.errors import error
from buildbot._border.per_class import per_class
from buildbot._border.sequences import flatten
from buildbot._border.text import command_to_string
from buildbot.process.remotecommand import RemoteShellCommand
from buildbot.process.results import SUCCESS, statusToString
from buildbot.process.step_arguments import (
    Check,
    check_any,
    check_bool,
    check_count_or_none,
    check_environment,
    check_results_of_codes,
    check_seconds_or_none,
    check_text_or_none,
)

_CHECKS: dict[str, Check] = {
    "command": check_any,
    "workdir": check_text_or_none,
    "env": check_environment,
    "want_stdout": check_bool,
    "want_stderr": check_bool,
    "usePTY": check_bool,
    "logfiles": check_any,
    "lazylogfiles": check_bool,
    "timeout": check_seconds_or_none,
    "maxTime": check_seconds_or_none,
    "max_lines": check_count_or_none,
    "sigtermTime": check_seconds_or_none,
    "logEnviron": check_bool,
    "interruptSignal": check_any,
    "initialStdin": check_text_or_none,
    "decodeRC": check_results_of_codes,
}

_OF_STEP = (
    "name",
    "description",
    "descriptionDone",
    "descriptionSuffix",
    "alwaysRun",
    "doStepIf",
    "flunkOnFailure",
    "flunkOnWarnings",
    "haltOnFailure",
    "updateBuildSummaryPolicy",
    "hideStepIf",
    "locks",
    "log_eval_func",
    "logEncoding",
    "progressMetrics",
    "useProgress",
    "warnOnFailure",
    "warnOnWarnings",
)


@per_class
def _dictionaries(kind: type) -> tuple[str, ...]:
    return tuple(name for name in _CHECKS if isinstance(getattr(kind, name, None), dict))


class ShellMixin:
    """Gives a step the arguments of a program, and `makeRemoteShellCommand` to run it with.

    Call ``kwargs = self.setupShellMixin(kwargs)`` in the constructor, and pass the rest on.

    Args:
        command (str | list[str | list[str]], renderable): The program and its arguments, or one
            string for the worker's shell.
        workdir (str | None, renderable, default None): Directory in which the program runs,
            relative to the builder's directory on the worker; by default the build's.
        env (dict[str, str | list[str] | None], renderable): Environment variables. A list is joined
            like a path, `${NAME}` stands for the worker's own value, None removes the variable.
        want_stdout (bool, renderable): Whether standard output is sent to the master.
        want_stderr (bool, renderable): Whether standard error is sent to the master.
        usePTY (bool | None, renderable): Whether the program runs in a pseudo-terminal.
        logfiles (dict[str, str | dict[str, Any]], renderable): Files on the worker to follow, by
            log name; a dictionary has `filename` and `follow`.
        lazylogfiles (bool, renderable): Create the logs of logfiles only when there is something in
            them.
        timeout (float | None, seconds, renderable): Kill the program when it writes nothing for so
            long; None for never.
        maxTime (float | None, seconds, renderable): Kill the program when it runs longer; None for
            no limit.
        max_lines (int | None, lines, renderable): Kill the program when it writes more; None for no
            limit.
        sigtermTime (float | None, seconds, renderable): Before killing, send SIGTERM and wait so
            long; None kills at once.
        logEnviron (bool, renderable): Whether the log's header shows the environment.
        interruptSignal (str, renderable): Signal that ends the program when the step is stopped.
        initialStdin (str | None, renderable): Text for the program's standard input.
        decodeRC (dict[int, int], renderable): Results by exit code; codes that are not listed are
            FAILURE.
    """

    renderables: ClassVar[Any] = list(_CHECKS)

    command: Any = None
    env: Any = {}
    want_stdout: Any = True
    want_stderr: Any = True
    usePTY: Any = None
    logfiles: Any = {}
    lazylogfiles: Any = False
    timeout: Any = 1200
    maxTime: Any = None
    max_lines: Any = None
    sigtermTime: Any = None
    logEnviron: Any = True
    interruptSignal: Any = "KILL"
    initialStdin: Any = None
    decodeRC: Any = {0: SUCCESS}

    _shown_command: Any = None
    """The last program that it was to run."""

    def setupShellMixin(
        self, constructorArgs: dict[str, Any], prohibitArgs: list[str] | None = None
    ) -> dict[str, Any]:
        """Take the program's arguments out of *constructorArgs*; return those of a BuildStep.

        Unknown arguments, and those in *prohibitArgs*, are configuration errors.
        """
        kind = type(self).__name__
        rest = {}
        prohibited = prohibitArgs or ()
        for name, value in constructorArgs.items():
            if name in _CHECKS and name not in prohibited:
                _CHECKS[name](value, kind, name)
                setattr(self, name, value)
            elif name in _OF_STEP and name not in prohibited:
                rest[name] = value
            else:
                known = {*_CHECKS, *_OF_STEP}.difference(prohibited) | arguments_of(type(self))
                error(no_argument(kind, name, known))
        own = self.__dict__
        for name in _dictionaries(type(self)):
            # A class attribute that is a dictionary must not be shared by the steps.
            if name not in own and isinstance(value := getattr(self, name), dict):
                setattr(self, name, dict(value))
        return rest

    @outgoing
    async def makeRemoteShellCommand(
        self: Any,
        collectStdout: bool = False,
        collectStderr: bool = False,
        stdioLogName: str | None = "stdio",
        **overrides: Any,
    ) -> RemoteShellCommand:
        """Return a Deferred of the command, with its logs; *overrides* win over attributes."""
        return ShellMixin._new_command(
            self, collectStdout, collectStderr, stdioLogName, **overrides
        )

    def _new_command(
        self: Any,
        collectStdout: bool = False,
        collectStderr: bool = False,
        stdioLogName: str | None = "stdio",
        **overrides: Any,
    ) -> RemoteShellCommand:
        """Return the command at once."""
        arguments = ShellMixin._new_command_arguments(self, **overrides)
        command = RemoteShellCommand(
            collectStdout=collectStdout,
            collectStderr=collectStderr,
            stdioLogName=stdioLogName,
            **arguments,
        )
        if stdioLogName is not None:
            log = self.logs.get(stdioLogName) or self._new_log(stdioLogName)
            command.useLog(log, False)
        lazy = overrides.get("lazylogfiles", self.lazylogfiles)
        self._watch_logfiles(command, arguments["logfiles"] or {}, lazy)
        return command

    def _new_command_arguments(self: Any, **overrides: Any) -> dict[str, Any]:
        """Return the arguments of the command; *overrides* win over attributes."""
        arguments = {name: getattr(self, name) for name in _CHECKS if name != "lazylogfiles"}
        arguments["command"] = None
        arguments.update(overrides)
        arguments.pop("lazylogfiles", None)
        if arguments["command"]:
            self.command = arguments["command"]  # as Buildbot's: summaries of users read it
        self._shown_command = self.command
        arguments["command"] = _plain_command(self._shown_command)
        arguments["workdir"] = arguments["workdir"] or self.workdir
        arguments["env"] = {**(self.build.env or {}), **(arguments["env"] or {})}
        return arguments

    def getResultSummary(self: Any) -> Any:
        """Say which command it was, unless the step has a ``descriptionDone``."""
        if self.descriptionDone:
            return super().getResultSummary()  # type: ignore[misc] # of the step
        command = self._shown_command or self.command
        hide = self.getProperties().cleanupTextFromSecrets  # before anything is cut off
        words = command_to_string(_without_secrets(command, hide)) if command else None
        if not words:
            return super().getResultSummary()  # type: ignore[misc] # of the step
        if self.results != SUCCESS:
            words += f" ({statusToString(self.results)})"
        if self.timed_out:
            words += " (timed out)"
        elif self.max_lines_reached:
            words += " (max lines)"
        return {"step": words}


def _without_secrets(command: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(command, str):
        return hide(command)
    if isinstance(command, list | tuple):
        return [hide(word) if isinstance(word, str) else word for word in flatten(command)]
    return command


def _plain_command(command: Any) -> Any:
    if isinstance(command, list | tuple):
        return [_word(word) for word in flatten(command, (list, tuple))]
    return command


def _word(word: Any) -> Any:
    return word if isinstance(word, str | bytes) else str(word)
