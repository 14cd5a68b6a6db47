"""Scenarios in virtual time: a whole master, its workers and its visitors in one loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chargehand.plugins.root import activate
from chargehand.testing.world import VirtualTimeLoop

activate()


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], VirtualTimeLoop]]:
    """Run the tests of this directory in virtual time."""
    return {"virtual time": VirtualTimeLoop}
