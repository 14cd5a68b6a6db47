"""Why a worker has no connection to its master, in words."""

from __future__ import annotations

import os
import ssl
from datetime import datetime, timezone
from typing import Optional

from chargehand_wire.framing import ProtocolError
from chargehand_wire.master_address import PATH, MasterAddress
from chargehand_wire.websocket import Refused, SpeaksNoHttp
from chargehand_wire.websocket_frames import Closed
from chargehand_worker.tls import in_words

_FIRST_PORT_OF_BUILDBOT = 9989
_NOT_FOUND = 404
_REDIRECTIONS = range(300, 400)
_ERRORS = 400
"""The first HTTP status that means an error."""
_LONGEST = 500
"""Characters that are shown of an address."""
_REFUSED_FOR_OTHER_REASONS = (401, 403, 503)
"""HTTP statuses that have nothing to do with how the connection was asked for."""

_UNKNOWN_AUTHORITIES = (2, 18, 19, 20, 21)
"""OpenSSL's codes for a certificate of which no trusted authority is known."""
_OTHER_TIMES = (9, 10)
"""OpenSSL's codes for a certificate that is not valid yet, or no more."""
_OTHER_NAMES = (62, 64)
"""OpenSSL's codes for a certificate of another host or address."""
_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
"""What OpenSSL says of an answer that is no TLS."""
_NO_TLS = "it does not speak TLS there. If the master has no certificate, use http://"


def is_final(refused: Refused) -> bool:
    """Return whether the master would not let the worker in, however that asks for a connection."""
    return refused.status in _REFUSED_FOR_OTHER_REASONS


def reason(error: Exception, address: Optional[MasterAddress] = None) -> str:
    """Return what to tell people of a failure to connect to an address, or of a lost connection."""
    if isinstance(error, Refused):
        return _told(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _about_certificate(error)
    if isinstance(error, ssl.SSLError):
        return _NO_TLS if error.reason in _NOT_TLS else f"TLS failed: {in_words(error)}"
    if isinstance(error, SpeaksNoHttp):
        return f"{error}. Give the address of the master's web server, not a port for stock workers"
    port = None if address is None else address.port
    if isinstance(error, ProtocolError) and port == _FIRST_PORT_OF_BUILDBOT:
        return f"{error}. Port {port} is for Buildbot's own workers; use the web port"
    if isinstance(error, OSError):
        # asyncio's own sentences name the address again.
        number = error.errno or 0
        return os.strerror(number) if number > 0 else error.strerror or str(error)
    return str(error)


def _told(refused: Refused) -> str:
    """Return what a server says for refusing, if that is a sentence as masters say them."""
    answered = f"it answered with HTTP status {refused.status}"
    elsewhere = refused.headers.get("location", "")
    if refused.status in _REDIRECTIONS and elsewhere.isprintable() and elsewhere:
        return f"{answered}: the master's address is {_base_of(elsewhere)}"
    kind = refused.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()
    if refused.text and "\n" not in refused.text and kind == "text/plain":
        return refused.text
    if refused.status < _ERRORS or refused.status == _NOT_FOUND:
        return f"{answered}: no master takes workers there. Check the address, and its path"
    return answered


def _base_of(address: str) -> str:
    shown = address[:_LONGEST]
    return shown[: -len(PATH)] if shown.endswith(PATH) else shown


def _about_certificate(error: ssl.SSLCertVerificationError) -> str:
    advice = ""
    if error.verify_code in _UNKNOWN_AUTHORITIES:
        advice = ". If your own authority signed it, name that with ca_file in worker.toml"
    elif error.verify_code in _OTHER_NAMES:
        advice = ". Use a name that it is for as the host of master in worker.toml"
    elif error.verify_code in _OTHER_TIMES:
        advice = f". This machine's clock says {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    return f"its certificate is not valid: {error.verify_message.rstrip('.')}{advice}"


def closed_why(closed: Closed) -> str:
    """Return why the master has closed the connection."""
    return closed.reason or f"the master closed it (code {closed.code})"
