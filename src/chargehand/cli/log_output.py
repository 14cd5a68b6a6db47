"""Where the master's own messages go: master.log in its directory, and the terminal."""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from chargehand.cli.basedir import LOG_LINK, Basedir
from chargehand.kit.redaction import Redaction

_FORMAT = "%(asctime)s [%(name)s] %(message)s"
_FORMAT_ABOVE_INFO = "%(asctime)s [%(name)s] %(levelname)s: %(message)s"


class _Formatter(logging.Formatter):
    """Shows the level only above INFO, and no secrets."""

    default_time_format = "%Y-%m-%d %H:%M:%S"
    default_msec_format = "%s.%03d"

    def __init__(self, redaction: Redaction) -> None:
        super().__init__(_FORMAT)
        self._redaction = redaction
        self._above_info = logging.Formatter(_FORMAT_ABOVE_INFO)
        self._above_info.default_msec_format = self.default_msec_format

    def format(self, record: logging.LogRecord) -> str:
        if record.levelno > logging.INFO:
            return self._redaction.text(self._above_info.format(record))
        return self._redaction.text(super().format(record))


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
    _require_reader(basedir.log_path)
    file = RotatingFileHandler(
        basedir.log_path,
        maxBytes=basedir.log_size,
        backupCount=1_000_000 if basedir.log_count is None else basedir.log_count,
        encoding="utf-8",
        errors="replace",
    )
    handlers: list[logging.Handler] = [file]
    if terminal:
        handlers.append(logging.StreamHandler(sys.stdout))
    kind = _JsonFormatter if basedir.log_format == "json" else _Formatter
    formatter = kind(redaction or Redaction())
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    _link(basedir)


def _require_reader(path: Path) -> None:
    """Raise OSError for a FIFO that nobody reads: opening it would wait for a reader."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC))
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        words = "It is a FIFO or a socket that nobody reads"
        raise OSError(errno.ENXIO, words, str(path)) from None


def _link(basedir: Basedir) -> None:
    """Link twistd.log, which people tail, to the log; rename a real file of that name."""
    link = basedir.path / LOG_LINK
    if link.is_symlink():
        return
    if link.exists():
        link.rename(basedir.path / f"{LOG_LINK}.before-chargehand")
    link.symlink_to(basedir.log_path.name)
