"""Who may do what at the web server."""

from __future__ import annotations

from buildbot.www.authz.authz import Authz, Forbidden, fnmatchStrMatcher, reStrMatcher

__all__ = ["Authz", "Forbidden", "fnmatchStrMatcher", "reStrMatcher"]
