"""TLS for ports of the master."""

from __future__ import annotations

import ssl
from pathlib import Path
from tempfile import NamedTemporaryFile


def server_context(
    *, certificate: str, key: str, chain: str | None = None, client_ca: str | None = None
) -> ssl.SSLContext:
    """Return a context that shows this certificate. All are paths of PEM files.

    *chain* has the certificates between it and its authority, *client_ca* those that clients'
    certificates are verified by. Raises OSError when a file cannot be read, or is none of these.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if chain is None:
        context.load_cert_chain(certificate, key)
    else:
        with NamedTemporaryFile(suffix=".pem") as both:
            for name in (certificate, chain):
                both.write(Path(name).read_bytes() + b"\n")
            both.flush()
            context.load_cert_chain(both.name, key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
