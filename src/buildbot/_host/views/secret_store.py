"""The secrets of the configuration: asked of its providers, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from buildbot._border.bridge import answered, outward
from buildbot._host.views.engine_access import EngineAccess
from buildbot.secrets.secret import SecretDetails


class SecretStore:
    """``master.namedServices["secrets"]``. A provider is started when it is first asked."""

    name = "secrets"

    def __init__(self, access: EngineAccess | None = None) -> None:
        self._access = access
        self._providers: Sequence[Any] = ()
        self._started: list[Any] = []
        self._starting = asyncio.Lock()

    @property
    def services(self) -> list[Any]:
        """The providers."""
        return list(self._providers)

    def use(self, providers: Sequence[Any]) -> None:
        """Use these providers from now on, without cached secrets."""
        self._providers = providers
        self._started = []

    def get(self, secret: str, *args: Any, **kwargs: Any) -> Any:
        """Return a Deferred of SecretDetails, of None if no provider knows the secret."""
        return outward(self.find(secret))

    async def find(self, secret: str) -> SecretDetails | None:
        """Return the secret, None if no provider knows it."""
        for provider in self._providers:
            await self._start(provider)
            value = await answered(f"get of {type(provider).__name__}", provider.get, secret)
            if value is not None:
                if self._access is not None:
                    self._access.hide(str(value), secret)
                return SecretDetails(type(provider).__name__, secret, str(value))
        return None

    async def _start(self, provider: Any) -> None:
        if any(started is provider for started in self._started):
            return
        async with self._starting:
            if any(started is provider for started in self._started):
                return
            for prepare in ("configureService", "startService"):
                function = getattr(provider, prepare, None)
                if function is not None:
                    await answered(f"{prepare} of {type(provider).__name__}", function)
            self._started.append(provider)
