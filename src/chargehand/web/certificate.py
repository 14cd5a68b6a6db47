"""The certificate that the web server shows; it may be renewed while the server runs."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

from chargehand.config.tls_files import TlsFiles
from chargehand.kit.tls_contexts import server_context

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 60.0


class Certificate:
    """What encrypts new connections.

    Its files are looked at once a minute at most, when a client connects: programs that renew
    certificates do not have to tell the master. Raises OSError when they cannot be read.
    """

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._read_as = _state(files)
        self._context = _context(files)
        self._look_at = asyncio.get_running_loop().time() + _LOOK_SECONDS

    def context(self) -> ssl.SSLContext:
        """Return the context for a new connection."""
        now = asyncio.get_running_loop().time()
        if now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            self._look()
        return self._context

    def _look(self) -> None:
        try:
            state = _state(self._files)
            if state != self._read_as:
                self._read_as = state
                self._context = _context(self._files)
                _log.info("the certificate %s was renewed; using it", self._files.certificate)
        except OSError as error:
            _log.error(
                "cannot read the certificate %s again (%s); the previous one stays in use",
                self._files.certificate,
                error.strerror or error,
            )


def _context(files: TlsFiles) -> ssl.SSLContext:
    return server_context(
        certificate=files.certificate,
        key=files.key,
        chain=files.chain,
        client_ca=files.client_ca,
    )


def _state(files: TlsFiles) -> list[tuple[int, int, int]]:
    """Return what differs when a file has another content."""
    names = (files.certificate, files.key, files.chain, files.client_ca)
    found = [Path(name).stat() for name in names if name is not None]
    return [(one.st_ino, one.st_size, one.st_mtime_ns) for one in found]
