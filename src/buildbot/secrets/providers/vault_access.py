"""Asking HashiCorp Vault, or OpenBao: logging in, keeping the token alive, reading."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec

from buildbot._border.comparison import ComparableMixin

_TIMEOUT = aiohttp.ClientTimeout(total=30)
_REDIRECTS = (307, 308)
_RENEWED_AT = 0.5
"""The part of a token's life after which it is renewed."""
_REASONS = {
    403: "its token has expired or was revoked, or no policy of the token allows this",
    429: "it is a standby that does not answer; give vault_server the address of the active one",
    472: "it is a standby that does not answer; give vault_server the address of the active one",
    503: "it is sealed, or in maintenance; unseal it",
}


class VaultError(aiohttp.ClientError):
    """Vault cannot be asked, or refuses; the message says why."""


class Held(msgspec.Struct, frozen=True):
    """A token, with when it has to be renewed and when it ends."""

    token: str
    renew_at: float
    ends_at: float
    is_renewable: bool = False


def held(token: str, seconds: float, *, is_renewable: bool, now: float) -> Held:
    """Return a token that lives for some seconds; 0: for ever."""
    if seconds <= 0:
        return Held(token, float("inf"), float("inf"))
    return Held(token, now + seconds * _RENEWED_AT, now + seconds, is_renewable)


class VaultAuthenticator(ComparableMixin):
    """How to become somebody whom Vault trusts."""

    is_repeatable = False
    """Whether logging in again may give what a token that was refused did not."""

    async def log_in(self, access: VaultAccess) -> Held:
        """Return a token to ask with. Raises VaultError."""
        raise NotImplementedError(f"{type(self).__name__} has no method log_in")


class VaultAuthenticatorToken(VaultAuthenticator):
    """With a token that is there already.

    Args:
        token (str): Token with which to log in to Vault.
    """

    compare_attrs = ("_token",)

    def __init__(self, token: str) -> None:
        self._token = token

    async def log_in(self, access: VaultAccess) -> Held:
        """Return the token, with what Vault says of its life."""
        try:
            answer = await access.ask("GET", "auth/token/lookup-self", token=self._token)
        except VaultRefused:
            answer = None  # It may still be allowed to read.
        data = answer["data"] if answer is not None else {}
        return held(
            self._token,
            float(data.get("ttl") or 0),
            is_renewable=bool(data.get("renewable")),
            now=access.now(),
        )


class VaultAuthenticatorApprole(VaultAuthenticator):
    """By AppRole: with the identifiers of a role and of a secret.

    Args:
        roleId (str): Identifier of the AppRole (role_id).
        secretId (str): Secret of the AppRole (secret_id).
    """

    compare_attrs = ("_role_id", "_secret_id")
    is_repeatable = True

    def __init__(self, roleId: str, secretId: str) -> None:
        self._role_id = roleId
        self._secret_id = secretId

    async def log_in(self, access: VaultAccess) -> Held:
        """Log in."""
        body = {"role_id": self._role_id, "secret_id": self._secret_id}
        answer = await access.ask("POST", "auth/approle/login", body=body)
        return _of_login(answer, access.now())


class VaultRefused(VaultError):
    """Vault has answered that it does not want to."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class VaultAccess:
    """One server, as seen with one way of logging in. Tokens are kept while they live."""

    def __init__(self, server: str, authenticator: VaultAuthenticator) -> None:
        self._server = server
        self._authenticator = authenticator
        self._held: Held | None = None
        self._logging_in = asyncio.Lock()
        self.now = time.monotonic

    async def get(self, path: str) -> dict[str, Any] | None:
        """Return what is at a path, None if there is nothing. Raises VaultError."""
        known = self._held
        token = await self._token()
        try:
            return await self.ask("GET", path, token=token)
        except VaultRefused as refused:
            if refused.status != 403 or not self._authenticator.is_repeatable or known is None:
                raise
        # The token may have been revoked, or Vault has lost it.
        self._held = None
        return await self.ask("GET", path, token=await self._token())

    async def _token(self) -> str:
        async with self._logging_in:
            now = self.now()
            if self._held is not None and self._held.is_renewable and now >= self._held.renew_at:
                self._held = await self._renewed(self._held)
            if self._held is None or now >= self._held.ends_at:
                self._held = await self._authenticator.log_in(self)
            return self._held.token

    async def _renewed(self, old: Held) -> Held | None:
        try:
            answer = await self.ask("POST", "auth/token/renew-self", token=old.token, body={})
        except VaultRefused:
            return None
        new = _of_login(answer, self.now())
        # One that has reached its longest life is renewed for what is left of it.
        return new if new.ends_at > old.ends_at + 1 else Held(old.token, old.ends_at, old.ends_at)

    async def ask(
        self, method: str, path: str, *, token: str = "", body: object = None
    ) -> dict[str, Any] | None:
        """Return the answer, None if there is nothing. Raises VaultError."""
        headers = {"X-Vault-Request": "true"} | ({"X-Vault-Token": token} if token else {})
        url = f"{self._server}/v1/{path}"
        try:
            async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers) as session:
                for _ in range(2):  # A standby sends us to the active one.
                    request = session.request(method, url, json=body, allow_redirects=False)
                    async with request as response:
                        if response.status not in _REDIRECTS:
                            return _checked(response.status, await response.read(), url)
                        url = _redirected(url, response.headers.get("Location", ""))
        except TimeoutError:
            raise VaultError(f"Vault at {self._server} does not answer") from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise VaultError(
                f"the certificate of Vault at {self._server} cannot be verified: "
                f"{error.certificate_error}. If a private authority has signed it, name its "
                "file in the master's environment variable SSL_CERT_FILE"
            ) from error
        except VaultError:
            raise
        except aiohttp.ClientError as error:
            raise VaultError(f"Vault at {self._server} cannot be reached: {error}") from error
        raise VaultError(f"Vault at {self._server} sends us on and on")


def _checked(status: int, body: bytes, url: str) -> dict[str, Any] | None:
    """Return an answer. Raises VaultError."""
    try:
        answer = json.loads(body) if body else {}
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise VaultRefused(f"{url} does not answer as Vault does (status {status})", status)
    if status in (200, 204):
        return answer
    told = [str(one) for one in answer.get("errors") or answer.get("warnings") or ()]
    if status == 404 and not told:
        return None  # Nothing is there, or its last version was deleted.
    said = "; ".join(" ".join(one.split()) for one in told)
    reason = _REASONS.get(status, "")
    why = ": ".join(part for part in (said, reason) if part)
    raise VaultRefused(f"Vault refuses {url} with status {status}: {why or 'no reason'}", status)


def _redirected(url: str, location: str) -> str:
    """Return where to ask instead: tokens are not sent without encryption when they had it."""
    target = urljoin(url, location)
    if not location or (urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https"):
        raise VaultError(f"Vault at {url} sends us to {location!r}, which is not encrypted")
    return target


def _of_login(answer: dict[str, Any] | None, now: float) -> Held:
    auth = (answer or {}).get("auth") or {}
    if not auth.get("client_token"):
        raise VaultError("Vault has answered a login without a token")
    seconds = float(auth.get("lease_duration") or 0)
    is_renewable = bool(auth.get("renewable"))
    return held(str(auth["client_token"]), seconds, is_renewable=is_renewable, now=now)
