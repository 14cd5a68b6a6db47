"""Getting the sources of changes that Gerrit reports."""

from __future__ import annotations

import re
from typing import Any

from buildbot.steps.source.git import Git

__all__ = ["Gerrit"]

_CHANGE = re.compile(r"\d+/\d+")


class Gerrit(Git):
    """As Git; of a patch set it gets the change: that of the event, or the property
    ``gerrit_change`` (``NUMBER/PATCHSET``)."""

    def run_vc(self, branch: Any, revision: Any, patch: Any) -> Any:
        """Take the ref of the patch set for the branch."""
        ref = self._ref()
        if ref is not None:
            self.updateSourceProperty("gerrit_branch", ref)
            branch, revision = ref, None
        return super().run_vc(branch, revision, patch)

    def _ref(self) -> str | None:
        ref = self.getProperty("event.patchSet.ref")
        if ref:
            return str(ref)
        change = str(self.getProperty("gerrit_change") or "")
        if _CHANGE.fullmatch(change):
            number, patch_set = change.split("/")
            return f"refs/changes/{int(number) % 100:02}/{number}/{patch_set}"
        return None
