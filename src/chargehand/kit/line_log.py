"""A log of which builds write several lines each: their records are made of a sample."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

from chargehand.kit.clock import SystemClock

_clock = SystemClock()


class LineLog:
    """Writes lines of one logger: what `logging` would write, for a third of the time.

    A record's place in the code is this file, and its thread the one that made this object: finding
    them out takes longer than writing the line. Where somebody has set another factory of records
    (`logging.setLogRecordFactory`), that is asked.
    """

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)
        self._sample = logging.LogRecord(name, logging.INFO, __file__, 0, "", None, None)

    def info(
        self, message: str, *arguments: object, ids: Mapping[str, object] | None = None
    ) -> None:
        """Write a line, with what the JSON format shows of *ids*."""
        if not self._logger.isEnabledFor(logging.INFO):
            return
        if logging.getLogRecordFactory() is not logging.LogRecord:
            self._logger.info(message, *arguments, extra={"ids": ids or {}})
            return
        record = logging.LogRecord.__new__(logging.LogRecord)
        now = _clock.timestamp()
        sample = self._sample
        record.__dict__.update(
            sample.__dict__,
            msg=message,
            args=arguments,
            created=now,
            msecs=float(int(now * 1000) % 1000),
            relativeCreated=sample.relativeCreated + (now - sample.created) * 1000,
            process=os.getpid(),
            ids=ids or {},
        )
        self._logger.handle(record)
