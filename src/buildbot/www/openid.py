"""Logging in at sites that speak OpenID Connect: what they have signed is checked."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, ClassVar

from buildbot.www.oauth2_base import TIMEOUT, OAuth2Auth
from chargehand.config.login import LoginRefused

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures with public keys only: with a shared key, or none, anybody who knows it could sign."""
_LEEWAY = 60
"""Seconds by which the clocks of both may differ."""


def checked_claims(
    token: str, keys: Any, *, issuer: str, client_id: str, nonce: str
) -> dict[str, Any]:
    """Return the claims of an ID token. Raises LoginRefused."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=_ALGORITHMS)
        jwt.JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        ).validate(decoded.claims)
    except (JoseError, ValueError, KeyError, TypeError) as problem:
        raise LoginRefused(f"its answer is not valid: {problem}") from problem
    claims = dict(decoded.claims)
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise LoginRefused("its answer belongs to another login")
    authorised = claims.get("azp")
    if authorised is not None and authorised != client_id:
        raise LoginRefused("its answer is meant for another application")
    return claims


class OpenIDConnectAuth(OAuth2Auth):
    """Logging in at a site that speaks OpenID Connect. It is asked at *issuer* how it works.

    Args:
        issuer (str): The address of the provider: ``/.well-known/openid-configuration`` is below.
        clientId (str): The client's identifier (renderable).
        clientSecret (str): Its secret (renderable).
        autologin (bool): Whether visitors are sent there at once.
        title (str): What the provider is called on the button.
        scope (str): What to ask for.
        usernameClaim (str): The claim that is the user's name.
        groupsClaim (str): The claim that lists the user's groups; dots lead into objects.
        ssl_verify (bool | str): Whether the certificate is checked, or a file of authorities.
        userInfoProvider (UserInfoProviderBase): Says more of a user than the provider.
    """

    compare_attrs: ClassVar[Any] = ("issuer", "title", "scope", "usernameClaim", "groupsClaim")
    name = "OpenIDConnect"
    faIcon = "fa-openid"

    def __init__(
        self,
        issuer: str,
        clientId: Any,
        clientSecret: Any,
        autologin: bool = False,
        title: str | None = None,
        scope: str = "openid email profile",
        usernameClaim: str = "preferred_username",
        groupsClaim: str = "groups",
        **kwargs: Any,
    ) -> None:
        super().__init__(clientId, clientSecret, autologin, **kwargs)
        self.issuer = issuer.rstrip("/")
        self.title = title
        self.scope = scope
        self.usernameClaim = usernameClaim
        self.groupsClaim = groupsClaim
        if title is not None:
            self.name = title
        self._found: dict[str, Any] = {}

    def _configuration(self) -> dict[str, Any]:
        """Return what the provider says of itself, in a thread."""
        if not self._found:
            import requests

            answer = requests.get(
                f"{self.issuer}/.well-known/openid-configuration",
                timeout=TIMEOUT,
                verify=self.ssl_verify,
            )
            answer.raise_for_status()
            found = answer.json()
            if found.get("issuer", "").rstrip("/") != self.issuer:
                raise ValueError(f"it calls itself {found.get('issuer')}, not {self.issuer}")
            self._found = found
        return self._found

    def _authorization_url(self) -> str:
        return str(self._configuration()["authorization_endpoint"])

    def _token_url(self) -> str:
        return str(self._configuration()["token_endpoint"])

    def _more_of_authorization(self, kept: Mapping[str, str]) -> dict[str, Any]:
        return {"scope": self.scope, "nonce": kept["nonce"]}

    def _way_of_showing_the_secret(self) -> str:
        return "client_secret_basic"

    def who(self, client: Any, token: Mapping[str, Any], kept: Mapping[str, str]) -> dict[str, Any]:
        """Return who has logged in: the provider has signed it."""
        configuration = self._configuration()
        keys = client.get(configuration["jwks_uri"], withhold_token=True, timeout=TIMEOUT)
        keys.raise_for_status()
        claims = checked_claims(
            str(token.get("id_token", "")),
            keys.json(),
            issuer=configuration["issuer"],
            client_id=client.client_id,
            nonce=kept.get("nonce", ""),
        )
        endpoint = configuration.get("userinfo_endpoint")
        if endpoint:
            answer = client.get(endpoint, timeout=TIMEOUT)
            answer.raise_for_status()
            told = answer.json()
            if told.get("sub") == claims["sub"]:
                claims = {**told, **claims}
        return self._described(claims)

    def _described(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        username = claims.get(self.usernameClaim) or claims.get("email") or claims["sub"]
        groups: Any = claims
        for part in self.groupsClaim.split("."):
            groups = groups.get(part) if isinstance(groups, Mapping) else None
        is_verified = claims.get("email_verified", True)
        return {
            "username": str(username),
            "full_name": str(claims.get("name") or ""),
            "email": str(claims.get("email") or "") if is_verified else "",
            "groups": [str(one) for one in groups] if isinstance(groups, list) else [],
        }


class AzureAuth(OpenIDConnectAuth):
    """Logging in at Microsoft's Entra ID (Azure).

    Args:
        clientId (str): The application's ID (renderable).
        clientSecret (str): Its secret (renderable).
        tenant (str): The directory's ID or domain.
        autologin (bool): Whether visitors are sent there at once.
        ssl_verify (bool | str): Whether the certificate is checked, or a file of authorities.
        userInfoProvider (UserInfoProviderBase): Says more of a user than the provider.
    """

    name = "Azure"
    faIcon = "fa-windows"

    def __init__(
        self, clientId: Any, clientSecret: Any, tenant: str, autologin: bool = False, **kwargs: Any
    ) -> None:
        issuer = f"https://login.microsoftonline.com/{tenant}/v2.0"
        super().__init__(issuer, clientId, clientSecret, autologin, **kwargs)


class KeyCloakAuth(OpenIDConnectAuth):
    """Logging in at a Keycloak.

    Args:
        instanceUri (str): The address of the Keycloak.
        realm (str): The realm.
        clientId (str): The client's ID (renderable).
        clientSecret (str): Its secret (renderable).
        autologin (bool): Whether visitors are sent there at once.
        ssl_verify (bool | str): Whether the certificate is checked, or a file of authorities.
        userInfoProvider (UserInfoProviderBase): Says more of a user than the provider.
    """

    name = "Keycloak"
    faIcon = "fa-key"

    def __init__(
        self,
        instanceUri: str,
        realm: str,
        clientId: Any,
        clientSecret: Any,
        autologin: bool = False,
        **kwargs: Any,
    ) -> None:
        issuer = f"{instanceUri.rstrip('/')}/realms/{realm}"
        super().__init__(issuer, clientId, clientSecret, autologin, **kwargs)
