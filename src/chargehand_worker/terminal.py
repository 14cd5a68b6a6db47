"""Pseudo-terminals, for commands that want to write to one."""

from __future__ import annotations

import os
import sys

if sys.platform != "win32":
    import fcntl
    import termios

_OUTPUT_FLAGS = 1


def open_pair() -> tuple[int, int]:
    """Open a terminal and return our end and the command's; newlines are left as they are."""
    ours, theirs = os.openpty()
    settings = termios.tcgetattr(theirs)
    settings[_OUTPUT_FLAGS] &= ~termios.ONLCR
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    return ours, theirs


def take_control() -> None:
    """Make standard input the controlling terminal; to be called in the new process."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
