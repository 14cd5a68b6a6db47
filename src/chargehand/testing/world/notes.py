"""What masters log in a world."""

from __future__ import annotations

import logging
from types import TracebackType


class Notes(logging.Handler):
    """Keeps everything that is logged while it is open."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._lines: list[str] = []
        self._level_before = logging.root.level
        self.setFormatter(logging.Formatter("%(levelname)s %(message)s"))

    @property
    def text(self) -> str:
        """Everything so far, a record a line, tracebacks below it."""
        return "\n".join(self._lines)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self._lines.append(self.format(record))

    def __enter__(self) -> Notes:
        logging.root.addHandler(self)
        logging.root.setLevel(min(self.level, self._level_before or logging.WARNING))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        logging.root.removeHandler(self)
        logging.root.setLevel(self._level_before)
