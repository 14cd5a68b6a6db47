"""What links need of the rest."""

from __future__ import annotations

from typing import Protocol

from chargehand.links.session import WireSession


class Registry(Protocol):
    """Whoever keeps the sessions of workers. (Given by ``fleet``.)"""

    async def attach(self, session: WireSession) -> None:
        """The worker is connected; builds may use the session from now on."""

    async def detach(self, session: WireSession) -> None:
        """The connection has ended."""
