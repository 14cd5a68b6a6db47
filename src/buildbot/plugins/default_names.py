"""What accepted change sources and reporters are called that are given no name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TEMPLATES: dict[str, tuple[str, dict[str, Any]]] = {
    "BitbucketPullrequestPoller": ("{owner}/{slug}", {}),
    "BzrLaunchpadEmailMaildirSource": ("Launchpad", {}),
    "CVSMaildirSource": ("CVSMaildirSource", {}),
    "GerritChangeSource": (
        "GerritChangeSource:{username}@{gerritserver}:{gerritport}",
        {"gerritport": 29418},
    ),
    "GerritEventLogPoller": ("GerritEventLogPoller:{baseURL}", {}),
    "GitHubPullrequestPoller": ("GitHubPullrequestPoller:{owner}/{repo}", {}),
    "P4Source": ("P4Source:{p4port}:{p4base}", {"p4port": None, "p4base": "//"}),
    "SVNCommitEmailMaildirSource": ("SVN commit-email.pl", {}),
}

GENERATORS = {
    "PushjetNotifier": "BuildStatusGeneratorfailing_passing_warnings",
    "PushoverNotifier": "BuildStatusGeneratorfailing_passing_warnings",
}
"""The names of the generators that reporters have by themselves."""


def default_name(kind: str, arguments: Mapping[str, Any]) -> str | None:
    """Return what a change source of this kind is called; None where only its address tells."""
    if kind == "HgPoller":
        branches = arguments.get("branches") or arguments.get("bookmarks")
        followed = branches or [arguments.get("branch")]
        return "_".join(str(part) for part in (arguments.get("repourl"), *followed) if part)
    if kind not in _TEMPLATES:
        return None
    template, usual = _TEMPLATES[kind]
    return template.format_map(_Texts({**usual, **arguments}))


class _Texts(dict[str, Any]):
    """What is missing has been complained of."""

    def __missing__(self, key: str) -> str:
        return "None"
