"""The build of a step under test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from buildbot.process.build import Build
from buildbot.process.properties import Properties

__all__ = ["FakeBuild"]


class FakeBuild(Build):
    """A build with the properties and changed files that a test says."""

    def __init__(
        self, props: Any = None, misc_env: Any = None, files: Sequence[str] | None = None
    ) -> None:
        super().__init__([])
        self.files_of_test = list(files or [])
        self.properties = Properties() if props is None else props

    def allFiles(self) -> list[str]:
        """Return the files that the test says have changed."""
        return self.files_of_test
