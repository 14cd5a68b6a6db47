"""Certificates for tests, made by the openssl command."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Authority:
    """Signs certificates."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._directory = directory
        self.certificate = directory / "ca.pem"
        self._openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", directory / "ca.key", "-out", self.certificate, "-days", "2"),
            *("-subj", "/CN=Authority"),
        )

    @property
    def directory(self) -> Path:
        """Where its certificates are."""
        return self._directory

    def signed(
        self, name: str, address: str = "IP:127.0.0.1", *, days: int = 2
    ) -> tuple[Path, Path]:
        """Return a certificate and its key; with -1 as *days* it expired a day ago."""
        key, request = self._directory / f"{name}.key", self._directory / f"{name}.csr"
        certificate, more = self._directory / f"{name}.pem", self._directory / f"{name}.ext"
        more.write_text(f"subjectAltName={address}\n")
        self._openssl(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", key, "-out", request, "-subj", f"/CN={name}"),
        )
        self._openssl(
            *("x509", "-req", "-in", request, "-CA", self.certificate, "-out", certificate),
            *("-CAkey", self._directory / "ca.key", "-CAcreateserial", "-days", days),
            *("-extfile", more),
        )
        return certificate, key

    def _openssl(self, *arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
