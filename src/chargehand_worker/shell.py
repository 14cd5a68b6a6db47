"""The command ``shell``: one process, its output, and its limits."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chargehand_worker import environment, header, terminal
from chargehand_worker.arguments import KILL, TERM, BadArguments, ShellArguments
from chargehand_worker.limits import Limits
from chargehand_worker.output import STDIO, LineCutter, Outlet, Output
from chargehand_worker.pipes import Reader, pipe_reader
from chargehand_worker.processes import CommandProcesses
from chargehand_worker.redaction import Redactor
from chargehand_worker.stdin import Feeder, feeder
from chargehand_worker.system_text import bytes_of, reason_of
from chargehand_worker.watched_file import WatchedFile

_LINGER = 2.0
"""Seconds that helpers of an ended process (a ``tee`` behind it …) may go on writing."""
_LONGEST_LINGER = 30.0
"""Seconds for that when the master cannot take their output as fast as they write it."""
_GRACE = 5.0
"""Seconds after ``interruptSignal`` until everything is killed."""
_BY_SIGNAL = 128
"""Above this, a shell's exit status says which signal killed its command."""
_WATCH_INTERVAL = 0.5
_NOT_FOUND = 127
_NOT_EXECUTABLE = 126


class ShellCommand:
    """Runs one process to its end. `run` leaves no process of it behind."""

    def __init__(
        self,
        *,
        command_id: str,
        arguments: ShellArguments,
        directory: Path,
        own_environment: Mapping[str, str],
        processes: CommandProcesses,
        outlet: Outlet,
        output: Output,
    ) -> None:
        self._id = command_id
        self._arguments = arguments
        self._directory = directory
        self._environment = environment.merged(own_environment, arguments.env)
        self._environment["PWD"] = str(directory)
        self._processes = processes
        self._outlet = outlet
        self._output = output
        self._loop = asyncio.get_running_loop()
        self._process_id = 0
        self._readers: list[Reader] = []
        self._cutters: list[LineCutter] = []
        self._files: dict[str, WatchedFile] = {}
        self._stdin: Feeder | None = None
        self._killing: asyncio.Task[None] | None = None
        self._hurry: asyncio.Future[None] = self._loop.create_future()
        self._unkillable: asyncio.Future[None] = self._loop.create_future()
        self._drained = asyncio.Event()
        self._is_interrupted = False
        self._limits = Limits(
            silence=arguments.timeout,
            duration=arguments.maxTime,
            may_be_silent=self._may_be_silent,
            exceeded=self._limit_exceeded,
        )

    async def run(self) -> None:
        """Run it; header, output, ``rc`` and ``elapsed`` go to the outlet."""
        began = self._loop.time()
        status = await self._run_process()
        signal_number = -status if status < 0 else None
        is_ours = self._killing is not None and (status == 0 or status > _BY_SIGNAL)
        exit_code = -1 if signal_number or is_ours else status
        elapsed = self._loop.time() - began
        self._output.header(header.end(exit_code=exit_code, signal=signal_number, elapsed=elapsed))
        await self._drain()
        self._outlet.value("rc", exit_code)
        self._outlet.value("elapsed", elapsed)

    def interrupt(self) -> None:
        """Kill it; `run` goes on to its end."""
        self._is_interrupted = True
        self._end_lingering()
        if self._killing is None and self._processes.is_running(self._process_id):
            self._output.header("\ncommand interrupted, attempting to kill")
            self._kill()

    def room_again(self) -> None:
        """Go on where the receiver could not keep up."""
        self._output.flush()
        self._limits.note_output()
        for reader in self._readers:
            reader.resume()
        self._drained.set()

    async def _run_process(self) -> int:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._watch_files()
            self._output.header(self._beginning())
            self._start()
        except (OSError, ValueError) as error:
            return self._could_not_start(error)
        try:
            return await self._follow()
        finally:
            self._release()
            self._processes.forget(self._process_id)

    def _beginning(self) -> str:
        arguments = self._arguments
        stdin = arguments.initial_stdin
        return header.beginning(
            command=arguments.shown,
            directory=str(self._directory),
            timeout=arguments.timeout,
            max_time=arguments.maxTime,
            logfiles=arguments.logfiles,
            environment=self._environment if arguments.logEnviron else None,
            stdin_size=None if stdin is None else len(stdin),
            use_pty=arguments.with_pty,
            pty_refused=arguments.usePTY and not arguments.with_pty,
        )

    def _start(self) -> None:
        if self._arguments.with_pty:
            self._start_in_terminal()
            return
        with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
            stdout, stderr = self._output_pipe(theirs, ours), self._output_pipe(theirs, ours)
            stdin = subprocess.DEVNULL
            if self._arguments.initial_stdin is not None:
                stdin, feed = os.pipe()
                theirs.callback(os.close, stdin)
                ours.callback(os.close, feed)
            self._spawn(stdin=stdin, stdout=stdout[1], stderr=stderr[1])
            ours.pop_all()
        self._read(stdout[0], b"o", wanted=self._arguments.want_stdout)
        self._read(stderr[0], b"e", wanted=self._arguments.want_stderr)
        if self._arguments.initial_stdin is not None:
            self._stdin = feeder(feed, self._arguments.initial_stdin)

    @staticmethod
    def _output_pipe(theirs: contextlib.ExitStack, ours: contextlib.ExitStack) -> tuple[int, int]:
        read_end, write_end = os.pipe()
        ours.callback(os.close, read_end)
        theirs.callback(os.close, write_end)
        return read_end, write_end

    def _start_in_terminal(self) -> None:
        with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
            master, slave = terminal.open_pair()
            ours.callback(os.close, master)
            theirs.callback(os.close, slave)
            self._spawn(stdin=slave, stdout=slave, stderr=slave, before=terminal.take_control)
            ours.pop_all()
        self._read(master, b"o", wanted=self._arguments.want_stdout)

    def _spawn(self, **streams: Any) -> None:
        self._process_id = self._processes.start(
            self._arguments.real,
            command_id=self._id,
            directory=str(self._directory),
            environment=self._environment,
            **streams,
        )

    def _could_not_start(self, error: OSError | ValueError) -> int:
        self._output.write(STDIO, *_error_line(reason_of(error), self._output.redactor))
        for file in self._files.values():
            file.close()
        return _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE

    def _read(self, descriptor: int, letter: bytes, *, wanted: bool) -> None:
        cutter = LineCutter(letter, self._arguments.encoding, self._output.redactor)
        self._cutters.append(cutter)

        def receive(data: bytes) -> None:
            self._limits.note_output()
            if not reader.rests:
                for other in self._readers:  # What was left in another pipe was written before.
                    other.catch_up()
            text, line_count = cutter.feed(data)
            self._output.line_count += line_count
            if wanted:
                self._output.write(STDIO, text, line_count)
            self._after_output()

        reader = pipe_reader(descriptor, receive)
        self._readers.append(reader)

    def _after_output(self) -> None:
        written, allowed = self._output.line_count, self._arguments.max_lines
        if allowed is not None and written > allowed and self._killing is None:
            self._outlet.value("failure_reason", "max_lines_failure")
            self._output.header(header.wrote_too_much(written, allowed, self._arguments.shown))
            self._kill()
        if not self._output.has_room():
            for reader in self._readers:
                reader.pause()

    async def _follow(self) -> int:
        self._limits.start()
        if self._is_interrupted:  # Before the process was there.
            self.interrupt()
        watching = self._loop.create_task(self._watch()) if self._files else None
        try:
            status = await self._status()
            await self._linger(self._hurry)
            self._limits.close()
            if not await self._processes.sweep(self._process_id):
                self._output.header("SIGKILL failed to kill process")
            await self._read_rest()
        finally:
            if watching is not None:
                watching.cancel()
        for cutter in self._cutters:
            self._output.write(STDIO, *cutter.finish())
        await self._finish_files()
        return status

    async def _status(self) -> int:
        """Wait for the process's end; for one that cannot be killed only until that shows."""
        ended = self._processes.ending(self._process_id)
        await asyncio.wait((ended, self._unkillable), return_when=asyncio.FIRST_COMPLETED)
        return ended.result() if ended.done() else 0  # As it is being killed, that is a failure.

    async def _linger(self, hurry: asyncio.Future[None]) -> bool:
        """Let what is left in the pipes come, and helpers end, but not for ever.

        Return whether all came. What the master holds back has more time.
        """
        began = self._loop.time()
        while rest := [reader.ended for reader in self._readers if not reader.ended.done()]:
            was_paused = self._may_be_silent()
            done, _ = await asyncio.wait(
                (*rest, hurry), timeout=_LINGER, return_when=asyncio.FIRST_COMPLETED
            )
            is_late = self._loop.time() > began + _LONGEST_LINGER
            if hurry.done() or is_late or not (done or was_paused):
                return False
        return True

    async def _read_rest(self) -> None:
        """Read what is left in the pipes when nothing is left of the command that we may kill."""
        if not await self._linger(self._loop.create_future()):
            self._output.header(
                "a process that this command did not start, or that cannot be killed, "
                "holds its output open; not waiting for it"
            )

    def _release(self) -> None:
        """Give up descriptors and timers."""
        self._limits.close()
        for reader in self._readers:
            reader.close()
        for file in self._files.values():
            file.close()
        if self._stdin is not None:
            self._stdin.close()
        if self._killing is not None:
            self._killing.cancel()

    async def _drain(self) -> None:
        self._output.flush()
        while not self._output.is_empty:
            self._drained.clear()
            await self._drained.wait()
            self._output.flush()

    def _may_be_silent(self) -> bool:
        return any(reader.is_paused for reader in self._readers)

    def _limit_exceeded(self, reason: str, seconds: float) -> None:
        if self._killing is not None:
            return
        is_silence = reason == "timeout_without_output"
        sentence = header.silent_too_long if is_silence else header.ran_too_long
        self._outlet.value("failure_reason", reason)
        self._output.header(sentence(seconds, self._arguments.shown))
        self._kill()

    def _end_lingering(self) -> None:
        if not self._hurry.done():
            self._hurry.set_result(None)

    def _kill(self) -> None:
        self._end_lingering()
        self._killing = self._loop.create_task(self._kill_in_order())

    async def _kill_in_order(self) -> None:
        if self._arguments.sigtermTime:
            self._processes.signal_group(self._process_id, TERM)
            await self._wait_for_end(self._arguments.sigtermTime)
        number = self._arguments.interrupt_signal
        if number != KILL and self._processes.is_running(self._process_id):
            self._processes.signal_group(self._process_id, number)
            await self._wait_for_end(_GRACE)
        if not await self._processes.sweep(self._process_id):
            self._unkillable.set_result(None)

    async def _wait_for_end(self, seconds: float) -> None:
        await asyncio.wait([self._processes.ending(self._process_id)], timeout=seconds)

    def _watch_files(self) -> None:
        for name, value in self._arguments.logfiles.items():
            settings = value if isinstance(value, dict) else {"filename": value}
            if not isinstance(settings.get("filename"), str):
                raise BadArguments(f"log file {name!r} needs a file name")
            self._files[name] = WatchedFile(
                self._directory / settings["filename"],
                follow=bool(settings.get("follow")),
                encoding=self._arguments.encoding,
                redactor=self._output.redactor,
            )

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_INTERVAL)
            self._read_files()

    def _read_files(self) -> None:
        """Read what there is room for."""
        for name, file in self._files.items():
            is_more = True
            while is_more and self._output.has_room():
                text, line_count, is_more = file.read()
                if is_more:
                    self._limits.note_output()
                self._output.write(name, text, line_count)

    async def _finish_files(self) -> None:
        for name, file in self._files.items():
            for text, line_count in file.finish():
                self._output.write(name, text, line_count)
                if not self._output.has_room():
                    await self._drain()
            if file.complaint is not None:
                self._output.header(f"log file {name!r} {file.complaint}: not followed")


def _error_line(text: str, redactor: Redactor) -> tuple[bytes, int]:
    cutter = LineCutter(b"e", redactor=redactor)
    cutter.feed(bytes_of(text))
    return cutter.finish()
