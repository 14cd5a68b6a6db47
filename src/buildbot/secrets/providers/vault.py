"""Secrets in HashiCorp Vault, as configurations for Buildbot before 3.0 ask for them."""

from __future__ import annotations

from typing import Any

from buildbot._border.arguments import own_arguments
from buildbot._border.bridge import outgoing
from buildbot._border.errors import error, warn
from buildbot.secrets.providers.vault_hvac import (
    HashiCorpVaultKvSecretProvider,
    VaultAuthenticatorToken,
)

_VALUE = "value"


class HashiCorpVaultSecretProvider(HashiCorpVaultKvSecretProvider):
    """A secret's name is its path; of what is stored there, the key ``value`` is the secret.
    Deprecated: use secrets.HashiCorpVaultKvSecretProvider.

    Args:
        vaultServer (str, required): Address of the server.
        vaultToken (str, required): Token with which to log in to Vault.
        secretsmount (str | None): Where the secrets are mounted; by default "secret".
        apiVersion (int): Version of the key-value engine: 1 or 2.
    """

    name = "SecretInVault"

    @own_arguments
    def checkConfig(
        self,
        vaultServer: Any = None,
        vaultToken: Any = None,
        secretsmount: str | None = None,
        apiVersion: int = 1,
    ) -> None:
        """Check the arguments."""
        warn(
            "HashiCorpVaultSecretProvider was removed from Buildbot; use secrets."
            "HashiCorpVaultKvSecretProvider(authenticator=secrets.VaultAuthenticatorToken(TOKEN), "
            f"vault_server=..., api_version={apiVersion!r}) and names like 'PATH|{_VALUE}'"
        )
        for argument, given in (("vaultServer", vaultServer), ("vaultToken", vaultToken)):
            if not isinstance(given, str) or not given:
                error(f"HashiCorpVaultSecretProvider: {argument} must be a string, not {given!r}")
        if apiVersion not in (1, 2):
            error(f"HashiCorpVaultSecretProvider: apiVersion must be 1 or 2, not {apiVersion!r}")
        super().checkConfig(
            vault_server=str(vaultServer),
            authenticator=VaultAuthenticatorToken(str(vaultToken)),
            secrets_mount=secretsmount,
            api_version=apiVersion if apiVersion in (1, 2) else 1,
        )

    @own_arguments
    def reconfigService(
        self,
        vaultServer: str,
        vaultToken: str,
        secretsmount: str | None = None,
        apiVersion: int = 1,
    ) -> Any:
        """Take over the arguments."""
        return super().reconfigService(
            vault_server=vaultServer,
            authenticator=VaultAuthenticatorToken(vaultToken),
            secrets_mount=secretsmount,
            api_version=apiVersion,
        )

    @outgoing
    async def get(self, entry: str) -> str | None:
        """Return the secret at a path, None if there is none. Raises VaultError when Vault cannot
        be asked or refuses."""
        data = await self._read(entry)
        value = data.get(_VALUE) if data is not None else None
        return None if value is None else str(value)
