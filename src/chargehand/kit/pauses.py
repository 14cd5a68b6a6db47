"""Keeps Python's garbage collector from looking at what is there to stay.

Modules, and a configuration of thousands of builders, are large graphs of permanent objects.
Scanning them again and again while they are made costs more than everything else, so the collector
is disabled meanwhile, and the objects are frozen afterwards: it never sees them again.

Later it runs less often than by default: a build creates thousands of objects that live as long as
it does; scanning them after every 700 allocations wastes time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEW_OBJECTS = 10_000
"""The number of new objects that triggers a collection."""


@contextmanager
def without_pauses() -> Iterator[None]:
    """Disable the collector, then freeze the existing objects; may be nested."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            enable()


def enable() -> None:
    """Let the collector run again, less often than by default."""
    gc.set_threshold(_NEW_OBJECTS)
    gc.enable()
