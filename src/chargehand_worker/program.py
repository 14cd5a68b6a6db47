"""How this program is run again, in another process."""

from __future__ import annotations

import sys
from pathlib import Path


def program() -> list[str]:
    """Return how this program is run: of these files, and of no others that lie around."""
    path = str(Path(__file__).with_name("__main__.py"))
    safely = ["-P"] if sys.version_info >= (3, 11) else []
    return [sys.executable, *safely, path]
