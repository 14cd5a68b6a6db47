"""Observers: they hear a log's lines while the step runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from typing import Any

from buildbot._border.bridge import is_awaitable
from buildbot.interfaces import ILogObserver, implementer
from chargehand.domain.build import Channel


@implementer(ILogObserver)
class LogObserver:
    """Hears text as it arrives, in whole lines; ``step`` is the step it observes.

    Override ``outReceived``, ``errReceived``, ``headerReceived`` and ``finishReceived``; they may
    be ``async``, or return Deferreds. What they begin has ended when the step's logs end.
    """

    def __init__(self) -> None:
        self.step: Any = None
        self._log: Any = None

    def setStep(self, step: Any) -> None:
        """Take the step."""
        self.step = step

    def setLog(self, loog: Any) -> None:
        """Begin to hear the log."""
        self._log = loog
        loog.subscribe(self._received)

    def _received(self, channel: Channel | None, text: str | None) -> None:
        if channel is None or text is None:
            self.finishReceived()
        else:
            build = self.step.build if self.step is not None else None
            self._begun(self.logChunk(build, self.step, self._log, channel.value, text))

    def _begun(self, answer: Any) -> None:
        """Let the step wait for what a method has returned."""
        if answer is not None and is_awaitable(answer) and self.step is not None:
            self.step._wait_for(answer)

    def logChunk(self, build: Any, step: Any, log: Any, channel: str, text: str) -> Any:
        """Hand text on by its channel: ``o``, ``e`` or ``h``."""
        match channel:
            case "o":
                return self.outReceived(text)
            case "e":
                return self.errReceived(text)
            case "h":
                return self.headerReceived(text)
            case _:
                return None

    def outReceived(self, data: str) -> Any:
        """Hear text of stdout, or of a log without channels."""

    def errReceived(self, data: str) -> Any:
        """Hear text of stderr."""

    def headerReceived(self, data: str) -> Any:
        """Hear header text."""

    def finishReceived(self) -> None:
        """Hear that no more will come."""


class LogLineObserver(LogObserver):
    """Receives single lines, without their ends.

    Override ``outLineReceived``, ``errLineReceived``, ``headerLineReceived``.
    """

    stdoutDelimiter = "\n"
    stderrDelimiter = "\n"
    headerDelimiter = "\n"

    _max_length: float = math.inf

    def setMaxLineLength(self, max_length: float) -> None:
        """Leave out lines longer than this; without a call none is left out."""
        self._max_length = max_length

    def outReceived(self, data: str) -> None:
        """Cut text into lines."""
        for line in self._lines(data):
            self._begun(self.outLineReceived(line))

    def errReceived(self, data: str) -> None:
        """Cut text into lines."""
        for line in self._lines(data):
            self._begun(self.errLineReceived(line))

    def headerReceived(self, data: str) -> None:
        """Cut text into lines."""
        for line in self._lines(data):
            self._begun(self.headerLineReceived(line))

    def _lines(self, text: str) -> list[str]:
        lines = text.removesuffix("\n").split("\n")
        if self._max_length == math.inf:
            return lines
        return [line for line in lines if len(line) <= self._max_length]

    def outLineReceived(self, line: str) -> Any:
        """Hear a line of stdout."""

    def errLineReceived(self, line: str) -> Any:
        """Hear a line of stderr."""

    def headerLineReceived(self, line: str) -> Any:
        """Hear a line of header."""


class LineConsumerLogObserver(LogLineObserver):
    """Sends (channel, line) to a generator, and closes it at the end."""

    def __init__(
        self, consumerFunction: Callable[[], Generator[Any, tuple[str, str], Any]]
    ) -> None:
        super().__init__()
        self.generator: Generator[Any, tuple[str, str], Any] | None = None
        self._make = consumerFunction
        self._is_over = False

    def feed(self, input: tuple[str, str]) -> None:
        """Send one line; a generator that has returned hears no more."""
        if self._is_over:
            return
        if self.generator is None:
            self.generator = self._make()
            next(self.generator)
        try:
            self.generator.send(input)
        except StopIteration:
            self._is_over = True

    def outLineReceived(self, line: str) -> None:
        """Hear a line of stdout."""
        self.feed(("o", line))

    def errLineReceived(self, line: str) -> None:
        """Hear a line of stderr."""
        self.feed(("e", line))

    def headerLineReceived(self, line: str) -> None:
        """Hear a line of header."""
        self.feed(("h", line))

    def finishReceived(self) -> None:
        """Close the generator."""
        if self.generator is not None:
            self.generator.close()


class OutputProgressObserver(LogObserver):
    """Feeds the step's progress with the length of its output."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.length = 0

    def outReceived(self, data: str) -> None:
        """Count text of stdout."""
        self._count(data)

    def errReceived(self, data: str) -> None:
        """Count text of stderr."""
        self._count(data)

    def _count(self, text: str) -> None:
        self.length += len(text)
        self.step.setProgress(self.name, self.length)


class BufferLogObserver(LogObserver):
    """Keeps the text, for `getStdout` and `getStderr`."""

    def __init__(self, wantStdout: bool = True, wantStderr: bool = False) -> None:
        super().__init__()
        self.stdout: list[str] | None = [] if wantStdout else None
        self.stderr: list[str] | None = [] if wantStderr else None

    def outReceived(self, data: str) -> None:
        """Keep text of stdout."""
        if self.stdout is not None:
            self.stdout.append(data)

    def errReceived(self, data: str) -> None:
        """Keep text of stderr."""
        if self.stderr is not None:
            self.stderr.append(data)

    def getStdout(self) -> str:
        """Return the text of stdout so far."""
        return _joined(self, "stdout")

    def getStderr(self) -> str:
        """Return the text of stderr so far."""
        return _joined(self, "stderr")


def _joined(observer: BufferLogObserver, name: str) -> str:
    chunks: list[str] | None = getattr(observer, name)
    if not chunks:
        return ""
    text = "".join(chunks)
    setattr(observer, name, [text])
    return text
