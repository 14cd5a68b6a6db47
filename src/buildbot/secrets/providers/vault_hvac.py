"""Secrets in HashiCorp Vault's key-value store."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import outgoing, settled
from buildbot._border.comparison import ComparableMixin
from buildbot._border.errors import error
from buildbot.secrets.providers.base import SecretProviderBase

_TIMEOUT = aiohttp.ClientTimeout(total=30)


class VaultAuthenticator(ComparableMixin):
    """How to become somebody whom Vault trusts."""

    async def token(self, session: aiohttp.ClientSession, server: str) -> str:
        """Return a token to ask with."""
        raise NotImplementedError(f"{type(self).__name__} has no method token")


class VaultAuthenticatorToken(VaultAuthenticator):
    """With a token that is there already.

    Args:
        token (str): Token with which to log in to Vault.
    """

    compare_attrs = ("_token",)

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self, session: aiohttp.ClientSession, server: str) -> str:
        """Return the token."""
        return self._token


class VaultAuthenticatorApprole(VaultAuthenticator):
    """By AppRole: with the identifiers of a role and of a secret.

    Args:
        roleId (str): Identifier of the AppRole (role_id).
        secretId (str): Secret of the AppRole (secret_id).
    """

    compare_attrs = ("_role_id", "_secret_id")

    def __init__(self, roleId: str, secretId: str) -> None:
        self._role_id = roleId
        self._secret_id = secretId

    async def token(self, session: aiohttp.ClientSession, server: str) -> str:
        """Log in."""
        body = {"role_id": self._role_id, "secret_id": self._secret_id}
        async with session.post(f"{server}/v1/auth/approle/login", json=body) as response:
            response.raise_for_status()
            answer = await response.json()
        return str(answer["auth"]["client_token"])


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
        self._authenticator = authenticator
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
        without a delimiter, aiohttp.ClientError when Vault's response is not valid."""
        parts = [self._escaped.sub(r"\1", part) for part in self._delimiter.split(entry)]
        if len(parts) != 2:
            raise KeyError(f"the name of a Vault secret is path and key with a delimiter: {entry}")
        path, key = parts
        data = await self._read(path)
        value = data.get(key) if data is not None else None
        return None if value is None else str(value)

    async def _read(self, path: str) -> dict[str, Any] | None:
        middle = "/data" if self._is_versioned else ""
        url = f"{self._server}/v1/{self._mount}{middle}/{quote(path)}"
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            token = await self._authenticator.token(session, self._server)
            async with session.get(url, headers={"X-Vault-Token": token}) as response:
                if response.status == 404:
                    return None
                response.raise_for_status()
                answer = await response.json()
        data: dict[str, Any] = answer["data"]["data"] if self._is_versioned else answer["data"]
        return data
