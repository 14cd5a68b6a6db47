"""A command that a stock worker runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from chargehand.domain.command import Output, Value
from chargehand.domain.identifiers import CommandId
from chargehand.domain.session import Receipt, Receive
from chargehand.links.stock.hidden_words import HiddenWords
from chargehand.links.stock.line_limit import LineLimit
from chargehand.links.stock.output import StockOutput

_LATE = 1.0
"""Seconds that the exit status may come after the end of a command."""
_LETTERS = {"stdout": b"o", "stderr": b"e", "header": b"h"}
_STDIO = "stdio"
_KILLED = -1
"""What stock workers tell of a command that they have killed."""
_TOO_MANY_LINES = b"command exceeded max lines, attempting to kill\n"
_LONGEST_REASON = 2000
_ANSWERS = {"glob": "files", "listdir": "files", "stat": "stat"}
"""What a command that has succeeded has told, by its name."""
_NO_ANSWER = "the worker could not send its answer: a file name may not be valid UTF-8"


class RunningCommand:
    """Takes what the worker sends of one command (a Receiver), and passes it on.

    *taken* is called with the size of what is to be stored, and again, negative, when it is.
    *hidden* are parts of the command line that its header is not to show. *lines* counts what a
    worker of an older version does not count itself.
    """

    def __init__(
        self,
        command_id: CommandId,
        receive: Receive,
        *,
        taken: Callable[[int], None],
        name: str = "",
        hidden: HiddenWords | None = None,
        lines: LineLimit | None = None,
    ) -> None:
        self._receive = receive
        self._taken = taken
        self._hidden = hidden
        self._lines = lines
        self._output = StockOutput(command_id, self._send)
        self.status: object = None
        """Its exit status, once the worker has sent it."""
        self._timer: asyncio.TimerHandle | None = None
        self._error: str | None = None
        self._complaints = {"stderr": "", "header": ""}
        self._is_shell = name == "shell"
        self._awaited = _ANSWERS.get(name)
        self._over = asyncio.Event()
        self._failure: Exception | None = None
        self._listeners: list[Callable[[], object]] = []

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self._over.is_set()

    def on_end(self, listener: Callable[[], object]) -> None:
        """Call *listener* when nothing more comes."""
        self._listeners.append(listener)

    async def end(self) -> str | None:
        """Wait until nothing more comes; return an error if the worker could not run it.

        Raises WorkerLost.
        """
        await self._over.wait()
        if self._failure is not None:
            raise self._failure
        return self._error

    def update(self, key: str, value: object) -> None:
        """Take output, or a value."""
        if self.is_over:
            return
        if (letter := _LETTERS.get(key)) is not None:
            if key in self._complaints and not self._is_shell:
                text = self._complaints[key] + _text(value)
                self._complaints[key] = text[-_LONGEST_REASON:]
            if key == "header":
                if self._hidden is not None:
                    value = self._hidden.without(_text(value))
                self._output.end_lines()  # The program has begun none, or has ended.
            self._write(key, letter, _bytes(value))
        elif key == "log":
            if isinstance(value, list | tuple) and len(value) == 2:
                self._output.write(_text(value[0]), b"o", _bytes(value[1]))
        elif key == "rc":
            self._take_status(value)
        else:
            if key == self._awaited:
                self._awaited = None
            self._receive(Value(key=key, value=value))

    def _write(self, key: str, letter: bytes, text: bytes) -> None:
        self._output.write(_STDIO, letter, text)
        if self._lines is not None and key != "header" and self._lines.count(text):
            self._output.end_lines()
            self._output.write(_STDIO, b"h", _TOO_MANY_LINES)
            self._receive(Value(key="failure_reason", value="max_lines_failure"))

    def write(self, data: bytes) -> Receipt | None:
        """Take a piece of a file."""
        if self.is_over:
            return None
        return self._measured(self._receive(Value(key="content", value=data)), len(data))

    def times(self, accessed: float, modified: float) -> None:
        """Take the times of the file."""
        self._receive(Value(key="times", value=[accessed, modified]))

    async def read(self, length: int) -> bytes:
        """Return nothing: only downloads have something to read."""
        return b""

    def complete(self, error: str | None) -> bool:
        """Note that the command has ended; False if its exit status may still be under way."""
        if self.is_over or self._timer is not None:
            return True
        self._error = error
        if error is None and self.status is None:
            self._timer = asyncio.get_running_loop().call_later(_LATE, self._end)
            return False
        self._end()
        return True

    def lose(self, error: Exception) -> None:
        """Fail: the worker is lost. What came is passed on."""
        if not self.is_over:
            self._failure = error
            self._finish()

    def _take_status(self, value: object) -> None:
        if value == 0 and self._awaited is not None:
            # A stock worker goes on when it cannot encode one of its messages.
            self._receive(Value(key="why", value=_NO_ANSWER))
            value = 1
        elif value == 0 and self._lines is not None and self._lines.is_exceeded:
            value = _KILLED  # Its output came with its end, too late to kill it.
        self.status = value
        if self._is_shell:
            self._output.end_lines()
            self._output.write(_STDIO, b"h", b"program finished with exit code %a\n" % (value,))
        self._receive(Value(key="rc", value=value))
        if self._timer is not None:
            self._end()

    @property
    def _has_told_nothing(self) -> bool:
        """Whether it has ended without its answer and without its status: over MessagePack both
        are one message, which the worker could not encode."""
        return self._awaited is not None and self.status is None and self._error is None

    def _explain(self) -> None:
        """Pass on why it has failed, as far as the worker has said it."""
        if why := self._complaint() or (_NO_ANSWER if self._has_told_nothing else ""):
            self._receive(Value(key="why", value=why))

    def _complaint(self) -> str:
        """Return what the worker says of a failure."""
        for text in self._complaints.values():
            if lines := text.strip().splitlines():
                return lines[-1].strip()
        return ""

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self.is_over:
            if self.status != 0 and not self._is_shell:
                self._explain()
            self._finish()

    def _finish(self) -> None:
        self._output.finish()
        self._over.set()
        for listener in self._listeners:
            listener()

    def _send(self, output: Output, size: int) -> Receipt | None:
        return self._measured(self._receive(output), size)

    def _measured(self, receipt: Receipt | None, size: int) -> Receipt | None:
        if receipt is not None and not receipt.done():
            self._taken(size)
            receipt.add_done_callback(lambda _: self._taken(-size))
        return receipt


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return _text(value).encode("utf-8", "replace")


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else str(value)
