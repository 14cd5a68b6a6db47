"""Finding a commit in a clone and in its repository, and checking it out on its branch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from buildbot._border.bridge import outgoing
from buildbot.util.git import RC_SUCCESS, GitStepMixin
from buildbot.util.git_failures import (
    CloneDamaged,
    branch_in_the_way,
    is_absent,
    without_password,
)

_HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_PART_OF_HASH = re.compile("[0-9a-f]{4,63}")
_BRANCH = "refs/heads/"
_WHOLE_HISTORY = 2**31 - 1
"""The depth that git takes for no limit."""


class GitRevisions(GitStepMixin):
    """For a step with ``branch`` (or HEAD) and ``revision``: a hash, also a short one, or a tag."""

    branch: Any
    revision: Any
    origin: Any
    prog: bool
    retryFetch: bool
    shallow: Any
    tags: Any
    _is_no_branch = False
    """Whether what ``branch`` names has turned out to be something else, a tag for example."""

    @outgoing
    async def _fetch(self: Any, shallowClone: Any, abandonOnFailure: bool = True) -> int:
        """Fetch what is not there, and check it out; a Deferred of the exit code."""
        target = await self._locate(shallowClone, abandonOnFailure)
        if target is None:
            return 1
        return int(await self._check_out(target, abandonOnFailure))

    async def _locate(self: Any, shallow: Any, abandon: bool) -> str | None:
        """Return by which name git knows the commit, fetched where needed; None: it does not."""
        revision = self.revision
        if not revision:
            return "FETCH_HEAD" if await self._fetch_branch(shallow, abandon) else None
        found: str | None
        if not _HASH.fullmatch(revision):
            found = await self._locate_named(revision, shallow, abandon)
            return found
        if not self.tags and await self._has(revision):
            return str(revision)
        # The branch may be gone, or rewritten: what counts is the revision.
        fetched = await self._fetch_branch(shallow, abandon=False, or_tag=False)
        if fetched and await self._has(revision):
            return str(revision)
        found = await self._fetch_revision(revision, shallow, abandon)
        return found

    async def _locate_named(self: Any, name: str, shallow: Any, abandon: bool) -> str | None:
        """Find a tag, a short hash, or what else git takes for a revision.

        The clone's own branch of that name may be outdated and is ignored.
        """
        tag = f"refs/tags/{name}"
        if await self._fetch_refs(shallow, f"+{tag}:{tag}") == RC_SUCCESS:
            return tag
        is_name = not _PART_OF_HASH.fullmatch(name)
        if is_name and await self._fetch_refs(shallow, name) == RC_SUCCESS:
            return "FETCH_HEAD"
        await self._fetch_branch(shallow, abandon=False)
        if await self._has(name):
            return name
        found: str | None = await self._fetch_everything(name, abandon)
        return found

    async def _fetch_branch(self: Any, shallow: Any, abandon: bool, *, or_tag: bool = True) -> bool:
        """Fetch the branch, or whatever else has its name (a tag)."""
        branch = self.branch
        if branch == "HEAD" or branch.startswith("refs/"):
            names = [branch]
        else:
            names = [f"{_BRANCH}{branch}", branch] if or_tag else [f"{_BRANCH}{branch}"]
        for name in names:
            is_last = name == names[-1]
            if await self._fetch_refs(shallow, name, abandon=abandon and is_last) == RC_SUCCESS:
                self._is_no_branch = name == branch and not name.startswith(_BRANCH)
                return True
            if not is_absent(self.errors):
                if abandon:
                    await self._give_up()
                return False
        return False

    async def _fetch_revision(self: Any, revision: str, shallow: Any, abandon: bool) -> str | None:
        """Fetch a commit by its hash; from servers that refuse this, with all branches."""
        if await self._fetch_refs(shallow, revision) == RC_SUCCESS:
            return revision
        found: str | None = await self._fetch_everything(revision, abandon)
        return found

    async def _fetch_everything(self: Any, revision: str, abandon: bool) -> str | None:
        depth = _WHOLE_HISTORY if self.shallow else None
        branches = f"+{_BRANCH}*:refs/remotes/{self.origin or 'origin'}/*"
        options = ["--tags", "--prune"]  # a branch "a" that is gone must not be in the way of "a/b"
        code = await self._fetch_refs(depth, branches, options=options, abandon=abandon)
        if code == RC_SUCCESS and await self._has(revision):
            return revision
        if abandon:
            repository = without_password(str(self.repourl))
            await self._fail(f'{repository} has no revision "{revision}"')
        return None

    async def _fetch_refs(
        self: Any, shallow: Any, *refs: str, options: Sequence[str] = (), abandon: bool = False
    ) -> int:
        options = [*options, *self._fetch_options(shallow)]
        command = ["fetch", "-f", *options, self.repourl, *refs]
        if self.retryFetch:
            code = await self._dovccmd(command, abandonOnFailure=False)
            if code == RC_SUCCESS or is_absent(self.errors):
                if code != RC_SUCCESS and abandon:
                    await self._give_up()
                return int(code)
        return int(await self._dovccmd(command, abandon))

    async def _has(self: Any, revision: str) -> bool:
        command = ["cat-file", "-e", f"{revision}^{{commit}}"]
        code = await self._dovccmd(command, abandonOnFailure=False)
        return bool(code == RC_SUCCESS)

    async def _check_out(self: Any, target: str, abandon: bool = True) -> int:
        """Check a commit out, on its branch if that is known."""
        branch = self._branch_name()
        if branch is None:
            code = await self._dovccmd(["checkout", "-f", target], abandonOnFailure=False)
        else:
            code = await self._check_out_on(branch, target)
        if code != RC_SUCCESS and abandon:
            # The commit is there: it is the clone, or what lies about in it, that is in the way.
            await self._give_up(CloneDamaged)
        return int(code)

    async def _check_out_on(self: Any, branch: str, target: str) -> int:
        command = ["checkout", "-f", "-B", branch, target]
        code = await self._dovccmd(command, abandonOnFailure=False)
        while code != RC_SUCCESS and (other := branch_in_the_way(self.errors)):
            commands = (["checkout", "-f", "--detach", target], ["branch", "-D", other], command)
            for each in commands:
                code = await self._dovccmd(each, abandonOnFailure=False)
                if code != RC_SUCCESS and each is not command:
                    return int(code)
        return int(code)

    def _branch_name(self: Any) -> str | None:
        """Return the name of the branch to be on; None where it is not known."""
        branch = self.branch.removeprefix(_BRANCH)
        if branch == "HEAD" or branch.startswith("refs/") or self._is_no_branch:
            return None
        return str(branch)

    async def _find_default_branch(self: Any) -> None:
        """Learn by which name the repository knows its default branch."""
        command = ["ls-remote", "--symref", self.repourl, "HEAD"]
        output = await self._dovccmd(command, abandonOnFailure=False, collectStdout=True)
        found = re.search(rf"^ref: {_BRANCH}(\S+)\tHEAD$", str(output), re.MULTILINE)
        if found:
            self.branch = found[1]

    def _fetch_options(self: Any, shallow: Any) -> list[str]:
        tags = ["--tags"] if self.tags else []
        depth = ["--depth", str(int(shallow))] if shallow else []
        # Submodules are updated later, when it is known where they have moved to.
        return [*tags, *depth, "--no-recurse-submodules", *self._progress_option()]

    def _progress_option(self: Any) -> list[str]:
        return ["--progress"] if self.prog else []
