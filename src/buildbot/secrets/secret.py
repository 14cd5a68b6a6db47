"""Secrets, as providers find them and users' code gets them."""

from __future__ import annotations

import msgspec


class SecretDetails(msgspec.Struct, frozen=True):
    """A secret: its value, its name, and the provider that had it."""

    provider: str
    key: str
    value: str

    def __repr__(self) -> str:
        return f"SecretDetails({self.provider!r}, {self.key!r}, <hidden>)"
