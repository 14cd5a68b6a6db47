"""Keeps Python's garbage collector from stopping the master while a configuration is read.

A configuration of thousands of builders is a large graph of objects that all stay. Looking through
it again and again costs more than everything else, so the collector rests meanwhile, and then
looks no more at what is there.

Later it looks less often than Python's default has it: a build makes thousands of objects that
live as long as it does and are no garbage; looking at them after every 700 is wasted time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEW_OBJECTS = 10_000
"""How many more objects there are when the collector looks at the new ones."""


@contextmanager
def without_pauses() -> Iterator[None]:
    """Let the collector rest, and set aside what then is there."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(_NEW_OBJECTS)
        gc.enable()


class ReplacedConfigurations:
    """Collects what replaced configurations leave, when that disturbs nobody.

    The one collection stops everything for some 40 ms per 1,000 builders, so it waits for a
    moment without builds; but not for ever.
    """

    _AT_MOST = 20

    def __init__(self) -> None:
        self._replaced = 0

    def replaced(self, *, is_idle: bool) -> None:
        """A configuration was replaced by another."""
        self._replaced += 1
        if is_idle or self._replaced >= self._AT_MOST:
            self._replaced = 0
            gc.unfreeze()
            gc.collect()
            gc.freeze()
