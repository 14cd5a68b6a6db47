"""Keeps Python's garbage collector from stopping the master while a configuration is read.

A configuration of thousands of builders is a large graph of objects that all stay. Looking through
it again and again costs more than everything else, so the collector rests meanwhile, and then
looks no more at what is there.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_pauses() -> Iterator[None]:
    """Let the collector rest, and set aside what then is there."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
