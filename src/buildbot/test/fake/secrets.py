"""Secrets for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot.secrets.providers.base import SecretProviderBase

__all__ = ["FakeSecretStorage"]


class FakeSecretStorage(SecretProviderBase):
    """Gives the secrets of a dictionary."""

    name: Any = "SecretsInFake"

    def __init__(self, *, secretdict: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allsecrets = dict(secretdict or {})

    @own_arguments
    def reconfigService(self, secretdict: Mapping[str, str] | None = None, **_: Any) -> Any:
        """Take over the secrets."""
        if secretdict is not None:
            self.allsecrets = dict(secretdict)
        return super().reconfigService()

    def get(self, entry: str) -> Any:
        """Return a secret, None if there is none."""
        return self.allsecrets.get(entry)
