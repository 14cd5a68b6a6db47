"""Latent workers whose machines are made as a build asks for."""

from __future__ import annotations

from typing import Any

from buildbot._border.bridge import inward


class CompatibleLatentWorkerMixin:
    """Compares what a running machine was started with to what the next build asks for.

    Subclasses of it and of `AbstractLatentWorker` override `renderWorkerProps`, call
    `renderWorkerPropsOnStart` in ``start_instance`` and `resetWorkerPropsOnStop` in
    ``stop_instance``.
    """

    builds_may_be_incompatible = True
    _actual_build_props: Any = None

    def renderWorkerProps(self, build_props: Any) -> Any:
        """Return what a machine depends on, rendered for a build: its image, for example."""
        raise NotImplementedError(f"{type(self).__name__} has no method renderWorkerProps")

    async def renderWorkerPropsOnStart(self, build_props: Any) -> Any:
        """Render it for the build that the machine is started for, keep it, and return it."""
        self._actual_build_props = await inward(self.renderWorkerProps, build_props)
        return self._actual_build_props

    def resetWorkerPropsOnStop(self) -> None:
        """Forget what the machine was started with."""
        self._actual_build_props = None

    async def isCompatibleWithBuild(self, build_props: Any) -> bool:
        """Return whether a build asks for what the machine was started with."""
        if self._actual_build_props is None:
            return True
        wanted = await inward(self.renderWorkerProps, build_props)
        return bool(wanted == self._actual_build_props)
