"""What a worker hears when the master closes its connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from chargehand_wire.websocket_frames import GOING_AWAY, NORMAL, SHUT_DOWN

_LONGEST_REASON = 120
"""Bytes of a reason that fit into the frame that closes a websocket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Farewell:
    """A reason, in words, and the websocket's code for it."""

    code: int
    reason: str

    @property
    def encoded(self) -> bytes:
        """As much of the reason as fits into the frame that closes a websocket."""
        return self.reason.encode()[:_LONGEST_REASON].decode(errors="ignore").encode()


CONFIGURED = Farewell(
    code=GOING_AWAY, reason="the master's configuration of this worker has changed"
)
STOPPING = Farewell(code=GOING_AWAY, reason="the master is stopping")
ENDED = Farewell(code=SHUT_DOWN, reason="the master has shut this worker down")


def refusal(reason: str) -> Farewell:
    """Return what a worker hears that was let in, and is not wanted."""
    return Farewell(code=NORMAL, reason=reason)


class FarewellTransport(asyncio.Transport):
    """A connection whose end is explained to the worker."""

    def __init__(self) -> None:
        super().__init__()
        self.farewell = CONFIGURED
        """What the worker hears when it is closed."""
