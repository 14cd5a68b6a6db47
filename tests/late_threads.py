"""Threads that take their time: tests that rely on an order that nothing guarantees fail."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

_LATEST = float(os.environ.get("EXPLORE_DELAY", "0.02"))
"""Seconds that a thread begins or ends late, at most; most are hardly late."""


def install() -> None:
    """Let what threads do in this process come early or late, by chance."""
    dice = random.Random()
    submit = ThreadPoolExecutor.submit

    def submit_late(
        self: ThreadPoolExecutor, work: Callable[..., Any], /, *args: Any, **more: Any
    ) -> Future[Any]:
        def late() -> Any:
            before, after = (_LATEST * dice.random() ** 4 for _ in range(2))
            time.sleep(before)
            try:
                return work(*args, **more)
            finally:
                time.sleep(after)

        return submit(self, late)

    ThreadPoolExecutor.submit = submit_late  # type: ignore[assignment,method-assign]
