"""What HTTP requests show of us, and how they check whom they reach."""

from __future__ import annotations

import ssl
from base64 import b64encode
from os import PathLike
from typing import Any


def authorization(auth: Any) -> dict[str, str]:
    """Return the header for user and password: of a pair, or of an object that has both."""
    if not auth:
        return {}
    user, password = auth if isinstance(auth, tuple | list) else (auth.username, auth.password)
    encoded = b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


def verification(verify: Any, cert: Any = None) -> bool | ssl.SSLContext:
    """Return how the server's certificate is checked, and with which one of ours.

    *verify* is False, or the file of the authorities to trust; *cert* the file of our certificate,
    or a pair of it and the file of its key.
    """
    authorities = verify if isinstance(verify, str | PathLike) else None
    if cert is None and authorities is None:
        return verify is not False
    context = ssl.create_default_context(cafile=authorities)
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert is not None:
        context.load_cert_chain(*(cert if isinstance(cert, tuple | list) else (cert,)))
    return context
