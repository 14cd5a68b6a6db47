"""What scripts and plug-ins ask about a master's directory."""

from __future__ import annotations

import sys
from pathlib import Path

from buildbot._border.finder import old_names_of

__all__ = ["isBuildmasterDir"]


def isBuildmasterDir(dir: str) -> bool:
    """Return whether a directory is one of a master's; why not is said on the terminal."""
    if (Path(dir) / "buildbot.tac").is_file():
        return True
    sys.stderr.write(f"{dir} is not the directory of a master: it has no buildbot.tac\n")
    return False


__getattr__ = old_names_of(__name__)
