"""Commands that a test expects of a step, and what the worker does about them."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from operator import methodcaller
from typing import Any

from chargehand.domain.build import Channel
from chargehand.domain.command import Command, CommandUpdate, Output, Value
from chargehand.domain.session import Receive, WorkerLost
from chargehand.logs.segments import segment_of, with_letter

_STREAMS = {"header": Channel.HEADER, "stdout": Channel.STDOUT, "stderr": Channel.STDERR}


_USUAL = {"interruptSignal": "KILL"}
"""What the worker takes for arguments that it does not get."""


class Unexpected(AssertionError):
    """The step asked the worker for something else than the test expects."""


class _of_either:
    """A method of a command; of the class, it makes behaviour to be added to a command."""

    def __init__(self, method: Callable[..., Expect]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, command: Expect | None, kind: type[Expect]) -> Callable[..., Expect]:
        return partial(self._method, Expect("", None) if command is None else command)


class ExpectRemoteRef:
    """Stands for an object that the master offers to the worker: a file that is sent."""

    def __init__(self, rrclass: Any = None) -> None:
        self.rrclass = rrclass


class Expect:
    """A command by its name and arguments; the methods say what the worker does, in their order.

    Each returns the same object: ``ExpectShell(...).stdout("x\\n").exit(0)``. With *interrupted*
    the command runs until the step is interrupted.
    """

    def __init__(
        self, remote_command: str, args: Mapping[str, Any] | None, interrupted: bool = False
    ) -> None:
        self.remote_command = remote_command
        self.args = dict(args or {})
        self.interrupted = interrupted
        self._behaviors: list[Callable[[Receive], object]] = []
        self.callbacks: list[Callable[[Any], object]] = []
        self._error: BaseException | None = None
        self._code: int | None = None

    @_of_either
    def log(self, name: str, **streams: str | bytes) -> Expect:
        """Write to the log *name*: ``stdout=``, ``stderr=`` or ``header=``."""
        if name == "stdio" and not streams.keys() <= _STREAMS.keys():
            raise TypeError(f"a log has the streams {', '.join(_STREAMS)}, not {set(streams)}")
        return self._then(*(_written(name, *one) for one in streams.items()))

    def stdout(self, output: str | bytes) -> Expect:
        """Write to the standard output."""
        return self.log("stdio", stdout=output)

    def stderr(self, output: str | bytes) -> Expect:
        """Write to the standard error output."""
        return self.log("stdio", stderr=output)

    @_of_either
    def update(self, name: str, value: Any) -> Expect:
        """Send a value of the command, which `RemoteCommand.updates` has then."""
        return self._then(Value(key=name, value=value))

    def files(self, files: Iterable[str] = ()) -> Expect:
        """Answer with a list of file names, as ``listdir`` and ``glob`` do."""
        return self.update("files", list(files))

    def stat(self, mode: int, inode: int = 99, dev: int = 99, nlink: int = 1) -> Expect:
        """Answer with what ``stat`` says of a file of this *mode*."""
        return self.update("stat", [mode, inode, dev, nlink, 0, 0, 99, 0, 0, 0])

    def stat_file(self, mode: int = 0) -> Expect:
        """Say that there is a file."""
        return self.stat(mode or stat.S_IFREG)

    def stat_dir(self, mode: int = 0) -> Expect:
        """Say that there is a directory."""
        return self.stat(mode or stat.S_IFDIR)

    def upload_string(
        self, string: str | bytes, timestamp: tuple[float, float] | None = None, **_: Any
    ) -> Expect:
        """Send this content of the file, and its times."""
        data = string.encode() if isinstance(string, str) else string
        self.update("content", data)
        return self if timestamp is None else self.update("times", list(timestamp))

    def behavior(self, callback: Callable[[Any], object]) -> Expect:
        """Call *callback* with the command; ``command.interrupt(reason)`` interrupts the step."""
        self.callbacks.append(callback)
        return self

    def error(self, error: BaseException) -> Expect:
        """Fail with an exception."""
        self._error = error
        return self

    def break_connection(self) -> Expect:
        """Lose the worker."""
        return self.error(WorkerLost("the connection to the worker was lost"))

    def exit(self, code: int) -> Expect:
        """End with an exit code."""
        self._code = code
        return self

    def _then(self, *updates: CommandUpdate) -> Expect:
        for one in updates:
            self._behaviors.append(methodcaller("__call__", one))
        return self

    # Before version 3, behaviour was added: Expect(...) + Expect.log(...) + 0.

    def __add__(self, other: Any) -> Expect:
        match other:
            case int():
                return self.exit(other)
            case BaseException():
                return self.error(other)
            case Expect():
                self._behaviors += other._behaviors
                return self
        raise TypeError(f"cannot add {other!r} to an expected command")

    def play(self, receive: Receive) -> None:
        """Do all of it. Raises the error that it was given."""
        for behave in self._behaviors:
            behave(receive)
        if self._error is not None:
            raise self._error

    @property
    def code(self) -> int | None:
        """The exit code, if one was given."""
        return self._code

    def check(self, command: Command) -> None:
        """Raise Unexpected if that is not the command of a step that is expected."""
        if command.name != self.remote_command:
            raise Unexpected(
                f"the step ran {command.name} {_shown(command.arguments)}, where "
                f"{self.remote_command} {_shown(self.args)} was expected"
            )
        given = command.arguments
        wrong = [
            f"  {name}: {given.get(name)!r}, expected {wanted!r}"
            for name, wanted in self.args.items()
            if not _fits(given.get(name, _USUAL.get(name)), wanted)
        ]
        if wrong:
            lines = "\n".join(wrong)
            raise Unexpected(f"arguments of {command.name} differ:\n{lines}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.remote_command} {_shown(self.args)}>"


def _written(name: str, stream: str, text: str | bytes) -> Output:
    data = text.encode() if isinstance(text, str) else text
    if data and not data.endswith(b"\n"):
        data += b"\n"
    channel = _STREAMS.get(stream, Channel.STDOUT)
    return Output(log=name, segment=segment_of(with_letter(channel, data)))


def _fits(given: Any, wanted: Any) -> bool:
    if isinstance(wanted, ExpectRemoteRef):
        return True
    return bool(given == wanted) or (not given and not wanted)


def _shown(arguments: Mapping[str, Any]) -> str:
    told = (f"{name}={value!r}" for name, value in arguments.items() if value not in (None, {}))
    return f"({', '.join(told)})"


class ExpectShell(Expect):
    """A shell command; arguments that are not given have the step's usual values."""

    def __init__(
        self,
        workdir: Any,
        command: Any,
        env: Any = None,
        want_stdout: Any = True,
        want_stderr: Any = True,
        initial_stdin: Any = None,
        timeout: Any = 20 * 60,
        max_time: Any = None,
        max_lines: Any = None,
        sigterm_time: Any = None,
        logfiles: Any = None,
        use_pty: Any = False,
        log_environ: Any = True,
        interrupt_signal: Any = "KILL",
        **old: Any,
    ) -> None:
        given = {
            "workdir": workdir,
            "command": command,
            "env": env,
            "want_stdout": bool(want_stdout),
            "want_stderr": bool(want_stderr),
            "initial_stdin": old.pop("initialStdin", initial_stdin),
            "timeout": timeout,
            "maxTime": old.pop("maxTime", max_time),
            "max_lines": max_lines,
            "sigtermTime": old.pop("sigtermTime", sigterm_time),
            "logfiles": logfiles or {},
            "usePTY": bool(old.pop("usePTY", use_pty)),
            "logEnviron": old.pop("logEnviron", log_environ),
            "interruptSignal": old.pop("interruptSignal", interrupt_signal),
        }
        if old:
            raise TypeError(f"ExpectShell has no arguments {', '.join(sorted(old))}")
        super().__init__("shell", given)


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


class ExpectStat(Expect):
    """Whether a file is there, and what it is."""

    def __init__(self, file: str, workdir: str | None = None, log_environ: Any = None) -> None:
        super().__init__("stat", _given(file=file, workdir=workdir, logEnviron=log_environ))


class ExpectMkdir(Expect):
    """A directory is made."""

    def __init__(self, dir: Any = None, log_environ: Any = None) -> None:
        super().__init__("mkdir", _given(dir=dir, logEnviron=log_environ))


class ExpectRmdir(Expect):
    """A directory is removed."""

    def __init__(
        self, dir: Any = None, log_environ: Any = None, timeout: Any = None, path: Any = None
    ) -> None:
        arguments = _given(dir=dir, logEnviron=log_environ, timeout=timeout, path=path)
        super().__init__("rmdir", arguments)


class ExpectCpdir(Expect):
    """A directory is copied."""

    def __init__(
        self, fromdir: Any = None, todir: Any = None, log_environ: Any = None, timeout: Any = None
    ) -> None:
        arguments = _given(fromdir=fromdir, todir=todir, logEnviron=log_environ, timeout=timeout)
        super().__init__("cpdir", arguments)


class ExpectRmfile(Expect):
    """A file is removed."""

    def __init__(self, path: Any = None, log_environ: Any = None) -> None:
        super().__init__("rmfile", _given(path=path, logEnviron=log_environ))


class ExpectGlob(Expect):
    """Names that fit a pattern are asked for."""

    def __init__(self, path: Any = None, log_environ: Any = None) -> None:
        super().__init__("glob", _given(path=path, logEnviron=log_environ))


class ExpectListdir(Expect):
    """The names in a directory are asked for."""

    def __init__(self, dir: Any = None) -> None:
        super().__init__("listdir", _given(dir=dir))


class _Transfer(Expect):
    """Files move; arguments that depend on the way they move are not compared."""

    kind = ""

    def __init__(self, **arguments: Any) -> None:
        names = {"workerdest": "workerdest", "workersrc": "workersrc", "workdir": "workdir"}
        kept = {names[name]: value for name, value in arguments.items() if name in names}
        super().__init__(self.kind, _given(**kept))


class ExpectUploadFile(_Transfer):
    """The worker sends a file: `upload_string` says what is in it."""

    kind = "uploadFile"


class ExpectUploadDirectory(_Transfer):
    """The worker sends a directory."""

    kind = "uploadDirectory"


class ExpectDownloadFile(_Transfer):
    """The worker gets a file."""

    kind = "downloadFile"
