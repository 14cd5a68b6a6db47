"""What all providers of secrets have in common."""

from __future__ import annotations

from typing import Any

from buildbot.util.service import BuildbotService


class SecretProviderBase(BuildbotService):
    """Gives secrets by name. Subclasses override `get`, and `reconfigService` to prepare."""

    name: Any = "secrets"

    def get(self, entry: str) -> Any:
        """Return the value of a secret, or None; or a Deferred or a coroutine of that."""
        raise NotImplementedError(f"{type(self).__name__} has no method get")
