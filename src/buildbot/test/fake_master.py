"""What steps find at ``self.master`` in tests."""

from __future__ import annotations

import tempfile
from types import SimpleNamespace
from typing import Any

from twisted.internet.task import Clock


class FakeMaster:
    """A master that has a directory, a clock and a configuration, and no stages.

    A test gives it what else its steps use: ``self.master.data = ...``.
    """

    def __init__(self, reactor: Any = None) -> None:
        self.reactor = Clock() if reactor is None else reactor
        self.config = SimpleNamespace(
            buildbotURL="http://localhost:8080/", title="Buildbot", logEncoding="utf-8"
        )
        self.name = "test"

    @property
    def basedir(self) -> str:
        """A directory of its own, made when it is asked for."""
        directory = self.__dict__.setdefault("_basedir", None)
        if directory is None:
            directory = self.__dict__["_basedir"] = tempfile.mkdtemp(prefix="buildbot-test-")
        return str(directory)
