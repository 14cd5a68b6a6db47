"""Adds the stubs of the extension API to each wheel that is built."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent))

from package import write


class Stubs(BuildHookInterface[Any]):
    """Writes ``buildbot-stubs`` beside the packages; nothing of it is in the repository."""

    _place: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write them, unless the sources themselves are installed."""
        if version == "editable":
            return
        self._place = Path(tempfile.mkdtemp())
        write(self._place, Path(self.root) / "src")
        build_data["force_include"][str(self._place)] = "buildbot-stubs"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leave nothing behind."""
        if self._place is not None:
            shutil.rmtree(self._place)
