"""Getting the sources of changes that GitHub reports."""

from __future__ import annotations

from typing import Any

from buildbot.steps.source.git import Git

__all__ = ["GitHub"]


class GitHub(Git):
    """As Git; of a pull request it gets the newest merge, which has no lasting revision."""

    def run_vc(self, branch: Any, revision: Any, patch: Any) -> Any:
        """Ignore the revision where the branch is a merge that GitHub made."""
        if branch and branch.endswith("/merge"):
            revision = None
        return super().run_vc(branch, revision, patch)
