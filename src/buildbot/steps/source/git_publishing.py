"""Changing a repository: commits, tags, and pushing them."""

from __future__ import annotations

from typing import Any

from buildbot._border.bridge import inward, outgoing
from buildbot._border.errors import error
from buildbot._border.numbers import SECONDS_OR_NONE, check_number
from buildbot.process.buildstep import BuildStep
from buildbot.process.results import CANCELLED, FAILURE, SUCCESS
from buildbot.process.step_arguments import check_environment
from buildbot.steps.worker import CompositeStepMixin
from buildbot.util.git import RC_SUCCESS, GitStepMixin

_EMPTY_COMMITS = ("disallow", "create-empty-commit", "ignore")


class _GitPublishing(GitStepMixin, CompositeStepMixin, BuildStep):
    """What the steps have in common that change a repository.

    Args:
        timeout (float | None, seconds, renderable): Kill a command that writes nothing for so long.
        logEnviron (bool, renderable): Whether the log's header shows the environment.
        env (dict[str, str | list[str] | None] | None, renderable): Environment variables of the
            commands.
        config (dict[str, str] | None, renderable): Settings of git for its commands (`-c`).
    """

    flunkOnFailure = True
    renderables = ["env", "timeout", "logEnviron", "config"]
    config = None

    def __init__(
        self,
        workdir: Any = None,
        timeout: Any = 20 * 60,
        logEnviron: Any = True,
        env: Any = None,
        config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(workdir=workdir, **kwargs)
        check_number(type(self).__name__, "timeout", timeout, SECONDS_OR_NONE)
        self.timeout = timeout
        self.logEnviron = logEnviron
        check_environment(env, type(self).__name__, "env")
        self.env = env
        self.config = config
        self.failure: str | None = None
        self.stdio_log: Any = None

    def getResultSummary(self) -> Any:
        """Return what could not be done, and why, where that is known."""
        if self.failure and self.results not in (SUCCESS, CANCELLED):
            return {"step": self.failure}
        return super().getResultSummary()

    @outgoing
    async def run(self) -> int:
        """Do it, and say whether that worked."""
        self.stdio_log = await self.addLog("stdio")
        async with self._access():
            result: int = await inward(self.publish)
            return result

    @outgoing
    async def publish(self) -> int:
        """Run git."""
        raise NotImplementedError


class GitCommit(_GitPublishing):
    """Commit changed files to the branch that is checked out.

    Args:
        paths (list[str], required, renderable): Files to add to the commit.
        messages (list[str], required, renderable): Paragraphs of the commit's message.
        emptyCommits (str): What to do when nothing changed: "disallow" fails,
            "create-empty-commit", or "ignore".
        no_verify (bool): Do not run the repository's hooks.
    """

    name = "gitcommit"
    renderables = ["paths", "messages"]

    def __init__(
        self,
        workdir: Any = None,
        paths: Any = None,
        messages: Any = None,
        env: Any = None,
        timeout: Any = 20 * 60,
        logEnviron: Any = True,
        emptyCommits: str = "disallow",
        config: Any = None,
        no_verify: bool = False,
        **kwargs: Any,
    ) -> None:
        self.repourl = " "
        super().__init__(workdir, timeout, logEnviron, env, config, **kwargs)
        self.setupGitStep()
        self.paths = paths
        self.messages = messages
        self.emptyCommits = emptyCommits
        self.no_verify = no_verify
        if not messages:
            error("GitCommit: must provide messages.")
        if not paths:
            error("GitCommit: must provide paths.")
        if emptyCommits not in _EMPTY_COMMITS:
            error(f"GitCommit: emptyCommits must be one of {', '.join(_EMPTY_COMMITS)}")

    @outgoing
    async def publish(self) -> int:
        """Add the paths and commit."""
        head = await self._dovccmd(["symbolic-ref", "HEAD"], abandonOnFailure=False)
        if head != RC_SUCCESS:
            await self.stdio_log.addStderr("No head found: commit is possible on a branch only\n")
            return FAILURE
        await self._dovccmd(["add", "--", *self.paths])
        if self.emptyCommits == "ignore":
            staged = ["diff", "--cached", "--quiet"]
            if await self._dovccmd(staged, abandonOnFailure=False) == RC_SUCCESS:
                return SUCCESS
        options = ["--allow-empty"] if self.emptyCommits == "create-empty-commit" else []
        options += ["--no-verify"] if self.no_verify else []
        words = [word for message in self.messages for word in ("-m", message)]
        await self._dovccmd(["commit", *options, *words])
        return SUCCESS


class GitTag(_GitPublishing):
    """Tag what is checked out.

    Args:
        tagName (str, required, renderable): Name of the tag.
        annotated (bool): Create an annotated tag; needs messages.
        messages (list[str] | None, renderable): Paragraphs of the tag's message.
        force (bool): Move the tag if it exists.
    """

    name = "gittag"
    renderables = ["tagName", "messages"]

    def __init__(
        self,
        workdir: Any = None,
        tagName: Any = None,
        annotated: bool = False,
        messages: Any = None,
        force: bool = False,
        env: Any = None,
        timeout: Any = 20 * 60,
        logEnviron: Any = True,
        config: Any = None,
        **kwargs: Any,
    ) -> None:
        self.repourl = " "
        super().__init__(workdir, timeout, logEnviron, env, config, **kwargs)
        self.setupGitStep()
        self.tagName = tagName
        self.annotated = annotated
        self.messages = messages
        self.force = force
        if not tagName:
            error("GitTag: must provide tagName.")
        if annotated and not messages:
            error("GitTag: must provide messages in case of annotated tag.")
        if not annotated and messages:
            error("GitTag: messages are required only in case of annotated tag.")

    @outgoing
    async def publish(self) -> int:
        """Make the tag."""
        words = ["-a"] if self.annotated else []
        words += [word for message in self.messages or () for word in ("-m", message)]
        words += ["--force"] if self.force else []
        await self._dovccmd(["tag", *words, self.tagName])
        return SUCCESS


class GitPush(_GitPublishing):
    """Push a branch to a repository.

    Args:
        repourl (str, required, renderable): Address to push to.
        branch (str, required, renderable): Name of the branch to push.
        force (bool): Overwrite the branch if it has other commits.
        sshPrivateKey (str | None, renderable): Private key for the repository, usually a
            util.Secret.
        sshHostKey (str | None, renderable): Public key of the repository's host.
        sshKnownHosts (str | None, renderable): Content of a known_hosts file, instead of
            sshHostKey.
        auth_credentials (tuple[str, str] | None): (user, password) for the repository.
        git_credentials (Any): Credentials as util.GitCredentialOptions.
    """

    name = "gitpush"
    renderables = ["repourl", "branch", "sshPrivateKey", "sshHostKey", "sshKnownHosts"]

    def __init__(
        self,
        workdir: Any = None,
        repourl: Any = None,
        branch: Any = None,
        force: bool = False,
        env: Any = None,
        timeout: Any = 20 * 60,
        logEnviron: Any = True,
        sshPrivateKey: Any = None,
        sshHostKey: Any = None,
        sshKnownHosts: Any = None,
        auth_credentials: tuple[Any, Any] | None = None,
        git_credentials: Any = None,
        config: Any = None,
        **kwargs: Any,
    ) -> None:
        self.repourl = repourl
        super().__init__(workdir, timeout, logEnviron, env, config, **kwargs)
        self.setupGitStep(
            sshPrivateKey, sshHostKey, sshKnownHosts, auth_credentials, git_credentials
        )
        self.branch = branch
        self.force = force
        if not branch:
            error("GitPush: must provide branch.")

    @outgoing
    async def publish(self) -> int:
        """Push the branch."""
        force = ["--force"] if self.force else []
        await self._dovccmd(["push", self.repourl, self.branch, *force])
        return SUCCESS
