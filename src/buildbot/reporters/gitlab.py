"""Statuses of commits at GitLab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from buildbot.process.results import CANCELLED, EXCEPTION, FAILURE, RETRY
from buildbot.reporters.commit_status import Commit
from buildbot.reporters.commit_status_push import CommitStatusPush

__all__ = ["HOSTED_BASE_URL", "GitLabStatusPush"]

HOSTED_BASE_URL = "https://gitlab.com"


class GitLabStatusPush(CommitStatusPush):
    """Sets the status of each built commit: ``running`` when the build begins, then what came of
    it. ``token`` may be a secret, ``context`` a renderable."""

    name: Any = "GitLabStatusPush"
    hosted_url: ClassVar[str] = HOSTED_BASE_URL
    states: ClassVar[Mapping[int | None, str]] = {
        None: "running",
        FAILURE: "failed",
        EXCEPTION: "failed",
        RETRY: "pending",
        CANCELLED: "canceled",
    }

    def createStatus(
        self,
        project_id: str,
        branch: str | None,
        sha: str,
        state: str,
        target_url: str | None = None,
        description: str | None = None,
        context: str | None = None,
    ) -> Any:
        """Set the status of a commit; the project is a number, or owner and name."""
        payload = {"state": state, "name": context}
        optional = {"target_url": target_url, "ref": branch, "description": description}
        payload.update({name: value for name, value in optional.items() if value is not None})
        project = quote(project_id, safe="")
        self.push(
            f'the status "{state}" of {project_id} {sha}',
            f"{self.base_url}/api/v4/projects/{project}/statuses/{sha}",
            payload,
        )

    def _headers_of(self, token: str) -> dict[str, str]:
        return {"PRIVATE-TOKEN": token}

    def _status_of(self, commit: Commit, state: str, told: Mapping[str, Any]) -> Any:
        return self.createStatus(
            project_id=f"{commit.owner}/{commit.repository}",
            branch=commit.branch,
            sha=commit.revision,
            state=state,
            target_url=told["target_url"],
            description=told["description"],
            context=told["context"],
        )
