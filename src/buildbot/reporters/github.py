"""Statuses and comments at GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from buildbot.process.results import CANCELLED, EXCEPTION, FAILURE, RETRY
from buildbot.reporters.commit_status import Commit
from buildbot.reporters.commit_status_push import CommitStatusPush
from buildbot.reporters.generators.build import BuildStatusGenerator
from buildbot.reporters.message import MessageFormatterRenderable

__all__ = ["HOSTED_BASE_URL", "GitHubCommentPush", "GitHubStatusPush"]

HOSTED_BASE_URL = "https://api.github.com"

_LONGEST_DESCRIPTION = 140


class GitHubStatusPush(CommitStatusPush):
    """Sets the status of each built commit: ``pending`` when the build begins, then what came of
    it. ``token`` may be a secret, ``context`` a renderable.

    Subclasses may override `createStatus`; ``self._http.post(path, json=…)`` reaches the API.
    """

    name: Any = "GitHubStatusPush"
    hosted_url: ClassVar[str] = HOSTED_BASE_URL
    states: ClassVar[Mapping[int | None, str]] = {
        None: "pending",
        FAILURE: "failure",
        EXCEPTION: "error",
        RETRY: "pending",
        CANCELLED: "error",
    }

    def createStatus(
        self,
        repo_user: str,
        repo_name: str,
        sha: str,
        state: str,
        props: Any = None,
        context: str | None = None,
        issue: str | None = None,
        target_url: str | None = None,
        description: str | None = None,
    ) -> Any:
        """Set the status of a commit."""
        payload = {"state": state}
        optional = {"target_url": target_url, "context": context}
        payload.update({name: value for name, value in optional.items() if value is not None})
        if description is not None:
            payload["description"] = description[:_LONGEST_DESCRIPTION]
        self.push(
            f'the status "{state}" of {repo_user}/{repo_name} {sha}',
            f"{self.base_url}/repos/{repo_user}/{repo_name}/statuses/{sha}",
            payload,
        )

    def _headers_of(self, token: str) -> dict[str, str]:
        return {"Authorization": f"token {token}", "User-Agent": "Buildbot"}

    def _status_of(self, commit: Commit, state: str, told: Mapping[str, Any]) -> Any:
        return self.createStatus(
            repo_user=commit.owner,
            repo_name=commit.repository,
            sha=commit.revision,
            state=state,
            issue=commit.pull_request,
            **told,
        )


class GitHubCommentPush(GitHubStatusPush):
    """Comments on the pull request of each build that has one."""

    name: Any = "GitHubCommentPush"

    def _create_default_generators(self) -> list[Any]:
        formatter = MessageFormatterRenderable("Build done.")
        return [BuildStatusGenerator(mode="all", message_formatter=formatter)]

    def createStatus(
        self,
        repo_user: str,
        repo_name: str,
        sha: str,
        state: str,
        props: Any = None,
        context: str | None = None,
        issue: str | None = None,
        target_url: str | None = None,
        description: str | None = None,
    ) -> Any:
        """Comment on a pull request, if there is one and something to say."""
        if issue is None or not description:
            return
        self.push(
            f"a comment on {repo_user}/{repo_name} #{issue}",
            f"{self.base_url}/repos/{repo_user}/{repo_name}/issues/{issue}/comments",
            {"body": description},
        )
