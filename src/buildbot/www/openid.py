"""What an OpenID Connect provider has signed, checked."""

from __future__ import annotations

import hmac
from typing import Any

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
