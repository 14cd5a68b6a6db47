"""Adds the stubs of the extension API, and the web UI, to each wheel that is built."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "ui")]

from build import NODE_PACKAGE, build, is_current, node
from package import write


class Stubs(BuildHookInterface[Any]):
    """Writes ``buildbot-stubs`` beside the packages; nothing of it is in the repository."""

    _place: Path | None = None

    def dependencies(self) -> list[str]:
        """Ask for a Node where the UI must be built and the machine has none that is new enough."""
        is_needed = self.target_name == "wheel" and not is_current() and node() is None
        return [NODE_PACKAGE] if is_needed else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write them, unless the sources themselves are installed."""
        if version == "editable":
            return  # `scripts/set-up` builds the UI: it changes more often than what is installed.
        build(Path(self.root))
        self._place = Path(tempfile.mkdtemp())
        write(self._place, Path(self.root) / "src")
        build_data["force_include"][str(self._place)] = "buildbot-stubs"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leave nothing behind."""
        if self._place is not None:
            shutil.rmtree(self._place)
