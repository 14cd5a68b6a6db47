"""Where the clock for tests was before version 4."""

from buildbot.test.reactor import TestReactorMixin

__all__ = ["TestReactorMixin"]
