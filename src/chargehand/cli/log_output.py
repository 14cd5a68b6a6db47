"""Where the master's own messages go: master.log in its directory, and the terminal."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from datetime import UTC, datetime

from chargehand.cli.basedir import LOG_LINK, Basedir
from chargehand.cli.log_file import LogFile
from chargehand.cli.plain_text import plain
from chargehand.kit.redaction import Redaction
from chargehand_wire.addresses import is_plain

_FARM = "chargehand.farm"
"""The logger that tells what happens, one line each."""

_LIKE_A_LINE = re.compile(r"\n(?=\d{4}-\d\d-\d\d )")


class _TextFormatter(logging.Formatter):
    """Shows the local time, and the level above INFO; no secrets."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction
        self._second = -1
        self._shown = ""

    def format(self, record: logging.LogRecord) -> str:
        level = f"{record.levelname}: " if record.levelno > logging.INFO else ""
        text = f"{self._time(record)} [{record.name}] {level}{self._message(record)}"
        if record.exc_info:
            text += f"\n{self.formatException(record.exc_info)}"
        if record.stack_info:
            text += f"\n{self.formatStack(record.stack_info)}"
        if is_plain(text) and not self._redaction.has_secrets:
            return text  # As most are.
        return self._redaction.text(text)

    def _message(self, record: logging.LogRecord) -> str:
        """Return the message such that no text of others in it can pass for a line of the log, or
        move the cursor of a terminal."""
        text = record.getMessage()
        if text.isprintable():
            return text
        text = self._redaction.text(text)  # Secrets of several lines are still whole here.
        if record.name == _FARM:
            text = " ".join(text.split())
        return plain(_LIKE_A_LINE.sub("\n  ", text))

    def _time(self, record: logging.LogRecord) -> str:
        second = int(record.created)
        if second != self._second:  # Working out the local time takes longer than all the rest.
            self._shown = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
            self._second = second
        return f"{self._shown}.{int(record.msecs):03d}"


class _JsonFormatter(logging.Formatter):
    """One JSON object per line, without secrets."""

    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= getattr(record, "ids", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(self._redaction.value(line), ensure_ascii=False)


def log_to(
    basedir: Basedir,
    *,
    terminal: bool,
    verbose: bool = False,
    redaction: Redaction | None = None,
) -> None:
    """Send messages to the log file (rotated by size), and to stdout when asked."""
    logging.raiseExceptions = False  # a full disk must not fill the terminal with tracebacks
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    # Clients' errors are not worth logging; failures of ours are logged where they happen.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    file = LogFile(basedir.log_path, max_size=basedir.log_size, count=basedir.log_count)
    handlers: list[logging.Handler] = [file]
    if terminal:
        handlers.append(logging.StreamHandler(sys.stdout))
    kind = _JsonFormatter if basedir.log_format == "json" else _TextFormatter
    formatter = kind(redaction or Redaction())
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    _link(basedir)


def _link(basedir: Basedir) -> None:
    """Link twistd.log, which people tail, to the log; rename a real file of that name."""
    link = basedir.path / LOG_LINK
    if link.is_symlink():
        return
    if link.exists():
        link.rename(basedir.path / f"{LOG_LINK}.before-chargehand")
    link.symlink_to(basedir.log_path.name)
