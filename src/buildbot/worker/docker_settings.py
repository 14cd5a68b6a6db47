"""Settings of Docker containers, from the words of configurations to those of the engine's API."""

from __future__ import annotations

import hashlib
import io
import json
import ssl
import tarfile
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from buildbot.worker.docker_host_config import BadSetting

_TLS_SETTINGS = {"assert_hostname", "ca_cert", "client_cert", "verify"}


def engine_url(docker_host: str, *, is_encrypted: bool) -> tuple[str, str | None]:
    """Return the base of URLs, and the path of the unix socket, if it is one. Raises BadSetting."""
    address = docker_host.strip()
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "tcp", address
    if scheme in ("unix", "http+unix"):
        return "http://docker", "/" + rest.lstrip("/")
    if scheme in ("tcp", "http", "https"):
        parts = urlsplit(f"//{rest}")
        if parts.hostname is None:
            raise BadSetting(f'docker_host "{docker_host}" names no host')
        is_encrypted = is_encrypted or scheme == "https"
        port = parts.port or (2376 if is_encrypted else 2375)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{'https' if is_encrypted else 'http'}://{host}:{port}{parts.path}", None
    raise BadSetting(
        f'docker_host "{docker_host}" must begin with unix://, tcp://, http:// or https://'
    )


def encryption(tls: Any) -> ssl.SSLContext | None:
    """Return what encrypts the connection: for True, a dictionary, or docker-py's TLSConfig.

    Raises BadSetting.
    """
    if not tls or isinstance(tls, ssl.SSLContext):
        return tls or None
    given = _tls_settings(tls)
    verify = given.get("verify")
    authority = given.get("ca_cert") or (verify if isinstance(verify, str) else None)
    certificate = given.get("client_cert") or given.get("cert")
    place = authority
    try:
        context = ssl.create_default_context(cafile=authority)
        if certificate:
            place = certificate
            context.load_cert_chain(*certificate)
    except (OSError, TypeError, ValueError) as failure:
        raise BadSetting(f"tls: cannot use {place!r}: {failure}") from failure
    if verify is False or given.get("assert_hostname") is False:
        context.check_hostname = False
    if verify is False:
        context.verify_mode = ssl.CERT_NONE
    return context


def _tls_settings(tls: Any) -> dict[str, Any]:
    if tls is True:
        return {}
    if not isinstance(tls, Mapping):
        if isinstance(tls, str) or not hasattr(tls, "verify"):
            raise BadSetting(
                f"tls must be True, a dictionary, or docker-py's TLSConfig, not {tls!r}"
            )
        return dict(vars(tls))
    if unknown := sorted(map(str, tls.keys() - _TLS_SETTINGS)):
        known = ", ".join(sorted(_TLS_SETTINGS))
        raise BadSetting(f"tls: there is no setting {', '.join(unknown)}; there are {known}")
    return dict(tls)


def build_context(dockerfile: str) -> bytes:
    """Return an archive that has only this Dockerfile."""
    text = dockerfile.encode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return archive.getvalue()


def image_name(dockerfile: bytes, buildargs: Mapping[str, str] | None, target: str | None) -> str:
    """Return the name of an image that is built: another one when anything in it is another."""
    told = json.dumps([buildargs or {}, target], sort_keys=True).encode()
    return f"chargehand-built-{hashlib.sha256(dockerfile + told).hexdigest()[:16]}:latest"


def with_tag(image: str) -> tuple[str, str]:
    """Return the name and the tag of an image; ``latest`` unless it has a tag or a digest."""
    if "@" in image:
        return image, ""
    name, _, tag = image.rpartition(":")
    return (name, tag) if name and "/" not in tag else (image, "latest")
