"""Steps that the master does by itself."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from pprint import pformat
from typing import Any, ClassVar

from buildbot._border.bridge import outgoing
from buildbot._border.errors import error, warn
from buildbot.process.buildstep import BuildStep
from buildbot.process.log import StreamLog
from buildbot.process.results import CANCELLED, FAILURE, SUCCESS
from buildbot.process.step_arguments import check_environment

_VARIABLE = re.compile(r"\$\{([0-9a-zA-Z_]*)\}")
_CHUNK = 64 * 1024
_BY_POSITION = ("description", "descriptionDone", "env", "path", "usePTY", "interruptSignal")
"""Arguments after the command, as Buildbot 0.8 took them."""


class MasterShellCommand(BuildStep):
    """Run a program on the master, in its directory unless ``workdir`` says where.

    ``command`` is a list of words, or one string for the shell. Values of ``env`` may be lists
    (joined as a path) and name variables of the master's environment (``${PATH}``); None removes
    a variable.

    Args:
        command (str | list[str], renderable): The program and its arguments, or one string for the
            master's shell.
        env (dict[str, str | list[str] | None] | None, default None, renderable): Environment
            variables; values may name variables of the master (`${PATH}`), a list is joined like a
            path, None removes the variable.
        usePTY (bool | int, default 0): Accepted and ignored: there is no terminal.
        interruptSignal (str, default KILL): Signal that ends the program when the step is stopped.
        logEnviron (bool, default True): Whether the log's header shows the environment.
    """

    name = "MasterShellCommand"
    description: Any = "Running"
    descriptionDone: Any = "Ran"
    renderables: ClassVar[Any] = ["command", "env"]
    haltOnFailure = True
    flunkOnFailure = True

    def __init__(self, command: Any, *old: Any, **kwargs: Any) -> None:
        kwargs = _with_old(old, kwargs)
        self.env = kwargs.pop("env", None)
        check_environment(self.env, type(self).__name__, "env")
        self.usePTY = kwargs.pop("usePTY", 0)
        self.interruptSignal = kwargs.pop("interruptSignal", "KILL")
        self.logEnviron = kwargs.pop("logEnviron", True)
        super().__init__(**kwargs)
        self.command = command
        self.process: asyncio.subprocess.Process | None = None

    @outgoing
    async def run(self) -> int:
        """Run the program; exit code 0 is SUCCESS."""
        environment = _environment(self.env)
        log = await self.addLog("stdio")
        assert isinstance(log, StreamLog)
        await log.addHeader(self._header(environment))
        try:
            self.process = await self._started(environment)
        except OSError as error:
            await log.addStderr(f"{error}\n")
            self.descriptionDone = ["cannot be started"]
            return FAILURE
        await asyncio.gather(
            _copy(self.process.stdout, log, "addStdout"),
            _copy(self.process.stderr, log, "addStderr"),
        )
        code = await self.process.wait()
        self.process = None
        return await self._ended(log, code)

    def interrupt(self, reason: Any) -> Any:
        """Send ``interruptSignal`` to the program and its children."""
        if self.process is not None:
            number = getattr(signal, f"SIG{self.interruptSignal}", signal.SIGKILL)
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
        return super().interrupt(reason)

    async def _started(self, environment: dict[str, str]) -> asyncio.subprocess.Process:
        is_text = isinstance(self.command, str | bytes)
        words = ["/bin/sh", "-c", self.command] if is_text else [str(w) for w in self.command]
        return await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            cwd=self._workdir,
            start_new_session=True,
        )

    def _header(self, environment: Mapping[str, str]) -> str:
        is_text = isinstance(self.command, str | bytes)
        words = ["/bin/sh", "-c", self.command] if is_text else self.command
        shown = self.command if is_text else " ".join(map(str, words))
        lines = [shown, "", "** RUNNING ON BUILDMASTER **"]
        lines += [f" in dir {self._workdir or Path.cwd()}", f" argv: {words!r}"]
        if self.logEnviron:
            lines.append(f" env: {dict(sorted(environment.items()))!r}")
        return "\n".join(lines) + "\n"

    async def _ended(self, log: StreamLog, code: int) -> int:
        if code < 0:
            await log.addHeader(f"process killed by signal {-code}\n")
            self.descriptionDone = [f"killed ({-code})"]
            return CANCELLED if self.stopped else FAILURE
        if code > 0:
            await log.addHeader(f"process exited with status {code}\n")
            self.descriptionDone = [f"failed ({code})"]
            return FAILURE
        return SUCCESS


async def _copy(stream: asyncio.StreamReader | None, log: StreamLog, method: str) -> None:
    assert stream is not None
    while chunk := await stream.read(_CHUNK):
        await getattr(log, method)(chunk)


def _environment(wanted: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the master's environment with what the step wants of it."""
    environment = dict(os.environ)
    for name, value in (wanted or {}).items():
        if value is None:
            environment.pop(name, None)
            continue
        text = os.pathsep.join(value) if isinstance(value, list | tuple) else value
        if not isinstance(text, str):
            raise RuntimeError(
                f"'env' values must be strings or lists or None; key '{name}' is incorrect"
            )
        environment[name] = _VARIABLE.sub(lambda found: os.environ.get(found[1], ""), text)
    return environment


class SetProperty(BuildStep):
    """Set one property of the build.

    Args:
        property (str, renderable): Name of the property.
        value (Any, renderable): Value to give to the property.
    """

    name = "SetProperty"
    description: Any = ["Setting"]
    descriptionDone: Any = ["Set"]
    renderables: ClassVar[Any] = ["property", "value"]

    def __init__(self, property: Any, value: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.property = property
        self.value = value

    @outgoing
    async def run(self) -> int:
        """Set it."""
        self.setProperty(self.property, self.value, self.name)
        return SUCCESS


class SetProperties(BuildStep):
    """Set several properties: of a dictionary, or of a renderable that gives one.

    Args:
        properties (dict[str, Any] | None, renderable): The properties' values by name.
    """

    name = "SetProperties"
    description: Any = ["Setting Properties.."]
    descriptionDone: Any = ["Properties Set"]
    renderables: ClassVar[Any] = ["properties"]

    def __init__(self, properties: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.properties = properties

    @outgoing
    async def run(self) -> int:
        """Set them."""
        for name, value in (self.properties or {}).items():
            self.setProperty(name, value, self.name, runtime=True)
        return SUCCESS


class Assert(BuildStep):
    """FAILURE if ``check``, rendered, is false.

    Args:
        check (Any, renderable): What has to be true; otherwise the step fails.
    """

    name = "Assert"
    description: Any = ["Checking.."]
    descriptionDone: Any = ["checked"]
    renderables: ClassVar[Any] = ["check"]

    def __init__(self, check: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check
        self.descriptionDone = [f"checked {check!r}"]

    @outgoing
    async def run(self) -> int:
        """Look."""
        return SUCCESS if self.check else FAILURE


class LogRenderable(BuildStep):
    """Write a renderable's value to the log ``Output``, laid out.

    Args:
        content (Any, renderable): What to write to the log, as JSON.
    """

    name = "LogRenderable"
    description: Any = ["Logging"]
    descriptionDone: Any = ["Logged"]
    renderables: ClassVar[Any] = ["content"]

    def __init__(self, content: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.content = content

    @outgoing
    async def run(self) -> int:
        """Write it."""
        await self.addCompleteLog("Output", pformat(self.content))
        return SUCCESS


def _with_old(old: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments by name, for those of Buildbot 0.8 as well."""
    if len(old) > len(_BY_POSITION):
        most = len(_BY_POSITION) + 1
        error(f"MasterShellCommand takes at most {most} positional arguments, not {len(old) + 1}")
    if old:
        warn("MasterShellCommand: pass the arguments after the command by name")
    found = {**dict(zip(_BY_POSITION, old, strict=False)), **kwargs}
    if found.pop("path", None) is not None:
        warn("MasterShellCommand: argument 'path' was removed from Buildbot; set env={'PATH': ...}")
    for name in ("description", "descriptionDone"):
        if name in found and found[name] is None:
            del found[name]
    return found
