"""The files that a port with TLS uses."""

from __future__ import annotations

import msgspec


class TlsFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Paths of PEM files; equal ones may have other contents by now."""

    certificate: str
    """The certificate, or it and those between it and its authority."""
    key: str
    """Its private key."""
    chain: str | None = None
    """The certificates between it and its authority, if they are in a file of their own."""
    client_ca: str | None = None
    """The certificates by which those of clients are verified; None: clients need none."""
