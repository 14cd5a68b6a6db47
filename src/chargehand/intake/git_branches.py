"""Selects the branches and tags that a poller watches, and finds missing ones."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Mapping, Sequence

from chargehand.config.model import Hook
from chargehand.intake.git_command import GitFailed
from chargehand.intake.git_output import RemoteHeads
from chargehand.intake.git_settings import Branches, Watched
from chargehand.kit.guard import guarded

_log = logging.getLogger(__name__)

BRANCH = "refs/heads/"
TAG = "refs/tags/"
_SHOWN = 10


def list_arguments(url: str, branches: Branches) -> tuple[str, ...]:
    """Return the arguments that make ``git ls-remote`` list all candidates."""
    match branches:
        case Watched.DEFAULT_BRANCH:
            return ("--symref", "--", url, "HEAD")
        case Watched.ALL_BRANCHES:
            return ("--heads", "--", url)
        case Watched.TAGS:
            return ("--tags", "--", url)
        case tuple():
            return ("--", url, *map(full_name, branches))
        case _:
            return ("--", url)


async def watched(heads: RemoteHeads, branches: Branches) -> dict[str, str]:
    """Select refs of the repository, in the order in which to process them."""
    match branches:
        case Watched.DEFAULT_BRANCH:
            return _default(heads)
        case Watched():
            return dict(heads.commits)
        case tuple():
            names = map(full_name, branches)
            return {name: heads.commits[name] for name in names if name in heads.commits}
        case choose:
            offered = {n: head for n, head in heads.commits.items() if n.startswith("refs/")}
            return {name: head for name, head in offered.items() if await _chosen(choose, name)}


def full_name(branch: str) -> str:
    """Return the full name of a ref, which may be given as a branch's short name."""
    return branch if branch.startswith("refs/") else BRANCH + branch


def full_names(remembered: object) -> dict[str, str] | None:
    """Parse stored positions; Buildbot stored short names if branches were listed."""
    if not isinstance(remembered, Mapping):
        return None
    return {full_name(name): str(commit) for name, commit in remembered.items()}


def missing(branches: Branches, heads: Mapping[str, str]) -> frozenset[str]:
    """Return the configured names that match no branch."""
    if not isinstance(branches, tuple):
        return frozenset()
    return frozenset(name for name in branches if full_name(name) not in heads)


def unknown_branch(branch: str, offered: Sequence[str]) -> str:
    """Return the warning about a missing branch."""
    names = sorted(name.removeprefix(BRANCH) for name in offered if name.startswith(BRANCH))
    if not names:
        return f'no branch matches "{branch}"; the repository has no branches yet'
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    sentence = f'no branch matches "{branch}"; the repository has {shown}'
    near = difflib.get_close_matches(branch.removeprefix(BRANCH), names, 1)
    return f'{sentence}; did you mean "{near[0]}"?' if near else sentence


def unreadable_names(heads: RemoteHeads) -> Iterable[str]:
    """Return a warning for each ref whose name cannot be shown or stored."""
    for name in heads.unreadable:
        yield f'skipping ref "{name}": its name is not UTF-8'


async def _chosen(choose: Hook, name: str) -> bool:
    with guarded(_log, "the configured function for branches failed for %s; skipping it", name):
        return bool(await choose(name))
    return False


def _default(heads: RemoteHeads) -> dict[str, str]:
    if "HEAD" not in heads.commits:
        return {}
    if heads.default is None:
        raise GitFailed("the repository has no default branch: name one with branches=[…]")
    return {heads.default: heads.commits["HEAD"]}
