"""For tests of steps that get sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot.test.steps import TestBuildStepMixin
from chargehand.domain.source_stamp import Patch, SourceStamp

__all__ = ["SourceStepMixin"]


class SourceStepMixin(TestBuildStepMixin):
    """`TestBuildStepMixin` whose build has a source stamp that the test names."""

    def setUpSourceStep(self) -> Any:
        """Reset everything; call it in ``setUp``."""
        return self.setup_test_build_step()

    def tearDownSourceStep(self) -> Any:
        """Nothing is left to be done."""
        return self.tear_down_test_build_step()

    setup_source_step = setUpSourceStep
    tear_down_source_step = tearDownSourceStep

    @own_arguments
    def setup_step(
        self, step: Any, args: Mapping[str, Any] | None = None, patch: Any = None, **kwargs: Any
    ) -> Any:
        """Add a step; ``args`` has branch, revision, codebase … of the source stamp.

        *patch* is ``(level, text)`` or ``(level, text, directory)``.
        """
        made = super().setup_step(step, **kwargs)
        stamp = {"codebase": made.codebase, **(args or {})}
        if patch is not None:
            stamp["patch"] = _patch(*patch)
        self._stamps = [SourceStamp(**{k: v for k, v in stamp.items() if v is not None})]
        return made

    setupStep = setup_step


def _patch(level: int, body: str | bytes, subdir: str = "", *_: Any) -> Patch:
    text = body.encode() if isinstance(body, str) else body
    return Patch(level=level, body=text, subdir=subdir or "", id=1)
