"""The quarantine of a worker, which users' ``canStartBuild`` can impose for a while."""

from __future__ import annotations

from buildbot._host.ports import Workers

INITIAL_SECONDS = 10.0
LONGEST_SECONDS = 3600.0


class Quarantine:
    """How long the next quarantine of a worker lasts: each is twice as long as the one before."""

    def __init__(self) -> None:
        self.seconds = INITIAL_SECONDS

    def begin(self, workers: Workers, name: str) -> None:
        """Give the worker no builds for ``seconds``."""
        workers.rest(name, self.seconds)
        self.seconds = min(self.seconds * 2, LONGEST_SECONDS)

    def reset(self) -> None:
        """Let the next one be a short one."""
        self.seconds = INITIAL_SECONDS
