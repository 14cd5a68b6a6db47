"""TLS as a worker's settings want it."""

from __future__ import annotations

import ssl
from datetime import datetime, timezone
from pathlib import Path

from chargehand_wire.certificates import out_of_date
from chargehand_worker.settings import WorkerSettings


class BadFile(Exception):
    """A file that a setting names cannot be used; the message says why."""


def tls_context(settings: WorkerSettings) -> ssl.SSLContext:
    """Return what verifies the master, and shows the worker's own certificate. Raises BadFile."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise BadFile(f'ca_file "{settings.ca_file}" cannot be used: {in_words(error)}') from error
    if settings.certificate is not None:
        try:
            context.load_cert_chain(settings.certificate, settings.key, password=_has_none)
        except OSError as error:
            key = "" if settings.key is None else f' with key "{settings.key}"'
            raise BadFile(
                f'certificate "{settings.certificate}"{key} cannot be used: {in_words(error)}'
            ) from error
    return context


def in_words(error: OSError) -> str:
    """Return what is wrong, without the codes of OpenSSL."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).lower().replace("_", " ")
    return error.strerror or str(error)


def wrong_with(certificate: str) -> str:
    """Return what is wrong with a certificate of our own, which the master may have refused."""
    try:
        wrong = out_of_date(Path(certificate).read_bytes(), datetime.now(timezone.utc))
    except OSError as error:
        return f". This worker's certificate cannot be read: {error}"
    return "" if wrong is None else f". This worker's certificate ({certificate}) {wrong}"


def _has_none() -> str:
    """Refuse to ask for a password: nobody may be there to type it."""
    raise BadFile("the key of the worker's certificate is encrypted: store it without a password")
