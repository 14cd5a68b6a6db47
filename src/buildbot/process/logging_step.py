"""The class of old-style steps that run a command with a log."""

from __future__ import annotations

from typing import Any, ClassVar

from buildbot.process.buildstep import BuildStep


class LoggingBuildStep(BuildStep):
    """A step whose ``start()`` calls `startCommand`; the command's output goes to ``stdio``."""

    renderables: ClassVar[Any] = ["logfiles", "lazylogfiles"]
    progressMetrics = ("output",)

    def __init__(self, logfiles: Any = None, lazylogfiles: bool = False, **kwargs: Any) -> None:
        self.logfiles = dict(self.logfiles if logfiles is None else logfiles)
        self.lazylogfiles = lazylogfiles
        super().__init__(**kwargs)

    def addLogFile(self, logname: str, filename: str) -> None:
        """Watch another file on the worker while the command runs."""
        self.logfiles = {**self.logfiles, logname: filename}
