"""``master.scheduler_manager``: the schedulers of this master."""

from __future__ import annotations

from typing import Any


class SchedulerDirectory:
    """Finds schedulers by name; each registers itself when it begins to work."""

    def __init__(self) -> None:
        self.namedServices: dict[str, Any] = {}
