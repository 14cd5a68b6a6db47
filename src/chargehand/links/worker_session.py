"""What every session knows of its worker."""

from __future__ import annotations

from chargehand.domain.session import SessionState
from chargehand.domain.worker import WorkerInfo


class WorkerSession:
    """The part of a session that all protocols share; *address* is where the worker connects from,
    for display."""

    def __init__(
        self, *, worker_name: str, info: WorkerInfo, address: str, state: SessionState
    ) -> None:
        self.address = address
        self._worker_name = worker_name
        self._info = info
        self._state = state
        self.why_lost = ""
        """Why it was lost, in words that name the worker."""

    @property
    def worker_name(self) -> str:
        """The worker's name."""
        return self._worker_name

    @property
    def info(self) -> WorkerInfo:
        """The information that the worker sent."""
        return self._info

    @property
    def state(self) -> SessionState:
        """The session's state."""
        return self._state
