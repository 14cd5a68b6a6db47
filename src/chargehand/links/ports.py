"""What links need of the rest."""

from __future__ import annotations

from typing import Protocol

from chargehand.links.session import WireSession


class Registry(Protocol):
    """Whoever keeps the sessions of workers. (Given by ``fleet``.)"""

    async def attach(self, session: WireSession) -> None:
        """The worker is connected; builds may use the session from now on."""

    def lost(self, session: WireSession) -> None:
        """The connection has ended just now: no more builds for it. `detach` follows."""

    async def detach(self, session: WireSession) -> None:
        """The connection has ended, and nothing is left of it."""
