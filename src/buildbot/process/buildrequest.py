"""Build requests, as users' functions see them."""

from buildbot._host.views import BuildRequest

__all__ = ["BuildRequest"]
