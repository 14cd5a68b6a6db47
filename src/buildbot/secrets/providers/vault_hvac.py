"""Secrets in HashiCorp Vault's key-value store."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import outgoing, settled
from buildbot._border.errors import error
from buildbot.secrets.providers.base import SecretProviderBase
from buildbot.secrets.providers.vault_access import (
    VaultAccess,
    VaultAuthenticator,
    VaultAuthenticatorApprole,
    VaultAuthenticatorToken,
    VaultError,
)

__all__ = [
    "HashiCorpVaultKvSecretProvider",
    "VaultAuthenticator",
    "VaultAuthenticatorApprole",
    "VaultAuthenticatorToken",
    "VaultError",
]


class HashiCorpVaultKvSecretProvider(SecretProviderBase):
    """A secret's name is ``path|key``; the delimiter may be escaped in either.

    Args:
        vault_server (str): Address of the server.
        authenticator (Any, required): How to log in: secrets.VaultAuthenticatorToken or
            VaultAuthenticatorApprole.
        secrets_mount (str | None): Where the secrets are mounted.
        api_version (int): Version of the key-value engine: 1 or 2.
        path_delimiter (str): Character between path and key in the name of a secret.
        path_escape (str): Character that takes the special meaning from the next one.
    """

    name = "HashiCorpVaultKvSecretProvider"

    def checkConfig(
        self,
        vault_server: str = "http://localhost:8200",
        authenticator: Any = None,
        secrets_mount: str | None = "secret",
        api_version: int = 2,
        path_delimiter: str = "|",
        path_escape: str = "\\",
    ) -> None:
        """Check the arguments."""
        if not isinstance(vault_server, str):
            error(f"vault_server must be a string while it is {type(vault_server)}")
        self._server = str(vault_server).rstrip("/")
        if not isinstance(path_delimiter, str) or len(path_delimiter) != 1:
            error("path_delimiter must be a single character")
        if not isinstance(path_escape, str) or len(path_escape) != 1:
            error("path_escape must be a single character")
        if not isinstance(authenticator, VaultAuthenticator):
            error("authenticator must be instance of VaultAuthenticator")
        if api_version not in (1, 2):
            error("api_version must be 1 or 2")

    @own_arguments
    def reconfigService(
        self,
        vault_server: str = "http://localhost:8200",
        authenticator: Any = None,
        secrets_mount: str | None = "secret",
        api_version: int = 2,
        path_delimiter: str = "|",
        path_escape: str = "\\",
    ) -> Any:
        """Take over the arguments."""
        self._server = vault_server.rstrip("/")
        self._access = VaultAccess(self._server, authenticator)
        self._mount = secrets_mount or "secret"
        self._is_versioned = api_version == 2
        escape, delimiter = re.escape(path_escape), re.escape(path_delimiter)
        self._delimiter = re.compile(rf"(?<!{escape}){delimiter}")
        self._escaped = re.compile(rf"{escape}({delimiter}|{escape})")
        return settled(None)

    def weaknesses(self) -> list[tuple[str, str, str]]:
        """Return what others can misuse: grade, what, and what to do."""
        address = urlsplit(self._server)
        if address.scheme == "https" or address.hostname in ("localhost", "127.0.0.1", "::1"):
            return []
        what = f"secrets from {self._server} cross the network in clear text"
        return [("weak", what, "give vault_server an address that begins with https://")]

    @outgoing
    async def get(self, entry: str) -> str | None:
        """Return the value of ``path|key``, None if there is none. Raises KeyError for a name
        without a delimiter, VaultError when Vault cannot be asked or refuses."""
        parts = [self._escaped.sub(r"\1", part) for part in self._delimiter.split(entry)]
        if len(parts) != 2:
            raise KeyError(f"the name of a Vault secret is path and key with a delimiter: {entry}")
        path, key = parts
        data = await self._read(path)
        value = data.get(key) if data is not None else None
        return None if value is None else str(value)

    async def _read(self, path: str) -> dict[str, Any] | None:
        middle = "/data" if self._is_versioned else ""
        if any(part in (".", "..") for part in path.split("/")):
            raise KeyError(f"the path of a Vault secret has no '.' or '..': {path}")
        answer = await self._access.get(f"{self._mount}{middle}/{quote(path)}")
        if answer is None:
            return None
        data: dict[str, Any] | None = answer["data"]
        return data["data"] if self._is_versioned and data is not None else data
