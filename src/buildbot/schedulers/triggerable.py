"""Building when a step says so: accepted, and not supported yet."""

from __future__ import annotations

from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import settled
from buildbot.schedulers.base import ReconfigurableBaseScheduler
from chargehand.config.model import NotYet


class Triggerable(ReconfigurableBaseScheduler):
    """Builds when a ``Trigger`` step names it."""

    compare_attrs = ("name", "builderNames", "properties", "codebases", "reason")
    reason: Any = None

    def __init__(self, name: Any, builderNames: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(builderNames, *args, name=name, **kwargs)

    @own_arguments
    def checkConfig(self, builderNames: Any, reason: Any = None, **kwargs: Any) -> Any:
        """Say what is wrong with the arguments."""
        return super().checkConfig(builderNames, **kwargs)

    @own_arguments
    def reconfigService(self, builderNames: Any, reason: Any = None, **kwargs: Any) -> Any:
        """Take the arguments."""
        self.reason = reason
        super().reconfigService(builderNames, **kwargs)
        return settled(None)

    def _settings(self) -> Any:
        return NotYet(kind="Triggerable")
