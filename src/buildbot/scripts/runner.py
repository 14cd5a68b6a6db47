"""The command line, for scripts that call it in Python."""

from __future__ import annotations

import os
import sys
from typing import Never

__all__ = ["run"]


def run() -> Never:
    """Become the program ``chargehand`` with this process's arguments."""
    os.execv(sys.executable, [sys.executable, "-m", "chargehand", *sys.argv[1:]])
