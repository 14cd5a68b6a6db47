"""What ``buildbot.tac`` sets of the master, and its configuration file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chargehand.kit.log_rotation import rotated_log


class LogRotation:
    """``master.log_rotation``: how ``master.log`` is rotated, as ``buildbot.tac`` says.

    What is set holds until the master is restarted.
    """

    @property
    def rotateLength(self) -> int:
        """The size in bytes beyond which the log is rotated; 0 for never."""
        log = rotated_log()
        return 0 if log is None else log.max_size

    @rotateLength.setter
    def rotateLength(self, size: int | None) -> None:
        if (log := rotated_log()) is not None:
            log.limit(size, log.count)

    @property
    def maxRotatedFiles(self) -> int | None:
        """How many rotated logs are kept, None for all."""
        log = rotated_log()
        return None if log is None else log.count

    @maxRotatedFiles.setter
    def maxRotatedFiles(self, count: int | None) -> None:
        if (log := rotated_log()) is not None:
            log.limit(log.max_size, count)


class ConfigurationLoader:
    """``master.config_loader``: reads the configuration file without putting it into use."""

    def __init__(self, path: Path, basedir: Path, read: Callable[[], Any]) -> None:
        self.basedir = str(basedir)
        self.configFileName = str(path)
        self._read = read

    def loadConfig(self) -> Any:
        """Return what the file says now, like ``master.config``. Raises ConfigErrors.

        It runs the file, and takes as long: call it in a thread.
        """
        return self._read()
