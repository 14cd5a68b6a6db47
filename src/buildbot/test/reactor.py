"""A clock that tests move on."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from buildbot._border.bridge import settled

__all__ = ["TestReactorMixin"]


class TestReactorMixin:
    """Gives a test ``self.reactor``: time stands still until ``self.reactor.advance(seconds)``."""

    def setup_test_reactor(self, *_: Any, **__: Any) -> None:
        """Make the clock."""
        self.reactor = Clock()

    def tear_down_test_reactor(self) -> Any:
        """Nothing is left to be done."""
        return settled(None)

    setUpTestReactor = setup_test_reactor
