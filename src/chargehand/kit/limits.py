"""A time limit that also holds where a task cleans up after it was cancelled.

`asyncio.timeout` does not, before Python 3.11.4 (Debian 12 has 3.11.2): its TimeoutError is a
CancelledError there, and whatever was to be done at the end of the patience is left undone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """Cancel what is inside when the time is over, and raise TimeoutError in its place."""
    task = asyncio.current_task()
    assert task is not None, "a time limit needs a task"
    cancellations = task.cancelling()
    is_over = False

    def expire() -> None:
        nonlocal is_over
        is_over = True
        task.cancel()

    timer = asyncio.get_running_loop().call_later(seconds, expire)
    try:
        yield
    except asyncio.CancelledError:
        if is_over and task.uncancel() <= cancellations:
            raise TimeoutError from None
        raise
    except BaseException:
        if is_over:
            task.uncancel()
        raise
    else:
        if is_over:
            task.uncancel()
    finally:
        timer.cancel()
