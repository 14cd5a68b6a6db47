"""The arguments of commands, checked and with Buildbot's names."""

from __future__ import annotations

import os
import re
import signal
import sys
from typing import Any, Optional, Union

from chargehand_wire.codec import Struct, ValidationError, convert
from chargehand_worker import header
from chargehand_worker.system_text import bytes_of, text_of

_PLACE = re.compile(r" - at `\$\.(\w+)")
"""Which argument it is, in what the codec says."""
_SHOWN = 80
KILL, TERM = 9, int(signal.SIGTERM)
SIGNALS = {**signal.Signals.__members__, "SIGKILL": KILL}
"""The numbers of signals by name; that of SIGKILL too where the system has no such signal."""


class BadArguments(Exception):
    """An argument is not valid; the message says which."""


class ShellArguments(Struct, frozen=True, kw_only=True):
    """Arguments of ``shell``; the names are those of the protocol."""

    workdir: str
    command: Union[str, list[Any]]
    env: Optional[dict[str, Any]] = None
    want_stdout: bool = True
    want_stderr: bool = True
    logfiles: dict[str, Any] = {}
    timeout: Optional[float] = None
    maxTime: Optional[float] = None  # noqa: N815 - Buildbot's name
    max_lines: Optional[int] = None
    sigtermTime: Optional[float] = None  # noqa: N815 - Buildbot's name
    interruptSignal: Optional[str] = None  # noqa: N815 - Buildbot's name
    usePTY: bool = False  # noqa: N815 - Buildbot's name
    logEnviron: bool = True  # noqa: N815 - Buildbot's name
    initial_stdin: Optional[bytes] = None
    encoding: Optional[str] = None
    redactions: list[tuple[str, str]] = []
    """Secrets, each with its replacement in logs. (An addition to Buildbot's arguments.)"""

    @property
    def shown(self) -> str | list[str]:
        """The command as people may see it."""
        if isinstance(self.command, str):
            return self.command
        return [header.shown(header.argument(value)) for value in self.command]

    @property
    def real(self) -> str | list[str]:
        """The command as the process gets it: where it is a text, as the whole command line."""
        if isinstance(self.command, str):
            if sys.platform == "win32":  # cmd.exe does not read arguments as other programs do.
                return f'{os.environ.get("COMSPEC", "cmd.exe")} /d /s /c "{self.command}"'
            return ["/bin/sh", "-c", self.command]
        return [header.real(header.argument(value)) for value in self.command]

    @property
    def with_pty(self) -> bool:
        """Whether the command runs in a terminal; never when it is given standard input."""
        return self.usePTY and self.initial_stdin is None and sys.platform != "win32"

    @property
    def interrupt_signal(self) -> int:
        """The number of the signal that interrupts it."""
        name = self.interruptSignal or "KILL"
        return SIGNALS["SIG" + name.removeprefix("SIG")]


def shell_arguments(arguments: dict[str, Any]) -> ShellArguments:
    """Read the arguments of ``shell``. Raises BadArguments."""
    stdin = arguments.get("initial_stdin")
    if isinstance(stdin, str):
        arguments = {**arguments, "initial_stdin": bytes_of(stdin)}
    command = arguments.get("command")
    if isinstance(command, bytes):
        arguments = {**arguments, "command": text_of(command)}
    try:
        read = convert(arguments, ShellArguments, strict=False)
        if not read.real:
            raise BadArguments("shell: the command is empty")
        _ = read.shown, read.interrupt_signal
        for name in read.logfiles:
            name.encode()
        for name in ("timeout", "maxTime", "sigtermTime", "max_lines"):
            limit = getattr(read, name)
            if limit is not None and not limit >= 0:  # not-a-number neither
                raise BadArguments(f"shell: {name} must be 0 or more, or None, not {limit}")
        if read.encoding is not None:
            "".encode(read.encoding)
    except ValidationError as error:
        place = _PLACE.search(str(error))
        name = place.group(1) if place else ""
        if name not in arguments:
            raise BadArguments(f"shell: {error}") from error
        value = repr(arguments[name])[:_SHOWN]
        raise BadArguments(f"shell: {name} is not valid: {value}") from error
    except (ValueError, LookupError) as error:
        raise BadArguments(f"shell: {error}") from error
    return read


def text(arguments: dict[str, Any], name: str) -> str:
    """Return an argument that must be a string. Raises BadArguments."""
    value = arguments.get(name)
    if not isinstance(value, str):
        raise BadArguments(f"argument {name!r} must be a string, not {value!r}")
    return value


def texts(arguments: dict[str, Any], name: str) -> list[str]:
    """Return an argument that is a string or a list of them. Raises BadArguments."""
    value = arguments.get(name)
    values = value if isinstance(value, (list, tuple)) else [value]
    found = [item for item in values if isinstance(item, str)]
    if len(found) != len(values) or not found:
        raise BadArguments(f"argument {name!r} must be a string or a list of them, not {value!r}")
    return found
