"""``c['www']['port']`` and ``c['www']['tls']``: where the web server listens, and with HTTPS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from buildbot._border.arguments import did_you_mean
from buildbot._border.numbers import SECONDS
from buildbot._host.reading.listening import Address, addresses, without_tls
from buildbot._host.reading.section import Section
from chargehand.config.tls_files import TlsFiles
from chargehand.kit.tls_contexts import server_context

_FILES = ("certificate", "key", "chain", "client_ca")
_KEYS = (*_FILES, "hsts_seconds")
HSTS_SECONDS = 180 * 24 * 3600.0


def read_addresses(part: Section) -> tuple[tuple[Address, ...], dict[Address, TlsFiles]]:
    """Return where to listen, and the files of those addresses that serve HTTPS."""
    directory = Path(part.file).parent
    for_all = _files(part, directory)
    port = part.get("port")
    found: list[Address] = []
    encrypted: dict[Address, TlsFiles] = {}
    try:
        for one in port if isinstance(port, list | tuple) else [port]:
            plain, files = without_tls(one, directory)
            if files is not None and (problem := _problem(files)) is not None:
                part.error(f"c['www']['port']: {problem}", "port")
            files = files or for_all
            for address in addresses(plain):
                found.append(address)
                if files is not None and not isinstance(address, str):
                    encrypted[address] = files
    except ValueError as error:
        part.error(f"c['www']['port']: {error}", "port")
        return (), {}
    return tuple(found), encrypted


def hsts_seconds(part: Section) -> float:
    """Return for how long browsers are to use HTTPS only."""
    given = part.get("tls")
    seconds = given.get("hsts_seconds", HSTS_SECONDS) if isinstance(given, dict) else HSTS_SECONDS
    return float(seconds) if SECONDS.has(seconds) else HSTS_SECONDS


def _files(part: Section, directory: Path) -> TlsFiles | None:
    tls = part.part("tls")
    if tls is None:
        return None
    for key in tls.values:
        if key not in _KEYS:
            tls.error(f"unknown key \"{key}\" in c['www']['tls']{did_you_mean(key, _KEYS)}", key)
    tls.number_in("hsts_seconds", SECONDS)
    paths: dict[str, Any] = {}
    for key in _FILES:
        value = tls.get(key)
        if isinstance(value, str) and value:
            paths[key] = str(directory / value)
        elif value is not None:
            tls.wrong(key, "the path of a PEM file")
            return None
    if "certificate" not in paths:
        part.error("c['www']['tls'] needs 'certificate', the path of a PEM file", "tls")
        return None
    paths.setdefault("key", paths["certificate"])
    files = TlsFiles(**paths)
    if (problem := _problem(files)) is not None:
        part.error(f"c['www']['tls']: {problem}", "tls")
    return files


def _problem(files: TlsFiles) -> str | None:
    """Return what is wrong with the files."""
    for path in (files.certificate, files.key, files.chain, files.client_ca):
        try:
            if path is not None:
                Path(path).read_bytes()
        except OSError as error:
            return f"cannot read {path}: {error.strerror or error}"
    try:
        server_context(
            certificate=files.certificate,
            key=files.key,
            chain=files.chain,
            client_ca=files.client_ca,
        )
    except OSError as error:
        return (
            f"{files.certificate} and {files.key} are not a certificate and its private key in PEM "
            f"format ({getattr(error, 'reason', None) or error})"
        )
    return None
