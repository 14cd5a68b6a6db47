"""Checking what the code under test logs."""

from __future__ import annotations

import logging
import re
from typing import Any

from twisted.python import log

__all__ = ["LoggingMixin"]


class _Keeping(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.INFO)
        self._messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.append(self.format(record))


class LoggingMixin:
    """For test cases: what is logged with Twisted or with ``logging``, from INFO up."""

    addCleanup: Any

    def setUpLogging(self) -> None:
        """Listen from now on; call it in ``setUp``."""
        self._logged: list[str] = []
        handler = _Keeping(self._logged)
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(min(level, logging.INFO))
        self.addCleanup(root.setLevel, level)
        self.addCleanup(root.removeHandler, handler)
        log.addObserver(self._keep_event)
        self.addCleanup(log.removeObserver, self._keep_event)

    def logContainsMessage(self, regexp: Any) -> bool:
        """Return whether a message fits."""
        return any(re.search(regexp, one) for one in self._logged)

    def assertLogged(self, *regexps: Any) -> None:
        """Check that for each pattern a message was logged."""
        for regexp in regexps:
            if not self.logContainsMessage(regexp):
                raise AssertionError(f"{regexp!r} was not logged; logged: {self._logged!r}")

    def assertNotLogged(self, regexp: Any) -> None:
        """Check that no such message was logged."""
        if self.logContainsMessage(regexp):
            raise AssertionError(f"{regexp!r} was logged: {self._logged!r}")

    def assertWasQuiet(self) -> None:
        """Check that nothing was logged."""
        if self._logged:
            raise AssertionError(f"logged: {self._logged!r}")

    def _keep_event(self, event: Any) -> None:
        text = log.textFromEventDict(event)
        if text is not None:
            self._logged.append(text)
