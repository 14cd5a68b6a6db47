"""What browsers are told about all answers but those of the API, which no browser renders."""

from __future__ import annotations

from aiohttp import web

_HEADERS = {
    "Server": "Chargehand",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'self'",
}


def protect(
    response: web.StreamResponse, *, is_encrypted: bool, hsts_seconds: float
) -> web.StreamResponse:
    """Add what the response does not say itself; return it. One that is being sent stays."""
    if not response.prepared:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if is_encrypted and hsts_seconds > 0:
            response.headers["Strict-Transport-Security"] = f"max-age={hsts_seconds:.0f}"
    return response
