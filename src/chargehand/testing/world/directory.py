"""The directory of a world: its configuration file, and what must be undone when it ends."""

from __future__ import annotations

import gc
import shutil
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

Configuration = str | Callable[[], dict[str, object]]
"""The text of a ``master.cfg``, or an importable function that returns the dictionary."""


class WorldDirectory:
    """A master's directory that is there for one test."""

    def __init__(self, path: Path | None) -> None:
        self._is_ours = path is None
        self.path = Path(mkdtemp(prefix="world-")) if path is None else path
        self._incarnations = 0
        self._search_path = list(sys.path)

    @property
    def config_path(self) -> Path:
        """The configuration file."""
        return self.path / "master.cfg"

    def write(self, configuration: Configuration) -> None:
        """Write the configuration file."""
        if callable(configuration):
            text = (
                f"from {configuration.__module__} import {configuration.__qualname__} as make\n"
                "BuildmasterConfig = make()\n"
            )
        else:
            text = textwrap.dedent(configuration)
        self.config_path.write_text(text)

    def new_socket(self) -> Path:
        """Return the path for the next master's server; it must be short."""
        self._incarnations += 1
        return self.path / f"http-{self._incarnations}"

    def close(self) -> None:
        """Undo what reading configurations did to this process, and remove the directory."""
        sys.path[:] = self._search_path
        for name, module in sys.modules.copy().items():
            if str(getattr(module, "__file__", None) or "").startswith(f"{self.path}/"):
                del sys.modules[name]
        gc.unfreeze()
        if self._is_ours:
            shutil.rmtree(self.path, ignore_errors=True)
