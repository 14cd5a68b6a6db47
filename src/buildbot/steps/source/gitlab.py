"""Getting the sources of changes that GitLab reports."""

from __future__ import annotations

from typing import Any

from buildbot.steps.source.git import Git

__all__ = ["GitLab"]


class GitLab(Git):
    """As Git; of a merge request it gets the source branch from the source repository."""

    def run_vc(self, branch: Any, revision: Any, patch: Any) -> Any:
        """Take branch and repository from the properties that GitLab's hook sets."""
        if self.getProperty("target_branch") and self.getProperty("source_branch"):
            branch = self.getProperty("source_branch")
            self.repourl = self.getProperty("source_repository", self.repourl)
        return super().run_vc(branch, revision, patch)
