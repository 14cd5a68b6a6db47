"""Addresses of revisions, from repository and revision."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from buildbot._border.comparison import ComparableMixin

Revlink = Callable[[str, str], str | None]


class RevlinkMatch(ComparableMixin):
    r"""Makes a link when a repository matches one of ``repo_urls`` (regular expressions).

    ``revlink`` is its template: ``%s`` is the revision, ``\1`` … the groups of the match.

    Args:
        repo_urls (str | list[str]): Regular expressions of repositories.
        revlink (str): Address of a revision, with `%s` and the expressions' groups (`\1`).
    """

    compare_attrs = ("repo_urls", "revlink")

    def __init__(self, repo_urls: str | Sequence[str], revlink: str) -> None:
        urls = [repo_urls] if isinstance(repo_urls, str) else list(repo_urls)
        self.repo_urls = [re.compile(url) for url in urls]
        self.revlink = revlink

    def __call__(self, rev: str, repo: str) -> str | None:
        """Return the link, None if the repository does not match."""
        for url in self.repo_urls:
            if match := url.match(repo):
                return match.expand(self.revlink) % rev
        return None


class RevlinkMultiplexer(ComparableMixin):
    """The first link that one of several makes."""

    compare_attrs = ("revlinks",)

    def __init__(self, *revlinks: Revlink) -> None:
        self.revlinks = revlinks

    def __call__(self, rev: str, repo: str) -> str | None:
        """Return the link, None if none makes one."""
        for revlink in self.revlinks:
            if link := revlink(rev, repo):
                return link
        return None


GithubRevlink = RevlinkMatch(
    [
        r"https://github\.com/([^/]*)/([^/]*?)(?:\.git)?$",
        r"git://github\.com/([^/]*)/([^/]*?)(?:\.git)?$",
        r"(?:ssh://)?git@github\.com[:/]([^/]*)/([^/]*?)(?:\.git)?$",
    ],
    r"https://github.com/\1/\2/commit/%s",
)
BitbucketRevlink = RevlinkMatch(
    [
        r"https://[^@]*@?bitbucket\.org/([^/]*)/([^/]*?)(?:\.git)?$",
        r"(?:ssh://)?git@bitbucket\.org[:/]([^/]*)/([^/]*?)(?:\.git)?$",
    ],
    r"https://bitbucket.org/\1/\2/commits/%s",
)
SourceforgeGitRevlink = RevlinkMatch(
    [
        r"git://([^.]*)\.git\.sourceforge\.net/gitroot/(.*)$",
        r"[^@]*@([^.]*)\.git\.sourceforge\.net:gitroot/(.*)$",
        r"ssh://(?:[^@]*@)?([^.]*)\.git\.sourceforge\.net/gitroot/(.*)$",
    ],
    r"http://\1.git.sourceforge.net/git/gitweb.cgi?p=\2;a=commit;h=%s",
)

default_revlink_matcher = RevlinkMultiplexer(GithubRevlink, BitbucketRevlink, SourceforgeGitRevlink)
