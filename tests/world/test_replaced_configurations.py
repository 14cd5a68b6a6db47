"""What replaced configurations leave is freed when that keeps nobody waiting."""

from __future__ import annotations

import asyncio
import weakref

from chargehand.app.garbage import ReplacedConfigurations
from chargehand.kit.tasks import Tasks


class _Builder:
    """Refers to itself, as what a configuration file defines does."""

    def __init__(self) -> None:
        self.me = self


async def test_they_are_freed_in_a_quiet_moment_and_after_twenty_at_the_latest():
    tasks = Tasks("test")
    quiet = False
    replaced = ReplacedConfigurations(tasks=tasks, is_quiet=lambda: quiet)
    seen = weakref.ref(builder := _Builder())
    del builder

    await replaced.replaced(())
    await asyncio.sleep(100)
    assert seen() is not None
    quiet = True
    await asyncio.sleep(3)
    assert seen() is None

    quiet = False
    seen = weakref.ref(builder := _Builder())
    del builder
    for _ in range(20):
        await replaced.replaced(())
    await asyncio.sleep(3)
    assert seen() is None
    await tasks.close()
