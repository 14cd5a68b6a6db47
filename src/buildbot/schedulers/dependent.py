"""Building after something else succeeded."""

from __future__ import annotations

from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import settled
from buildbot.config import error
from buildbot.schedulers.base import BaseScheduler, ReconfigurableBaseScheduler
from chargehand.scheduling import dependent


class Dependent(ReconfigurableBaseScheduler):
    """Builds the source stamps of an upstream scheduler's buildset, once all of its builds have
    ended with SUCCESS or WARNINGS. ``upstream`` is the scheduler itself, not its name.

    Args:
        upstream (Any): The scheduler whose successful buildsets start builds.
    """

    compare_attrs = ("upstream_name",)
    upstream_name: Any = None

    def __init__(self, name: Any, upstream: Any, builderNames: Any, **kwargs: Any) -> None:
        super().__init__(upstream, builderNames, name=name, **kwargs)

    @own_arguments
    def checkConfig(self, upstream: Any, builderNames: Any, **kwargs: Any) -> Any:
        """Say what is wrong with the arguments."""
        if not isinstance(upstream, BaseScheduler):
            error(
                f"{self._what}: upstream must be another scheduler, not {upstream!r}; "
                "pass the object, not its name"
            )
        return super().checkConfig(builderNames, **kwargs)

    @own_arguments
    def reconfigService(self, upstream: Any, builderNames: Any, **kwargs: Any) -> Any:
        """Take the arguments."""
        self.upstream_name = getattr(upstream, "name", None)
        super().reconfigService(builderNames, **kwargs)
        return settled(None)

    def _settings(self) -> Any:
        self._waits_for = f"passed builds of {self.upstream_name}"
        return dependent.Settings(common=self._common(), upstream=str(self.upstream_name))
